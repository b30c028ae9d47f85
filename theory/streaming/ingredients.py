"""What a derivation starts from: the rule in pieces, the law of the residual, the noise moments."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy as sp

from ..core.errors import NoLimit
from ..core.once import once
from ..core.symbolic import Parameter, moment_parameter, twin
from ..core.symbols import batch_size, residual, risk, t
from ..expectation import Piece, expectation, mean_derivative, pieces, powers
from .noise_law import NoiseForm, noise_form, parameter_values
from .rules import rule_of
from .tabulated_means import TABLES, cancels, tabulated


class Moments:
    """Symbols for the moments of the noise that a derivation asks for."""

    def __init__(self, noise: Any) -> None:
        self.noise = noise
        self._values: dict[int, float] = {}
        self.asked: dict[int, str] = {}

    @property
    def used(self) -> tuple[Parameter, ...]:
        """The moments that were asked for, as parameters."""
        return tuple(moment_parameter(k) for k, kind in self.asked.items() if kind == "finite")

    def kind(self, order: int) -> str:
        """Tell whether E ε^order is "zero", "finite" (and not zero) or "infinite"."""
        if order not in self._values:
            self._values[order] = float(self.noise.moment(order))
        value = self._values[order]
        return "zero" if value == 0 else "finite" if math.isfinite(value) else "infinite"

    def ask(self, orders: Iterable[int]) -> None:
        """Count moments as asked for."""
        self.asked |= {order: self.kind(order) for order in orders}

    def __call__(self, order: int) -> Any:
        """Return the symbol of E ε^order; NoLimit where it is infinite."""
        if order == 0:
            return sp.S.One
        if self.kind(order) == "infinite":
            raise NoLimit("noise", self.noise, _why_not(order))
        self.ask([order])
        return moment_parameter(order).symbol if self.asked[order] == "finite" else sp.S.Zero


def _why_not(order: int) -> str:
    what = "no limit exists" if order <= 2 else "fluctuations have no limit of order d^(-1/2)"
    return (
        f"the rule is unbounded and E ε^{order} is infinite, so {what}; "
        "clip the residual (ClippedSGD, Huber) or take its sign (SignSGD)"
    )


@dataclass(frozen=True, eq=False)
class Setting:
    """A method and a noise law in symbols.

    Attributes
    ----------
    method : Method
        The original, with its numbers.
    rate, rule : sympy expressions
        η(t) and ψ(ℓ) of the twin.
    parts : tuple of Piece
        ψ on the intervals where it is smooth.
    noise : NoiseForm
    moments : Moments
    parameters : tuple of Parameter
        Of the method and of the law; those of the moments come beside.
    """

    method: Any
    rate: Any
    rule: Any
    parts: tuple[Piece, ...]
    noise: NoiseForm
    moments: Moments
    parameters: tuple[Parameter, ...]

    @property
    def form(self) -> tuple[Any, ...]:
        """All that a derivation depends on, beside the moments that it asks for."""
        method = self.method
        how = (method.label, method.acts_on, method.batch, method.pool)
        formulas = (self.rate, self.rule, self.parts, self.noise, self.parameters)
        return (*how, *formulas, self.cancels)

    @cached_property
    def cancels(self) -> bool:
        """Whether mean slopes cancel, so that code reads them from tables."""
        return cancels(self.parts, self.moments.noise, self.noise.form)

    @property
    def eta(self) -> Any:
        """η as formulas show it: a function of time for a schedule."""
        return sp.Function("eta")(t) if self.rate.has(t) else self.rate

    @property
    def kappa(self) -> Any:
        """Mean of the step over μ K δ: √(2/π) for signs of coordinates."""
        return sp.sqrt(2 / sp.pi) if self.method.acts_on == "coordinate" else sp.S.One

    @property
    def known(self) -> tuple[Parameter, ...]:
        """Every parameter that an expression of this setting may hold."""
        batch = Parameter(batch_size, "method", "batch")
        return (*self.parameters, *self.moments.used, batch, *TABLES)

    def mean(self, power: int, order: int) -> Any:
        """Return E (ψ^power)^(order)(ℓ), jumps counted with the density of ℓ."""
        parts, laws = powers(self.parts, power), self.noise.laws
        value = (
            mean_derivative(parts, laws, self.moments, order)
            if order
            else expectation(parts, laws, self.moments)
        )
        return tabulated(value, self.rule, power, order, order > 0 and self.cancels)


def named(name: str, expression: Any) -> Any:
    """Return the function of R (and t) that stands for an expression in formulas."""
    arguments = (risk, t) if sp.sympify(expression).has(t) else (risk,)
    return sp.Function(name)(*arguments)


@once
def setting(law: Any, method: Any) -> Setting:
    """Return the setting of a noise law and a method."""
    symbolic, parameters = twin(method, "method")
    rule = rule_of(method, symbolic)
    noise = noise_form(law, moving=rule.has(t))
    parameters = (*parameters, *noise.parameters)
    values = parameter_values(parameters, {"method": method, "noise": law}) | {t: 0.0}
    parts = pieces(rule, residual, values)
    rate = sp.sympify(symbolic.rate)
    return Setting(method, rate, rule, parts, noise, Moments(law), parameters)
