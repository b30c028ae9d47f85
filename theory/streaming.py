r"""From a rule and a noise law to the limit, by Stein's lemma and Itô's formula.

The residual is ℓ = √(2R) Z − ε. Stein's lemma gives the one-step mean of the update, independence
at leading order its second moment; Itô's formula for the mode energy λ u²/2 gives the equations
(derived here, after arXiv 2411.12135 and 2406.11733).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from .errors import NoLimit, NotAvailable
from .expectation import Piece, mean_slope, mean_square, pieces
from .expectation.discretise import discretise
from .methods.gradient_descent import GradientDescent
from .noise_law import NoiseForm, density_function, noise_form, parameter_values
from .symbols import decay_rate, dimension, energy, residual, risk, source_weight, t
from .system import Step, System
from .twin import Parameter, moment_parameter, twin

coordinate = sp.Symbol("u_i", real=True)


@dataclass(frozen=True)
class Binding:
    """The numbers of a System: parameter values and the arrays of the noise mixture."""

    p: np.ndarray
    weights: np.ndarray
    means: np.ndarray
    scales: np.ndarray


def derive_streaming(problem: Any, method: Any) -> System:
    """Derive the high-dimensional limit of ``method`` on ``problem``.

    Parameters
    ----------
    problem : LeastSquares
    method : Method

    Returns
    -------
    System
        Symbolic; the same for every value of the numbers (of the same sign).

    Raises
    ------
    NoLimit
        Noise of infinite variance under a rule that is not bounded.
    NotAvailable
        A batch above 1; a coordinate-wise rule other than the sign.
    """
    return _derived(problem.noise, method)


@lru_cache(maxsize=256)
def _derived(law: Any, method: Any) -> System:
    """Derive once for every pair of values; the data enter only when numbers are bound."""
    _check_available(method)
    symbolic, parameters = twin(method, "method")
    rule = rule_of(method, symbolic)
    noise = noise_form(law)
    moments = _Moments(law)
    owners = {"method": method, "noise": law}
    values = parameter_values(parameters + noise.parameters, owners) | {t: 0.0}
    parts = pieces(rule, residual, values)
    mu = mean_slope(parts, noise.laws, moments)
    power = mean_square(parts, noise.laws, moments)
    known = (*parameters, *noise.parameters, *moments.used)
    return _assemble(method, symbolic.rate, rule, mu, power, known, noise)


def bind(system: System, problem: Any, method: Any) -> Binding:
    """Return the numbers that ``system`` takes for this problem and method."""
    owners = {"method": method, "noise": problem.noise}
    p = np.array([q.read(owners) for q in system.parameters], dtype=np.float64)
    return Binding(p, *_components(system, problem.noise, method))


def check_streaming(method: Any) -> None:
    """Refuse what belongs to finite data.

    Raises
    ------
    NotAvailable
        Full-batch descent, ``sampling`` or ``momentum`` on a stream.
    """
    if isinstance(method, GradientDescent):
        remedy = "a stream has no full batch; use SGD(rate), or a LinearModel"
        raise NotAvailable("method", method, remedy)
    for field, unset in (("sampling", None), ("momentum", 0.0)):
        if getattr(method, field, unset) != unset:
            remedy = "belongs to finite data (LinearModel, QuadraticRegression); leave it out"
            raise NotAvailable(field, getattr(method, field), remedy)


def _check_available(method: Any) -> None:
    check_streaming(method)
    if method.batch > 1:
        raise NotAvailable("batch", method.batch, "limits are derived for batch = 1 so far")
    is_sign = sp.sympify(method.rule(residual)) == sp.sign(residual)
    if method.acts_on == "coordinate" and not is_sign:
        raise NotAvailable(
            "rule", method.rule(residual), "only the sign is derived for coordinate-wise methods"
        )


def rule_of(method: Any, symbolic: Any) -> Any:
    """Return ψ with symbols for the method's numbers; with numbers where it branches on them."""
    try:
        return sp.sympify(symbolic.rule(residual))
    except TypeError:
        return sp.sympify(method.rule(residual))


class _Moments:
    """Symbols for the moments of the noise that a derivation asks for."""

    def __init__(self, noise: Any) -> None:
        self._noise = noise
        self._used: dict[int, Parameter] = {}

    @property
    def used(self) -> tuple[Parameter, ...]:
        return tuple(self._used.values())

    def __call__(self, order: int) -> Any:
        if order == 0:
            return sp.S.One
        value = float(self._noise.moment(order))
        if not math.isfinite(value):
            raise NoLimit(
                "noise",
                self._noise,
                f"the rule is unbounded and E ε^{order} is infinite, so no limit exists; "
                "clip the residual (ClippedSGD, Huber) or take its sign (SignSGD)",
            )
        if value == 0:
            return sp.S.Zero
        return self._used.setdefault(order, moment_parameter(order)).symbol


def _assemble(
    method: Any,
    rate: Any,
    rule: Any,
    mu: Any,
    power: Any,
    known: tuple[Parameter, ...],
    noise: NoiseForm,
) -> System:
    rate = sp.sympify(rate)
    eta = sp.Function("eta")(t) if rate.has(t) else rate
    mu_name, power_name = _named("mu", mu), _named("N", power)
    drift, source, steps = _ito(method.acts_on, eta, mu_name, power_name)
    definitions = ((mu_name, mu), (power_name, power), *(((eta, rate),) if rate.has(t) else ()))
    used = set().union(*(sp.sympify(e).free_symbols for e in (mu, power, rule, rate)))
    return System(
        name=method.label,
        drift=drift,
        source_term=source,
        rate=rate,
        definitions=definitions,
        rule=rule,
        acts_on=method.acts_on,
        parameters=tuple(q for q in known if q.symbol in used),
        noise_form=noise.form,
        steps=(*_opening(method.acts_on, rule, mu_name, mu, power_name, power), *steps),
    )


def _named(name: str, expression: Any) -> Any:
    arguments = (risk, t) if expression.has(t) else (risk,)
    return sp.Function(name)(*arguments)


def _ito(acts_on: str, eta: Any, mu: Any, power: Any) -> tuple[Any, Any, tuple[Step, ...]]:
    """Pass from the one-step moments of a mode u to drift and source of its energy λ u²/2."""
    u, y, lam, d = coordinate, energy, decay_rate, dimension
    kappa = sp.sqrt(2 / sp.pi) if acts_on == "coordinate" else sp.S.One
    mean = -eta / d * kappa * mu * lam * u
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


def ito(function: Any, u: Any, drift: Any, variance: Any) -> Any:
    """Return the generator of du = drift dt + √variance dW on ``function`` of u."""
    return sp.diff(function, u) * drift + sp.diff(function, u, 2) * variance / 2


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
    acts_on: str, rule: Any, mu: Any, mu_value: Any, power: Any, power_value: Any
) -> tuple[Step, ...]:
    acts = {
        "residual": "the rule acts on the residual ℓ = √(2R) Z − ε: the step is −(η/d) ψ(ℓ) x",
        "norm": "the rule acts on the gradient norm n = |ℓ| ‖x‖/√tr K, which concentrates on |ℓ|",
        "coordinate": "the rule acts on every coordinate of the gradient ℓ x",
    }
    return (
        Step(acts[acts_on], "ψ(ℓ)", rule),
        Step("mean slope, E ψ′(ℓ), jumps counted with the density of ℓ", mu, mu_value),
        Step("mean square, E ψ(ℓ)²", power, power_value),
    )


def _components(
    system: System, noise: Any, method: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if system.noise_form == "closed":
        return np.empty(0), np.empty(0), np.empty(0)
    if system.noise_form == "mixture":
        weights, means, scales = (np.ascontiguousarray(a) for a in noise.component_arrays())
        return weights, means, scales
    kinks = [part.lower for part in _numeric_pieces(method)[1:]]
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


def _numeric_pieces(method: Any) -> tuple[Piece, ...]:
    return pieces(method.rule(residual), residual, {t: 0.0})


__all__ = ["Binding", "bind", "derive_streaming", "ito", "rule_of"]
