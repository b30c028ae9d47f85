"""Where schedules bend or jump: the times at which a solver has to land.

A kink is where a relation, one of Min, Max, Abs, sign and Heaviside, or a table changes its branch:
a change of sign of a difference, found on a fine grid and then refined by bisection.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import combinations
from typing import Any

import numpy as np
import sympy as sp

from ..core.problem import Learner
from ..core.program import program, run
from ..core.symbols import t
from ..core.tabulated import tables

_GRID = 4001
_BISECTIONS = 60
#: more kinks than this are no kinks but a rough function
MOST = 256


def kinks(schedules: Iterable[Any], until: float) -> np.ndarray:
    """Return the increasing times in (0, until) at which one of some schedules bends or jumps."""
    found: set[float] = set()
    for schedule in schedules:
        if isinstance(schedule, sp.Expr) and schedule.has(t):
            found.update(_kinks(schedule, float(until)))
    return np.array(sorted(found)[:MOST])


def schedules_of(method: Learner) -> tuple[Any, ...]:
    """Return the hyper-parameters of a method that move in time."""
    return tuple(v for v in vars(method).values() if isinstance(v, sp.Expr) and v.has(t))


@lru_cache(maxsize=256)
def _kinks(schedule: Any, until: float) -> tuple[float, ...]:
    found: list[float] = []
    for difference in _differences(schedule):
        found += _roots(difference, until)
    for table in tables(schedule):
        if table.args[0] == t:
            found += table.knots[0].tolist()
    return tuple(time for time in found if 0 < time < until)


def _differences(schedule: Any) -> set[Any]:
    """Expressions in t at whose changes of sign the schedule takes another branch."""
    found: set[Any] = set()
    for node in sp.preorder_traversal(schedule):
        if isinstance(node, sp.core.relational.Relational):
            found.add(node.lhs - node.rhs)
        elif isinstance(node, (sp.Min, sp.Max)):
            found.update(a - b for a, b in combinations(node.args, 2))
        elif isinstance(node, (sp.Abs, sp.sign, sp.Heaviside)):
            found.add(node.args[0])
        elif isinstance(node, (sp.floor, sp.ceiling)):
            found.add(sp.sin(sp.pi * node.args[0]))
    return {difference for difference in found if difference.has(t)}


def _roots(difference: Any, until: float) -> list[float]:
    slope = sp.diff(difference, t)
    if slope.is_number:  # of t < 2.5 the root is 2.5, to the bit
        return [float(t - difference / slope)]
    code = program(difference)
    grid = np.linspace(0.0, until, _GRID)
    with np.errstate(all="ignore"):
        above = run(code, grid) >= 0
        turns = np.flatnonzero(above[1:] != above[:-1])
        low, high = grid[turns], grid[turns + 1]
        for _ in range(_BISECTIONS):
            middle = 0.5 * (low + high)
            same = (run(code, middle) >= 0) == above[turns]
            low, high = np.where(same, middle, low), np.where(same, high, middle)
    return high.tolist()
