r"""Whether the far tail of the label noise matters: one decision for theory and runs.

A rule that grows like :math:`|\ell|^a` has a moment of order k exactly where
:math:`E|\epsilon|^{ka}` is finite; the spread of a run rests on :math:`E\psi^4`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import sympy as sp

from ..core.errors import NoLimit
from ..core.once import once
from ..core.symbols import residual
from ..methods.base import Method
from .rules import rule_values

#: residuals between which the growth of a rule is read off
_NEAR, _FAR = 1e6, 1e12
#: an exponent is read off to this
_ROUNDING = 1e-3


@once
def growth(method: Method) -> float:
    """Return the exponent a with which ψ grows in the far tails, at least 0; inf beyond powers."""
    if method.acts_on == "coordinate":
        return 0.0
    sizes = _far_out(method)
    if not np.all(np.isfinite(sizes)):
        return math.inf
    if sizes[1] <= sizes[0] or sizes[0] == 0:
        return 0.0
    return math.log(sizes[1] / sizes[0]) / math.log(_FAR / _NEAR)


@once
def redescends(method: Method) -> bool:
    """Whether ψ goes back to zero in the far tails."""
    near, far = _far_out(method)
    return bool(method.acts_on != "coordinate" and far <= 0.5 * near)


def _far_out(method: Method) -> np.ndarray:
    """|ψ| at the two places, the larger of both sides."""
    places = np.array([_NEAR, -_NEAR, _FAR, -_FAR])
    sizes: np.ndarray = np.abs(rule_values(method)(places)).reshape(2, 2).max(axis=1)
    return sizes


def is_sublinear(method: Method) -> bool:
    """Whether ψ(ℓ)/ℓ → 0 for large residuals."""
    return growth(method) < 1 - _ROUNDING


def has_moment(noise: Any, exponent: float) -> bool:
    """Whether E |ε|^exponent is finite, decided by the next whole moment."""
    if exponent <= _ROUNDING:
        return True
    order = 4 if math.isinf(exponent) else math.ceil(exponent - _ROUNDING)
    return math.isfinite(float(noise.moment(order)))


def tail_matters(method: Method, noise: Any) -> bool:
    """Whether E ψ(ℓ)⁴ is infinite, so that means over runs have no standard error."""
    return not has_moment(noise, 4 * growth(method))


def check_tails(given: Any, noise: Any, power: int) -> None:
    """Refuse a rule that is no polynomial far out and has no moment of the order `power`; those of
    polynomials are asked for by the derivation itself.

    Raises
    ------
    NoLimit
    """
    ends = (given.parts[0].value, given.parts[-1].value)
    if all(sp.sympify(value).is_polynomial(residual) for value in ends):
        return
    exponent = power * growth(given.method)
    if not has_moment(noise, exponent):
        remedy = (
            f"the rule grows so that E ψ(ℓ)^{power} is infinite with E |ε|^{exponent:.3g}; "
            "clip the residual (ClippedSGD, Huber) or take its sign (SignSGD)"
        )
        raise NoLimit("noise", noise, remedy)
