"""Cut a function of one variable into the pieces on which it is smooth.

Kinks are the zeros of the arguments of Abs, sign, Heaviside, of differences inside Max and Min and
of Piecewise conditions. They are found by a linear solve and ordered by their numerical values, so
that a rule may carry any number of symbolic parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import sympy as sp
from sympy.core.relational import Relational

from ..core.errors import InvalidInput

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
    kinks = _ordered(_kinks(expression, x), values)
    edges = (-sp.oo, *kinks, sp.oo)
    smooth = [
        Piece(lo, hi, _branch(expression, x, _inside(lo, hi, values), values))
        for lo, hi in pairwise(edges)
    ]
    return _joined(smooth)


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


def _number(expression: Any, values: Mapping[Any, float]) -> float:
    return float(sp.sympify(expression).xreplace({k: sp.Float(v) for k, v in values.items()}))


def _ordered(kinks: set[Any], values: Mapping[Any, float]) -> list[Any]:
    placed = {_number(k, values): k for k in kinks if _is_real_number(k, values)}
    return [placed[position] for position in sorted(placed)]


def _is_real_number(expression: Any, values: Mapping[Any, float]) -> bool:
    try:
        _number(expression, values)
    except TypeError:
        return False
    return True


def _inside(lower: Any, upper: Any, values: Mapping[Any, float]) -> float:
    lo, hi = _number(lower, values), _number(upper, values)
    if lo == -float("inf"):
        return 0.0 if hi == float("inf") else hi - 1.0 - abs(hi)
    return lo + 1.0 + abs(lo) if hi == float("inf") else 0.5 * (lo + hi)


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


def _joined(parts: list[Piece]) -> tuple[Piece, ...]:
    joined = [parts[0]]
    for part in parts[1:]:
        last = joined[-1]
        if sp.expand(part.value - last.value) == 0:
            joined[-1] = Piece(last.lower, part.upper, last.value)
        else:
            joined.append(part)
    return tuple(joined)
