r"""Means :math:`E(\psi^k)^{(m)}(\ell)` without a closed form, tabulated in log R.

The formula stays for the reader; code reads the table, which stands in the array of parameters.
"""

from __future__ import annotations

import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from ..core import stated
from ..core.errors import NoLimit
from ..core.nodes import PanelIntegral, PieceIntegral, TabulatedMean
from ..core.numeric import values_of
from ..core.program import scheduled
from ..core.symbolic import Block, Program, twin
from ..core.symbols import noise as epsilon
from ..core.symbols import residual, t
from ..expectation.engine import (
    broken_derivatives,
    ends,
    mean_derivative,
    powers,
)
from ..expectation.exact import ExactMeans
from ..expectation.grid import Array, Law, Rule, means
from ..expectation.mean_table import mean_table, read_table
from ..expectation.pieces import Piece, pieces
from .noise_law import noise_form, on_twin, parameter_values
from .rules import rule_of

#: (power of ψ, order of the derivative) of what is tabulated together: μ, N | χ, ζ, M₄
GROUPS = (((1, 1), (2, 0)), ((2, 2), (3, 1), (4, 0)))
#: means by two reaches of the normal must agree to this
_AGREE = 1e-8
_FARTHER = 13.0
#: components of one mean from which on a mixture is mixed from a table
_MANY = 4
#: components of a mixture up to which means are summed in many digits
_FEW = 8
#: of a rule that ends and of the residual: the share of widths below which slopes cancel
_NARROW = 1e-2
#: seconds of a table from which on it is announced
_LONG = 1.0


@dataclass(frozen=True)
class MeanTable(Block):
    """A symbol that stands for the table of E (ψ^power)^(order)."""

    power: int = 1
    order: int = 0

    def block(self, owners: Mapping[str, Any]) -> Sequence[float]:
        wanted = (self.power, self.order)
        (group,) = (group for group in GROUPS if wanted in group)
        return _tables(owners["method"], owners["noise"], group)[wanted]

    def read(self, owners: Mapping[str, Any]) -> float:
        """A table has no value."""
        return 0.0


TABLES = tuple(
    MeanTable(sp.Symbol(f"T_{power}_{order}"), "method", "rule", None, power, order)
    for group in GROUPS
    for power, order in group
)


def tabulated(value: Any, rule: Any, power: int, order: int, cancels: bool = False) -> Any:
    """Return a mean as code should read it: from a table where it needs quadrature on panels, or
    more digits than code has, and does not move with time."""
    value = sp.sympify(value)
    bare = value.replace(PieceIntegral, lambda *_: sp.S.Zero)
    if rule.has(t) or not (cancels or bare.has(PanelIntegral)):
        return value
    (table,) = (q for q in TABLES if (q.power, q.order) == (power, order))
    return TabulatedMean(value, table.symbol)


def cancels(parts: tuple[Piece, ...], noise: Any, form: str) -> bool:
    """Whether a mean slope is what is left of terms that cancel and is tabulated in many digits:
    that of a rule that ends under a law in closed form or of few components, unless the residual
    is normal around zero (it is then integrated by parts)."""
    return ends(parts) and not _central(noise) and (form == "closed" or _few(noise))


def _central(noise: Any) -> bool:
    arrays = noise.component_arrays()
    return arrays is not None and not np.any(arrays[1])


def _few(noise: Any) -> bool:
    arrays = noise.component_arrays()
    return arrays is not None and arrays[0].size <= _FEW


@dataclass(frozen=True)
class _Tables:
    """Tables of a group of means; the risks at which they were computed, and how much of the first
    one rounding errors are there."""

    tables: dict[tuple[int, int], list[float]]
    risks: Array
    rounding: Array


_kept: OrderedDict[Any, _Tables] = OrderedDict()
_MOST = 64


def _tables(method: Any, noise: Any, group: tuple[tuple[int, int], ...]) -> Any:
    key, parts, values, law = _asked(method, noise, group)
    if key not in _kept:
        if ends(parts):  # the others are sums of positive terms, in closed form
            group = tuple((power, order) for power, order in group if order)
        exact = _exact(parts, values, group, noise)
        rule = None if exact else _rule(parts, values, group)
        _kept[key] = _made(exact, rule, group, law, method, noise)
        while len(_kept) > _MOST:
            _kept.popitem(last=False)
    _kept.move_to_end(key)
    return _kept[key].tables


def rounding(method: Any, noise: Any, low: float, high: float) -> float:
    """Return how much of μ(R) rounding errors are, at worst between two risks, where μ is what
    cancels leaves; else 0."""
    key, parts, values, law = _asked(method, noise, GROUPS[0])
    found = _kept.get(key)
    if found is not None:
        between = (found.risks >= low) & (found.risks <= high)
        return float(found.rounding[between].max(initial=0.0))
    if not ends(parts) or _central(noise):
        return 0.0
    rule = _rule(parts, values, GROUPS[0][:1])
    narrow = [R for R in (low, high) if _is_narrow(rule, R)]
    return max((_rounding(means(rule, law, R)) for R in narrow), default=0.0)


def moving_slope(
    method: Any, noise: Any, time: float, risk: float
) -> Callable[[float], float] | None:
    """Return μ(R) at one time in as many digits as it takes, for a rule that moves and ends and is
    narrow at the risk, which code reads from its closed form; None for others."""
    _, parts, values, _ = _asked(method, noise, GROUPS[0])
    moves = any(part.value.has(t, scheduled) or part.lower.has(t, scheduled) for part in parts)
    if not moves or not ends(parts) or _central(noise):
        return None
    now, slope = values | _moved(method, time), GROUPS[0][:1]
    exact = _exact(parts, now, slope, noise) if _is_narrow(_rule(parts, now, slope), risk) else None
    return None if exact is None else lambda R: float(exact(R)[0, 0])


def _is_narrow(rule: Rule, risk: float) -> bool:
    return bool(np.ptp(rule.kinks) < _NARROW * np.sqrt(2 * risk))


def _moved(method: Any, time: float) -> dict[Any, float]:
    """Return the numbers of a rule that change with time, at one."""
    _, parameters = twin(method, "method")
    moving = [q for q in parameters if isinstance(q, Program)]
    return {t: time} | {q.symbol: q.read_at({"method": method}, time) for q in moving}


def _rounding(both: Array) -> float:
    """Return the rounding error of the first mean, relative to it; 0 where it vanishes."""
    value, size = abs(both[0, 0]), both[1, 0]
    return float(np.spacing(size) / value) if value > 0 else 0.0


def _asked(method: Any, noise: Any, group: tuple[tuple[int, int], ...]) -> tuple[Any, ...]:
    """Return what tells tables from others; the pieces of the rule, its numbers and the law."""
    symbolic, parameters = twin(method, "method")
    values = parameter_values(parameters, {"method": method}) | {t: 0.0}
    parts = pieces(rule_of(method, symbolic), residual, values)
    law, name = _law(noise)
    return (parts, tuple(values.items()), name, group), parts, values, law


def _exact(
    parts: Any, values: Mapping[Any, float], group: tuple[tuple[int, int], ...], noise: Any
) -> ExactMeans | None:
    """Return the closed forms of the means of a rule that ends in as many digits as they take; None
    where there are none, or too many components."""
    if not ends(parts):
        return None
    form, arrays = noise_form(noise), noise.component_arrays()
    if form.form != "closed" and not _few(noise):
        return None
    formulas = [
        mean_derivative(powers(parts, power), form.laws, noise.moment, order)
        for power, order in group
    ]
    known = {**values, **parameter_values(form.parameters, {"noise": noise})}
    return ExactMeans(formulas, known, arrays or ((), (), ()))


def _law(noise: Any) -> tuple[Law, Any]:
    """Return a law in numbers, and what tells it from others."""
    if stated.components(noise) is not None:
        arrays = noise.component_arrays()
        return Law(*arrays), tuple(array.tobytes() for array in arrays)
    symbolic, parameters = twin(noise, "noise")
    density = on_twin(lambda law: stated.density(law, epsilon), symbolic, noise)
    values = parameter_values(parameters, {"noise": noise})
    centres = tuple(float(c) for c in noise.support_points)
    none = np.empty(0)
    law = Law(none, none, none, values_of(density, epsilon, values), centres)
    return law, (density, tuple(values.items()), centres)


def _rule(parts: Any, values: Mapping[Any, float], group: tuple[tuple[int, int], ...]) -> Rule:
    def number(expression: Any) -> float:
        return float(values_of(sp.sympify(expression), residual, dict(values))(np.zeros(1))[0])

    kinks = np.array([number(part.lower) for part in parts[1:]])
    functions = [
        [
            values_of(sp.diff(part.value**power, residual, order), residual, dict(values))
            for power, order in group
        ]
        for part in parts
    ]
    jumps = [
        [
            (number(place), k, (-1.0) ** k * number(height))
            for k, place, height in broken_derivatives(powers(parts, power), order)
        ]
        for power, order in group
    ]
    bases = [
        [values_of(sp.sympify(part.value**power), residual, dict(values)) for power, _ in group]
        for part in parts
    ]
    return Rule(kinks, functions, jumps, [order for _, order in group], bases)


def _made(
    exact: Callable[[float], Array] | None,
    rule: Rule | None,
    group: tuple[tuple[int, int], ...],
    law: Law,
    method: Any,
    noise: Any,
) -> _Tables:
    if rule is None:
        assert exact is not None
        return _noted(exact, _watch(method), group)
    _check(rule, law, method, noise)
    if law.means.size > _MANY and np.all(law.means == law.means[0]):
        return _noted(_mixed(rule, law, method), None, group)
    return _noted(lambda risk: means(rule, law, risk), _watch(method), group)


def _noted(
    values: Callable[[float], Array],
    watch: Callable[[float], None] | None,
    group: tuple[tuple[int, int], ...],
) -> _Tables:
    """Return the tables, and the rounding errors at the risks at which they were computed."""
    found: list[tuple[float, float]] = []

    def noted(risk: float) -> Array:
        both = values(risk)
        found.append((risk, _rounding(both)))
        return both

    tables = mean_table(noted, watch)
    risks, rounding = np.array(found).T
    return _Tables(dict(zip(group, tables, strict=True)), risks, rounding)


def _mixed(rule: Rule, law: Law, method: Any) -> Callable[[float], Array]:
    """ℓ is normal under N(m, s²) at the risk R as it is under the constant m at R + s²/2: the means
    under that are tabulated once for all components."""
    one = Law(np.ones(1), law.means[:1], np.zeros(1))
    tables = mean_table(lambda risk: means(rule, one, risk), _watch(method))
    shifts = 0.5 * law.scales**2

    def values(risk: float) -> Array:
        found = [read_table(table, risk + shifts) for table in tables]
        sizes = [float(law.weights @ np.abs(each)) for each in found]
        return np.array([[float(law.weights @ each) for each in found], sizes])

    return values


def _watch(method: Any) -> Callable[[float], None]:
    """Say once how long a table is going to take, where that is long."""
    start, said = time.monotonic(), [False]

    def watch(share: float) -> None:
        total = (time.monotonic() - start) / share
        if not said[0] and total > _LONG and share > 0.05:
            said[0] = True
            text = f"limitlab: tabulating the means of {type(method).__name__}"
            print(f"{text} (about {total:.0f} s, once)", file=sys.stderr, flush=True)

    return watch


def _check(rule: Rule, law: Law, method: Any, noise: Any) -> None:
    """Refuse means on which two quadratures disagree, one of which sees farther.

    Raises
    ------
    NoLimit
    """
    if law.means.size > _MANY and np.all(law.means == law.means[0]):
        law = Law(np.ones(1), law.means[:1], np.zeros(1))
    for risk in (1e-2, 1.0):
        near, far = means(rule, law, risk), means(rule, law, risk, _FARTHER)
        # an infinite or unreadable mean fails too
        if not np.all(np.abs(near[0] - far[0]) <= _AGREE * (np.abs(far[0]) + 1e-6 * far[1])):
            remedy = (
                f"the means of {type(method).__name__} under it rest on the farthest residuals: "
                "two quadratures of different reach disagree; clip the residual"
            )
            raise NoLimit("noise", noise, remedy)
