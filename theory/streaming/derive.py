r"""From a rule and a noise law to the limit, by Stein's lemma and Itô's formula.

The residual is ℓ = √(2R) Z − ε. Stein's lemma gives the one-step mean of the update, independence
at leading order its second moment; Itô's formula for the mode energy λ u²/2 gives the equations
(derived here, after arXiv 2411.12135 and 2406.11733).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from ..core import stated
from ..core.checks import choice
from ..core.errors import NotAvailable
from ..core.ito import ito
from ..core.nodes import MixtureSum, TabulatedMean
from ..core.once import once
from ..core.symbolic import Block, numbers
from ..core.symbols import decay_rate, dimension, energy, residual, source_weight, t
from ..core.system import Step
from ..expectation import pieces
from ..expectation.discretise import discretise
from ..methods.base import Method, check_pool
from ..methods.gradient_descent import GradientDescent
from ..schedules.following import FollowingRate, without
from ..schedules.kinks import schedules_of
from ..schedules.running_quantile import RunningQuantile
from .batches import batch_steps, step_moments, transform
from .exact_mean import derive_exact_mean
from .fluctuations import with_covariance
from .following import derive_following
from .ingredients import Setting, named, setting
from .noise_law import density_function
from .private import PrivateSystem, private_law, without_noise
from .problem import LeastSquares, check_stream
from .rules import rule_of
from .system import ModeSystem
from .tails import check_tails

LIMITS = ("ode", "fluctuations", "exact")
coordinate = sp.Symbol("u_i", real=True)


@dataclass(frozen=True)
class Binding:
    """The numbers of a ModeSystem: parameter values and the arrays of the noise mixture.

    `apart` holds the values without those that the rate alone reads: all that μ and N depend on.
    `unit` are the values at the rate 1, where the rate is a number that nothing else reads;
    `schedules` the hyper-parameters that move in time, which may bend or jump.
    """

    p: np.ndarray
    weights: np.ndarray
    means: np.ndarray
    scales: np.ndarray
    apart: np.ndarray | None = None
    unit: np.ndarray | None = None
    schedules: tuple[Any, ...] = ()


def derive(problem: LeastSquares, method: Method, *, limit: str = "ode") -> Any:
    """Derive the high-dimensional limit of ``method`` on ``problem``.

    Parameters
    ----------
    problem : LeastSquares
    method : Method
    limit : {"ode", "fluctuations", "exact"}
        What the system holds: the equations of the mean, or beside them the covariance of one
        step, which gives the fluctuations of one run around the mean; or the recursion of the
        mean of unclipped SGD at finite d (a `MeanRecursion`).

    Returns
    -------
    ModeSystem
        Symbolic; the same for every value of the numbers (of the same sign).

    Raises
    ------
    NoLimit
        Noise of infinite variance under a rule that is not bounded; for the fluctuations, noise
        of infinite fourth moment.
    NotAvailable
        A coordinate-wise rule other than the sign; with a batch, a rule on the mean gradient that
        is not a clip or the sign.
    """
    check_stream(problem)
    choice("limit", limit, LIMITS)
    if limit == "exact":
        check_streaming(method)
        if isinstance(method.rate, FollowingRate):
            remedy = "follows the run, whose mean does not close at finite d"
            raise NotAvailable("rate", method.rate, remedy)
        return derive_exact_mean(problem, method)
    if isinstance(method.rate, FollowingRate):
        return derive_following(method, derive(problem, without(method), limit=limit))
    if getattr(method, "noise_multiplier", 0.0):
        return PrivateSystem(derive(problem, without_noise(method), limit=limit), private_law())
    _check_available(method)
    given = setting(problem.noise, method)
    check_tails(given, problem.noise, 4 if limit == "fluctuations" else 2)
    return _fluctuating(given) if limit == "fluctuations" else _derived(given)


@once
def _derived(given: Setting) -> ModeSystem:
    return _known.get("ode", given, lambda: _assemble(given, *step_moments(given)))


@once
def _fluctuating(given: Setting) -> ModeSystem:
    """Derive the covariance too: moments of order four are asked for here and not before."""
    mean = _derived(given)
    return _known.get("fluctuations", given, lambda: with_covariance(mean, given))


class _Known:
    """Systems by what the rule and the law state, not by the objects that state it: a class that
    was edited has another system, and new numbers have the same.

    Of the moments only their kind enters (zero, finite, infinite), and only of those asked for.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._systems: OrderedDict[Any, list[tuple[dict[int, str], ModeSystem]]] = OrderedDict()

    def get(self, limit: str, given: Setting, make: Callable[[], ModeSystem]) -> ModeSystem:
        """Return the system of a setting, made where it is not known."""
        key = (limit, given.form)
        for asked, system in self._systems.get(key, []):
            if all(given.moments.kind(order) == kind for order, kind in asked.items()):
                given.moments.ask(asked)
                return system
        system = make()
        self._systems.setdefault(key, []).append((dict(given.moments.asked), system))
        self._systems.move_to_end(key)
        while len(self._systems) > self._most:
            self._systems.popitem(last=False)
        return system


_known = _Known(256)


@once
def bind(system: ModeSystem, problem: Any, method: Any) -> Binding:
    """Return the numbers that ``system`` takes for this problem and method.

    Raises
    ------
    NotAvailable
        A system of more than modes: a rate that follows the run, added noise.
    """
    if not isinstance(system, ModeSystem):
        remedy = f"{system.name}: solve, simulate and compare take it, this question does not"
        raise NotAvailable("method", method, remedy)
    owners = {"method": method, "noise": problem.noise}
    apart = numbers(system.beside_rate, owners)
    values = numbers(system.parameters, owners)
    place, unit = rate_place(system), None
    if place is not None:
        unit = values.copy()
        unit[place] = 1.0
    given = _components(system, problem.noise, method)
    return Binding(values, *given, apart, unit, schedules_of(method))


def rate_place(system: ModeSystem) -> int | None:
    """Return where the rate stands in ``p``; None where it is no number that it alone reads."""
    beside = system.beside_rate
    for place, q in enumerate(system.parameters):
        if (q.owner, q.field) == ("method", "rate") and not isinstance(q, Block):
            return place if q not in beside and system.rate == q.symbol else None
    return None


def check_streaming(method: Any) -> None:
    """Refuse what belongs to finite data, and a rule that does not say where in a batch it acts.

    Raises
    ------
    NotAvailable
        Full-batch descent or ``sampling`` on a stream; what is kept beside the iterate.
    InvalidInput
        A ``pool`` that the rule of a batch cannot have.
    """
    if isinstance(method, GradientDescent):
        remedy = "a stream has no full batch; use SGD(rate), or a LinearModel"
        raise NotAvailable("method", method, remedy)
    if method.rate is None:
        remedy = "it chooses its step from a whole loss; a stream has the methods with a rate"
        raise NotAvailable("method", method, remedy)
    if getattr(method, "sampling", None) is not None:
        remedy = "belongs to finite data (LinearModel, QuadraticRegression); leave it out"
        raise NotAvailable("sampling", method.sampling, remedy)
    for field in method.remembered:
        remedy = "there are derive, solve, simulate, stationary and best_momentum with it; this "
        raise NotAvailable(field, getattr(method, field), remedy + "question is not derived for it")
    check_pool(method)


def _check_available(method: Any) -> None:
    check_streaming(method)
    if isinstance(getattr(method, "threshold", None), RunningQuantile):
        remedy = "its limit moves with the risk: use solve, or schedule_along for the schedule"
        raise NotAvailable("threshold", method.threshold, remedy)
    if method.acts_on != "coordinate":
        return
    rule = stated.rule(method, residual)
    if rule != sp.sign(residual):
        raise NotAvailable("rule", rule, "only the sign is derived for coordinate-wise methods")


def _assemble(given: Setting, mu: Any, power: Any) -> ModeSystem:
    method, rate, rule, eta = given.method, given.rate, given.rule, given.eta
    mu_name, power_name = named("mu", mu), named("N", power)
    drift, source, steps = _ito(given, mu_name, power_name)
    moments = ((mu_name, mu), (power_name, power))
    definitions = (*moments, *(((eta, rate),) if rate.has(t) else ()), *transform(given))
    formulas = (rule, rate, *(expression for _, expression in definitions))
    used = set().union(*(sp.sympify(e).free_symbols for e in formulas))
    return ModeSystem(
        name=method.label,
        drift=drift,
        source_term=source,
        rate=rate,
        definitions=definitions,
        rule=rule,
        acts_on=method.acts_on,
        parameters=tuple(q for q in given.known if q.symbol in used),
        noise_form=given.noise.form,
        steps=(*_opening(given, mu_name, mu, power_name, power), *steps),
    )


def _ito(given: Setting, mu: Any, power: Any) -> tuple[Any, Any, tuple[Step, ...]]:
    """Pass from the one-step moments of a mode u to drift and source of its energy λ u²/2."""
    u, y, lam, d, eta = coordinate, energy, decay_rate, dimension, given.eta
    acts_on = given.method.acts_on
    mean = -eta / d * given.kappa * mu * lam * u
    second = (eta / d) ** 2 * power * source_weight / lam
    drift, variance = d * mean, d * second
    generated = sp.expand(ito(lam * u**2 / 2, u, drift, variance)).subs(u**2, 2 * y / lam)
    free, proportional = sp.expand(generated).as_independent(y, as_Add=True)
    name = {"mean": "E[Δu]", "second": "E[Δu²]"}
    steps = (
        Step(_MEAN_TEXT[acts_on == "coordinate"], name["mean"], mean),
        Step(_SECOND_TEXT[acts_on == "coordinate"], name["second"], second),
        Step("d steps make one unit of time: drift of u", "b", drift),
        Step("… and its variance (the squared mean is smaller by 1/d)", "v", variance),
        Step("Itô's formula for y_i = λ_i u_i²/2: b ∂y/∂u + (v/2) ∂²y/∂u²", "dy_i/dt", generated),
        Step("the part proportional to the mode is the drift", "drift", proportional),
        Step("the rest is the source; R is the sum of the y_i", "source_term", free),
    )
    return proportional, free, steps


_MEAN_TEXT = {
    False: "Stein: E[ψ(ℓ) x] = μ K δ; along an eigenvector of K the one-step mean is",
    True: "Stein for the pair (x_i, ℓ): E[sign(x_i) sign(ℓ)] = √(2/π) μ (K δ)_i/√K_ii; along a "
    "left eigenvector of D^(-1/2) K the one-step mean is",
}
_SECOND_TEXT = {
    False: "ψ(ℓ)² and x² decouple in high dimension; q_i = λ_i² n_i for n_i equal eigenvalues",
    True: "arcsine law: E[sign(x) sign(x)ᵀ] = K_σ = (2/π) arcsin(C); q_i = λ_i (WᵀK_σW)_ii",
}


def _opening(
    given: Setting, mu: Any, mu_value: Any, power: Any, power_value: Any
) -> tuple[Step, ...]:
    acts = {
        "residual": "the rule acts on the residual ℓ = √(2R) Z − ε: the step is −(η/d) ψ(ℓ) x",
        "norm": "the rule acts on the gradient norm n = |ℓ| ‖x‖/√tr K, which concentrates on |ℓ|",
        "coordinate": "the rule acts on every coordinate of the gradient ℓ x",
    }
    return (
        Step(acts[given.method.acts_on], "ψ(ℓ)", given.rule),
        *batch_steps(given),
        Step("mean slope, E ψ′(ℓ), jumps counted with the density of ℓ", mu, mu_value),
        Step("mean square, E ψ(ℓ)²", power, power_value),
    )


def _components(
    system: ModeSystem, noise: Any, method: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    read = (e.replace(TabulatedMean, lambda *_: sp.S.Zero) for _, e in system.definitions)
    if system.noise_form == "closed" or not any(e.has(MixtureSum) for e in read):
        return np.empty(0), np.empty(0), np.empty(0)
    if system.noise_form == "mixture":
        weights, means, scales = (np.ascontiguousarray(a) for a in noise.component_arrays())
        return weights, means, scales
    kinks = _kinks(system, method)
    if any(sp.sympify(k).has(t) for k in kinks):
        raise NotAvailable(
            "noise",
            noise,
            "a density outside the closed class needs kinks of the rule that do not move; "
            "use a constant threshold, or state components(self)",
        )
    centres = (*noise.support_points, *(-float(k) for k in kinks))
    weights, means = discretise(density_function(noise), centres)
    return weights, means, np.zeros_like(means)


def _kinks(system: ModeSystem, method: Any) -> list[Any]:
    """Where the residual meets a kink; the transform of a batch meets a density at 0 only."""
    if any(str(name.func) == "mu_sign" for name, _ in system.definitions):
        return [sp.S.Zero]
    return [part.lower for part in pieces(stated.rule(method, residual), residual, {t: 0.0})[1:]]


__all__ = ["Binding", "bind", "derive", "rule_of"]
