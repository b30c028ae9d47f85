"""Derivation twins: the same method or noise law with symbols in place of its numbers.

A formula derived on the twin holds for every value of the same sign, so that a new rate or width
changes an array and never the generated code.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np
import sympy as sp

from ..schedules.running_quantile import RunningQuantile
from .symbols import t
from .tabulated import lookup, tables

SYMBOL_NAMES = {
    ("method", "rate"): "eta",
    ("method", "threshold"): "c",
    ("noise", "scale"): "sigma",
    ("noise", "halfwidth"): "b",
}


@dataclass(frozen=True)
class Parameter:
    """A symbol of a System and where its value comes from.

    ``index`` counts the floats of a schedule, or is the order of a noise moment; None for a field,
    which may be one of a field ("threshold.start").
    """

    symbol: sp.Symbol
    owner: str
    field: str
    index: int | None = None

    def read(self, owners: Mapping[str, Any]) -> float:
        """Return the value, given ``{"method": …, "noise": …}``."""
        owner = owners[self.owner]
        if self.field == "moment":
            return float(owner.moment(self.index))
        value = attrgetter(self.field)(owner)
        return float(value if self.index is None else _floats(value)[self.index])


@dataclass(frozen=True)
class Table(Parameter):
    """A symbol that stands for a table of a schedule; ``index`` counts them."""

    index: int = 0

    def knots(self, owners: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Return the times and the values."""
        return tables(getattr(owners[self.owner], self.field))[self.index].knots

    def read(self, owners: Mapping[str, Any]) -> float:
        """Return the first value."""
        return float(self.knots(owners)[1][0])


def numbers(parameters: Iterable[Parameter], owners: Mapping[str, Any]) -> np.ndarray:
    """Return the array ``p`` of compiled code.

    A number for every parameter; in the place of a table the index at which it begins, behind all
    of them, with its count, its times and its values.
    """
    values: list[float] = [q.read(owners) for q in parameters]
    for place, q in enumerate(parameters):
        if isinstance(q, Table):
            times, heights = q.knots(owners)
            values[place] = len(values)
            values += [times.size, *times, *heights]
    return np.array(values, dtype=np.float64)


def twin(original: Any, owner: str) -> tuple[Any, tuple[Parameter, ...]]:
    """Return a copy of ``original`` with symbols for its numbers, and the parameters they are.

    Fields that are not numbers or schedules, and the batch size, keep their values.
    """
    copy = object.__new__(type(original))
    parameters: list[Parameter] = []
    for name, value in _fields(original).items():
        symbolic, found = _symbolic(name, value, owner)
        object.__setattr__(copy, name, symbolic)
        parameters += found
    return copy, tuple(parameters)


def moment_parameter(order: int) -> Parameter:
    """Return the parameter that stands for E ε^order."""
    name = "sigma^2" if order == 2 else f"m_{order}"
    symbol = sp.Symbol(name, nonnegative=True if order % 2 == 0 else None, real=True)
    return Parameter(symbol, "noise", "moment", order)


def _fields(original: Any) -> dict[str, Any]:
    if dataclasses.is_dataclass(original):
        return {f.name: getattr(original, f.name) for f in dataclasses.fields(original)}
    return dict(vars(original))


def _symbolic(name: str, value: Any, owner: str) -> tuple[Any, list[Parameter]]:
    base = SYMBOL_NAMES.get((owner, name), name if owner == "method" else f"{name}_epsilon")
    if name in ("batch", "momentum") or isinstance(value, bool):
        return value, []
    if isinstance(value, (int, float)) and math.isfinite(value) and value != 0:
        symbol = sp.Symbol(base, positive=value > 0, negative=value < 0, real=True)
        return symbol, [Parameter(symbol, owner, name)]
    if isinstance(value, RunningQuantile):
        return _running(name, owner, base)
    if isinstance(value, sp.Expr) and value.free_symbols <= {t}:
        return _schedule_twin(name, value, owner, base)
    return value, []


def _running(name: str, owner: str, base: str) -> tuple[Any, list[Parameter]]:
    """The current level stands for the field; what moves it are parameters beside it."""
    level = Parameter(sp.Symbol(base, positive=True), owner, f"{name}.start")
    movers = [
        Parameter(sp.Symbol(f"{base}_{part}", positive=True), owner, f"{name}.{part}")
        for part in ("fraction", "gain")
    ]
    return level.symbol, [level, *movers]


def _schedule_twin(
    name: str, value: Any, owner: str, base: str
) -> tuple[Any, list[Parameter]]:
    looked_up = [
        Table(sp.Symbol(f"{base}_table{k}", positive=True), owner, name, k)
        for k, _ in enumerate(tables(value))
    ]
    floats = _floats(value)
    symbols = [
        sp.Symbol(f"{base}_{k}", positive=f > 0, negative=f < 0, real=True)
        for k, f in enumerate(floats)
    ]
    parameters = [Parameter(s, owner, name, k) for k, s in enumerate(symbols)]
    named = dict(zip(floats, symbols, strict=True))
    named |= {
        node: lookup(node.args[0], q.symbol)
        for node, q in zip(tables(value), looked_up, strict=True)
    }
    return value.xreplace(named), [*parameters, *looked_up]


def _floats(expression: Any) -> list[Any]:
    """Return the distinct floats of a schedule, outside its tables, in the order in which they are
    written."""
    bare = sp.sympify(expression).xreplace({node: t for node in tables(expression)})
    found = (a for a in sp.preorder_traversal(bare) if isinstance(a, sp.Float))
    return list(dict.fromkeys(found))
