"""Cut a function of one variable into the pieces on which it is smooth.

Kinks are the zeros of the arguments of Abs, sign, Heaviside, of differences inside Max and Min and
of Piecewise conditions. They are found by a linear solve and ordered by their numerical values, so
that a rule may carry any number of symbolic parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import sympy as sp
from sympy.core.relational import Relational

from ..core.errors import InvalidInput
from ..core.numeric import numeric
from ..core.program import scheduled

SWITCHES = (sp.Abs, sp.sign, sp.Heaviside, sp.Max, sp.Min, sp.Piecewise)


@dataclass(frozen=True)
class Piece:
    """A smooth expression on the interval (lower, upper)."""

    lower: Any
    upper: Any
    value: Any


def pieces(expression: Any, x: sp.Symbol, values: Mapping[Any, float]) -> tuple[Piece, ...]:
    """Cut ``expression`` into smooth pieces over the whole line.

    Parameters
    ----------
    expression : sympy expression in ``x`` and parameters
    x : sympy symbol
    values : mapping
        A number for every parameter; it decides the order of the kinks.

    Returns
    -------
    tuple of Piece
        From −∞ to ∞; neighbours with the same expression are joined.

    Raises
    ------
    InvalidInput
        A kink that is not the zero of a polynomial in ``x``.
    """
    expression = sp.sympify(expression)
    switches, candidates = _anatomy(expression, x)
    placed = {}
    for kink in candidates:
        position = _real(kink, x, values)
        if position is not None:
            placed[position] = kink
    order = sorted(placed)
    kinks = tuple(placed[position] for position in order)
    ends = (-np.inf, *order, np.inf)
    points = tuple(_inside(lo, hi) for lo, hi in pairwise(ends))
    signs = tuple(
        float(np.sign(_real(switch, x, {**values, x: point}) or 0.0))
        for switch in switches
        for point in points
    )
    # what comes out depends on the numbers through the order of the kinks and these signs only
    key = (expression, x, kinks, signs)
    if key not in _CUT:
        if len(_CUT) >= _MOST_CUT:
            _CUT.clear()
        _CUT[key] = _cut(expression, x, kinks, points, values)
    return _CUT[key]


_CUT: dict[Any, tuple[Piece, ...]] = {}
_MOST_CUT = 1024


def _cut(
    expression: Any,
    x: sp.Symbol,
    kinks: tuple[Any, ...],
    points: tuple[float, ...],
    values: Mapping[Any, float],
) -> tuple[Piece, ...]:
    intervals = pairwise((-sp.oo, *kinks, sp.oo))
    return joined(
        [
            Piece(lo, hi, _branch(expression, x, point, values))
            for (lo, hi), point in zip(intervals, points, strict=True)
        ]
    )


@lru_cache(maxsize=512)
def _anatomy(expression: Any, x: sp.Symbol) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Return the switches of an expression and the places where those that depend on x may
    switch."""
    switches = {s: None for node in expression.atoms(*SWITCHES) for s in _switches(node)}
    ordered = sorted(switches, key=sp.default_sort_key)
    kinks = sorted(_kinks(expression, x), key=sp.default_sort_key)
    return tuple(ordered), tuple(kinks)


def _real(expression: Any, x: sp.Symbol, values: Mapping[Any, float]) -> float | None:
    """Return the value of an expression in the parameters and x; None where it is not real."""
    expression = sp.sympify(expression)
    if expression.is_Float or expression.is_Integer:
        return float(expression)
    symbols = _symbols(expression)
    known = [values.get(s) for s in symbols]
    if any(value is None for value in known):
        raise InvalidInput("rule", expression, f"depends on {symbols}, which has no value")
    with np.errstate(all="ignore"):
        value = complex(numeric(symbols, expression)(*map(np.float64, known)))
    return value.real if value.imag == 0 and np.isfinite(value.real) else None


@lru_cache(maxsize=1024)
def _symbols(expression: Any) -> tuple[Any, ...]:
    bare = expression.xreplace({s: s.args[1] for s in expression.atoms(scheduled)})
    return tuple(sorted(bare.free_symbols, key=str))


def jumps(parts: tuple[Piece, ...], x: sp.Symbol) -> tuple[tuple[Any, Any], ...]:
    """Return (position, height) of every discontinuity between neighbouring pieces."""
    found = []
    for left, right in pairwise(parts):
        height = sp.simplify(right.value.subs(x, left.upper) - left.value.subs(x, left.upper))
        if height != 0:
            found.append((left.upper, height))
    return tuple(found)


def _kinks(expression: Any, x: sp.Symbol) -> set[Any]:
    found: set[Any] = set()
    for node in expression.atoms(*SWITCHES):
        for switch in _switches(node):
            if switch.has(x):
                found |= _zeros(switch, x)
    return found


def _switches(node: Any) -> list[Any]:
    """Return the expressions whose change of sign switches the branch of ``node``."""
    if isinstance(node, (sp.Max, sp.Min)):
        return [a - b for a, b in combinations(node.args, 2)]
    if isinstance(node, sp.Piecewise):
        relations = set().union(*(c.atoms(Relational) for _, c in node.args))
        return [r.lhs - r.rhs for r in relations]
    return [node.args[0]]


def _zeros(switch: Any, x: sp.Symbol) -> set[Any]:
    inner = switch.atoms(*SWITCHES)
    if inner:  # e.g. Max(0, 1 - Abs(x)): every branch of the inner switch
        return _zeros_of_branches(switch, x)
    if not switch.is_polynomial(x):
        raise InvalidInput(
            "rule", switch, f"its kink is not the zero of a polynomial in {x}; rewrite the rule"
        )
    polynomial = sp.Poly(switch, x)
    if polynomial.degree() == 1:
        slope, offset = polynomial.all_coeffs()
        return {sp.cancel(-offset / slope)}
    return {root for root in sp.roots(polynomial) if root.is_real is not False}


def _zeros_of_branches(switch: Any, x: sp.Symbol) -> set[Any]:
    node = min(switch.atoms(*SWITCHES), key=sp.count_ops)
    if isinstance(node, (sp.Max, sp.Min)):
        branches = list(node.args)
    elif isinstance(node, sp.Piecewise):
        branches = [value for value, _ in node.args]
    elif isinstance(node, sp.Abs):
        branches = [node.args[0], -node.args[0]]
    else:
        branches = [sp.S.NegativeOne, sp.S.Zero, sp.S.One]
    replaced = (switch.xreplace({node: branch}) for branch in branches)
    return set().union(*(_zeros(r, x) for r in replaced if r.has(x)), set())


def _inside(lower: float, upper: float) -> float:
    if lower == -np.inf:
        return 0.0 if upper == np.inf else upper - 1.0 - abs(upper)
    return lower + 1.0 + abs(lower) if upper == np.inf else 0.5 * (lower + upper)


def _branch(expression: Any, x: sp.Symbol, point: float, values: Mapping[Any, float]) -> Any:
    """Replace every switch by the branch that holds at ``point``."""
    at = {**{k: sp.Float(v) for k, v in values.items()}, x: sp.Float(point)}

    def resolve(node: Any) -> Any:
        if not node.args:
            return node
        if isinstance(node, sp.Piecewise):
            return _first_true(node, at, resolve)
        node = node.func(*(resolve(a) for a in node.args))
        if isinstance(node, sp.Abs):
            return node.args[0] * (1 if node.args[0].xreplace(at) >= 0 else -1)
        if isinstance(node, (sp.sign, sp.Heaviside)):
            here = node.xreplace(at).doit()
            return here if node.has(x) and here.is_number else node
        if isinstance(node, (sp.Max, sp.Min)):
            choose = max if isinstance(node, sp.Max) else min
            return choose(node.args, key=lambda a: float(a.xreplace(at)))
        return node

    return resolve(expression)


def _first_true(node: Any, at: Mapping[Any, Any], resolve: Any) -> Any:
    for value, condition in node.args:
        if condition == True or condition.xreplace(at) == True:  # noqa: E712
            return resolve(value)
    raise InvalidInput("rule", node, "the Piecewise does not cover the whole line")


def joined(parts: list[Piece]) -> tuple[Piece, ...]:
    """Return the pieces, neighbours with the same expression as one."""
    found = [parts[0]]
    for part in parts[1:]:
        last = found[-1]
        if sp.expand(part.value - last.value) == 0:
            found[-1] = Piece(last.lower, part.upper, last.value)
        else:
            found.append(part)
    return tuple(found)
