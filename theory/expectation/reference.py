"""Derived coefficients in arbitrary precision: for tests, and below the smallest float."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import mpmath
import sympy as sp

from ..core.nodes import MixtureSum, PanelIntegral, PieceIntegral, TabulatedMean, component
from ..core.symbols import risk, t


def reference(
    expression: Any,
    values: Mapping[Any, float],
    components: tuple[Any, Any, Any],
    digits: int = 60,
) -> Callable[[float, float], Any]:
    """Return a function (R, t) → mpmath number that evaluates a derived coefficient.

    Closed forms are used as they stand, at a precision that leaves no room for cancellation;
    quadrature nodes are integrated by mpmath.

    Parameters
    ----------
    expression : sympy expression
        Right-hand side of a definition of a System.
    values : mapping
        A number for every parameter symbol.
    components : weights, means, scales
        Arrays of the noise mixture (empty where it is in closed form).
    digits : int
        Decimal digits of the arithmetic.
    """

    def at(R: float, time: float = 0.0) -> Any:
        with mpmath.workdps(digits):
            exact = {s: sp.Float(v, digits) for s, v in {**values, risk: R, t: time}.items()}
            return mpmath.mpf(_value(sp.sympify(expression).xreplace(exact), components, digits))

    return at


def _value(expression: Any, components: tuple[Any, Any, Any], digits: int) -> Any:
    expression = expression.replace(TabulatedMean, lambda formula, _: formula)
    nodes = [n for n in sp.preorder_traversal(expression) if isinstance(n, _KINDS)]
    outermost = [n for n in nodes if not any(n is not m and m.has(n) for m in nodes)]
    numbers = {n: sp.Float(_node(n, components, digits), digits) for n in outermost}
    return sp.N(expression.xreplace(numbers).doit(), digits)


_KINDS = (PieceIntegral, PanelIntegral, MixtureSum)


def _node(node: Any, components: tuple[Any, Any, Any], digits: int) -> Any:
    if isinstance(node, PieceIntegral):
        return _value(node.closed, components, digits)
    if isinstance(node, PanelIntegral):
        return _panel(node)
    return _sum(node, components)


def _panel(node: Any) -> Any:
    f = sp.lambdify(node.variable, node.integrand.doit(), "mpmath")
    lower, upper = (mpmath.mpf(str(e)) if e.is_finite else None for e in node.interval)
    scale = mpmath.mpf(str(sp.N(node.scale)))
    edges = {mpmath.mpf(str(sp.N(c))) for c in node.centres}
    edges |= {
        c + sign * scale * mpmath.mpf(2) ** k
        for c in set(edges)
        for sign in (-1, 1)
        for k in range(-8, node.octaves + 1)
    }
    inside = [e for e in edges if (lower is None or e >= lower) and (upper is None or e <= upper)]
    return mpmath.quad(f, sorted(inside))


def _sum(node: Any, components: tuple[Any, Any, Any]) -> Any:
    closed = node.summand.replace(PieceIntegral, lambda *a: a[4])
    f = sp.lambdify(component[1:], closed.doit(), "mpmath")
    weights, means, scales = components
    return mpmath.fsum(
        mpmath.mpf(float(w)) * f(mpmath.mpf(float(m)), mpmath.mpf(float(s)))
        for w, m, s in zip(weights, means, scales, strict=True)
    )
