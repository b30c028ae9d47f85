"""Closed forms of means in as many digits as their terms cancel.

A rule that ends, times a density, has a mean slope of which its terms leave as little as
(width of the rule / width of the residual)³; no double keeps that. Two precisions that agree do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from ..core.nodes import MixtureSum, PieceIntegral, component
from ..core.program import scheduled
from ..core.symbols import risk
from .grid import Array

#: digits at first, and those that leave nothing of a mean that is part of any curve
_FIRST, _LAST = 30, 240
#: two precisions agree to this
_AGREE = mpmath.mpf("1e-14")


class ExactMeans:
    """R → the value of every formula, and its size, as `means` of a grid gives them.

    Parameters
    ----------
    formulas : sequence of sympy expressions
        In R and parameters, with `PieceIntegral` and `MixtureSum` but no other quadrature.
    values : mapping
        A number for every parameter.
    components : weights, means, scales
        Of the mixtures (empty where there are none).
    """

    def __init__(
        self,
        formulas: Sequence[Any],
        values: Mapping[Any, float],
        components: tuple[Any, Any, Any],
    ) -> None:
        self._functions = [_function(formula, values, components) for formula in formulas]
        self._enough = [_FIRST] * len(self._functions)

    def __call__(self, R: float) -> Array:
        found = np.empty((2, len(self._functions)))
        for k, function in enumerate(self._functions):
            found[0, k], self._enough[k] = _settled(function, R, self._enough[k])
        found[1] = np.abs(found[0])
        return found


def _settled(function: Callable[[float], Any], R: float, digits: int) -> tuple[float, int]:
    """Return a value on which two precisions agree, and fewer digits than that took."""
    finer = _in_digits(function, R, digits)
    while digits < _LAST:
        value, digits = finer, digits + digits // 2
        finer = _in_digits(function, R, digits)
        if abs(value - finer) <= _AGREE * abs(finer):
            break
    return float(finer), max(_FIRST, digits // 2)


def _in_digits(function: Callable[[float], Any], R: float, digits: int) -> Any:
    with mpmath.workdps(digits):
        return function(R)


def _function(
    formula: Any, values: Mapping[Any, float], components: tuple[Any, Any, Any]
) -> Callable[[float], Any]:
    """Return R → the value of a formula at the working precision."""
    plain = sp.sympify(formula).replace(PieceIntegral, lambda *node: node[4])
    plain = plain.xreplace({s: s.args[1] for s in plain.atoms(scheduled)})
    sums = list(plain.atoms(MixtureSum))
    names = [sp.Dummy() for _ in sums]
    known = list(values)
    outer = _lambdified((risk, *known, *names), plain.xreplace(dict(zip(sums, names, strict=True))))
    summands = [_lambdified((risk, *known, *component[1:]), each.summand) for each in sums]

    def at(R: float) -> Any:
        numbers = [mpmath.mpf(x) for x in (R, *values.values())]
        mixed = [
            mpmath.fsum(
                mpmath.mpf(float(w)) * summand(*numbers, mpmath.mpf(float(m)), mpmath.mpf(float(s)))
                for w, m, s in zip(*components, strict=True)
            )
            for summand in summands
        ]
        return mpmath.mpf(outer(*numbers, *mixed))

    return at


def _lambdified(arguments: tuple[Any, ...], expression: Any) -> Callable[..., Any]:
    return sp.lambdify(arguments, expression, [_ATOMS, "mpmath"], cse=True)


def _above(x: Any) -> Any:
    """1 − Φ(x)."""
    return mpmath.erfc(x / mpmath.sqrt(2)) / 2


def _between(a: Any, b: Any) -> Any:
    """Φ(b) − Φ(a), of the smaller tails."""
    return _above(a) - _above(b) if a + b > 0 else _above(-b) - _above(-a)


_ATOMS = {
    "normal_pdf": mpmath.npdf,
    "cdf_between": _between,
    "exp_cdf": lambda exponent, z: mpmath.exp(exponent) * _above(-z),
}
