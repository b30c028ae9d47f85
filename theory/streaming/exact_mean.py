r"""The exact mean of unclipped SGD at any dimension, by Isserlis' theorem.

Along an eigenvector of K one step is :math:`u\leftarrow u-\frac{\eta}{dB}\sum_b\ell_bx_b`, and for
Gaussian :math:`(x,\langle x,\delta\rangle)` the mean of :math:`u^2` after it is a polynomial in
:math:`u^2` and R: the mode energies obey a closed linear recursion (derived here).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import sympy as sp

from ..core import stated
from ..core.errors import NoLimit, NotAvailable
from ..core.printer import SourcePrinter, latex
from ..core.symbolic import Parameter, moment_parameter, twin
from ..core.symbols import decay_rate, dimension, energy, noise, residual, risk, source_weight, t
from ..core.system import Step, narrate, typeset

#: component of δ along an eigenvector, of x along it, and ⟨x, δ⟩
component = sp.Symbol("u_i", real=True)
_input, _output = sp.symbols("x g", real=True)
#: η inside compiled functions, where it is an argument
_argument = sp.Symbol("eta")


@dataclass(frozen=True)
class MeanRecursion:
    """y_i ← y_i + change, the mean over runs of one step.

    Attributes
    ----------
    name : str
        Name of the method.
    change : sympy expression
        Linear in y_i, R and 1.
    size : sympy expression
        η as it stands in `change`.
    rate : sympy expression
        η, the step size times d, as a function of t.
    parameters : tuple of Parameter
    steps : tuple of Step
        The derivation.
    """

    name: str
    change: Any
    size: Any
    rate: Any
    parameters: tuple[Parameter, ...]
    steps: tuple[Step, ...]

    @property
    def numbers(self) -> tuple[Any, ...]:
        """The symbols of the parameters."""
        return tuple(parameter.symbol for parameter in self.parameters)

    @cached_property
    def relaxation(self) -> Any:
        """Coefficient of y_i in the change."""
        return sp.factor(sp.diff(self.change, energy))

    @cached_property
    def gains(self) -> tuple[Any, Any]:
        """Coefficients of R q_i/d and of q_i/d in the change."""
        free = sp.expand(self.change.subs(energy, 0) * dimension / source_weight)
        return free.coeff(risk, 1), free.coeff(risk, 0)

    @cached_property
    def source(self) -> str:
        """The generated code: rate, relaxation, risk_gain and noise_gain."""
        printer = SourcePrinter(tuple(q.symbol for q in self.parameters), {})
        from_risk, from_noise = (g.subs(self.size, _argument) for g in self.gains)
        relaxation = self.relaxation.subs(self.size, _argument)
        functions = [
            printer.function("rate", "t, p", self.rate),
            printer.function("relaxation", "lambda_i, eta, d, p", relaxation),
            printer.function("risk_gain", "eta, d, p", from_risk),
            printer.function("noise_gain", "eta, d, p", from_noise),
        ]
        return "\n\n".join([*printer.functions, *functions])

    def latex(self, environment: str | None = None) -> str:
        """Return the recursion in LaTeX, one equation a line (see `System.latex`)."""
        equations = [
            (rf"{latex(energy)}^{{k+1}} - {latex(energy)}^{{k}}", latex(self.change)),
            ("R", rf"\sum_i {latex(energy)}^{{k}}"),
        ]
        if self.rate.has(t):
            equations.append((latex(self.size), latex(self.rate)))
        return typeset(equations, environment)

    def explain(self) -> str:
        """Return the derivation."""
        return narrate(self.steps)


def check_closes(problem: Any, method: Any) -> None:
    """Refuse a rule or a noise under which the mean at finite d does not close."""
    if method.acts_on == "coordinate" or stated.rule(method, residual) != residual:
        remedy = 'only the mean of unclipped SGD closes at finite d; use limit="ode"'
        raise NotAvailable("limit", "exact", f"{method.label}: {remedy}")
    if not math.isfinite(problem.noise.variance):
        remedy = "E ε² is infinite, so the mean risk of unclipped SGD is too; clip (ClippedSGD)"
        raise NoLimit("noise", problem.noise, remedy)


def derive_exact_mean(problem: Any, method: Any) -> MeanRecursion:
    """Derive the recursion of the mean of unclipped SGD, for any batch.

    Raises
    ------
    NotAvailable
        A rule other than ψ(ℓ) = ℓ: its mean does not close.
    NoLimit
        Noise of infinite variance.
    """
    check_closes(problem, method)
    symbolic, parameters = twin(method, "method")
    rate = sp.sympify(symbolic.rate)
    noisy = float(problem.noise.variance) > 0
    return _derived(method.label, rate, parameters, method.batch, noisy)


@lru_cache(maxsize=64)
def _derived(
    name: str, rate: Any, parameters: tuple[Parameter, ...], batch: int, noisy: bool
) -> MeanRecursion:
    size = sp.Function("eta")(t) if rate.has(t) else rate
    power = moment_parameter(2)
    change, steps = _one_step(size, batch, power.symbol if noisy else sp.S.Zero)
    used = (*parameters, power)
    present = rate.free_symbols | change.free_symbols
    kept = tuple(q for q in used if q.symbol in present)
    return MeanRecursion(name, change, size, rate, kept, steps)


def _one_step(eta: Any, batch: int, power: Any) -> tuple[Any, tuple[Step, ...]]:
    """Return the mean change of y_i in one step, and how it comes about."""
    u, lam = component, decay_rate
    first, second, pull = gradient_moments(batch, power)
    squared = sp.expand(-2 * eta / dimension * u * first + (eta / dimension) ** 2 * pull)
    per_direction = sp.expand(lam / 2 * squared)
    free, proportional = per_direction.as_independent(u, as_Add=True)
    change = sp.factor(proportional * 2 * energy / (lam * u**2))
    change += sp.factor(free * source_weight / lam**2)
    steps = (
        Step("Isserlis: x along the eigenvector and g = ⟨x, δ⟩, ℓ = g − ε", "E[ℓ x]", first),
        Step("… and the three pairings of x x g g", "E[ℓ² x²]", second),
        Step("mean of the squared batch gradient along it", "E[(Σℓ_b x_b)²]/B²", pull),
        Step("one step u ← u − (η/d) Σℓ_b x_b/B", "E[Δu²]", squared),
        Step("y_i = λ_i Σ u²/2 over n_i = q_i/λ_i² directions", "E[Δy_i]", change),
    )
    return change, steps


def gradient_moments(batch: int, power: Any) -> tuple[Any, Any, Any]:
    """Return E ℓx and E ℓ²x² along an eigenvector, and the mean square of a batch's gradient.

    Parameters
    ----------
    batch : int
    power : sympy expression
        E ε².
    """
    sample = _output - noise
    first = _expect(sample * _input, power)
    second = _expect(sample**2 * _input**2, power)
    pull = (batch * second + batch * (batch - 1) * first**2) / sp.Integer(batch) ** 2
    return first, second, pull


def _expect(polynomial: Any, power: Any) -> Any:
    """Return the mean of a polynomial in x, g and an independent ε with E ε² = `power`."""
    pairs = {
        (_input, _input): decay_rate,
        (_input, _output): decay_rate * component,
        (_output, _output): 2 * risk,
    }
    covariance = pairs | {(b, a): value for (a, b), value in pairs.items()}
    total = sp.S.Zero
    for (i, j, k), coefficient in sp.Poly(sp.expand(polynomial), _input, _output, noise).terms():
        factors = (_input,) * i + (_output,) * j
        gaussian = isserlis(factors, lambda a, b: covariance[a, b])
        # an odd power of ε meets an odd number of Gaussian factors, so that E ε is never asked for
        total += coefficient * gaussian * (power if k == 2 else 1)
    return sp.expand(total)


def isserlis(factors: tuple[Any, ...], covariance: Callable[[Any, Any], Any]) -> Any:
    """Return the mean of a product of centred jointly Gaussian factors: the sum over pairings."""
    if not factors:
        return sp.S.One
    first, rest = factors[0], factors[1:]
    terms = (
        covariance(first, rest[k]) * isserlis(rest[:k] + rest[k + 1 :], covariance)
        for k in range(len(rest))
    )
    return sp.Add(*terms)
