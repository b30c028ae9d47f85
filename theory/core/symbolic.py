"""Derivation twins: the same method or noise law with symbols in place of its numbers.

A formula derived on the twin holds for every value of the same sign, so that a new rate or width
changes an array and never the generated code.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import sympy as sp

from .once import once
from .program import program, run, scheduled
from .symbols import t
from .tabulated import lookup, tables

SYMBOL_NAMES = {
    ("method", "rate"): "eta",
    ("method", "threshold"): "c",
    ("method", "weight_decay"): "w_d",
    ("momentum", "forgetting"): "gamma_m",
    ("momentum", "direct"): "kappa_m",
    ("average", "forgetting"): "a_m",
    ("average", "start"): "t_m",
    ("noise", "scale"): "sigma",
    ("noise", "halfwidth"): "b",
}


@runtime_checkable
class Moving(Protocol):
    """A value that the run itself moves: it names the field of its level, which stands for it in
    formulas, and the fields, all > 0, that say how the level moves."""

    level_field: ClassVar[str]
    mover_fields: ClassVar[tuple[str, ...]]


@dataclass(frozen=True)
class Parameter:
    """A symbol of a System and where its value comes from.

    ``index`` is the order of a noise moment; None for a field, which may be one of a field
    ("threshold.start").
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
        return float(attrgetter(self.field)(owner))


@dataclass(frozen=True)
class Block(Parameter):
    """A symbol that stands for several numbers, which come behind all parameters in ``p``."""

    def block(self, owners: Mapping[str, Any]) -> Sequence[float]:
        """Return the numbers."""
        raise NotImplementedError


@dataclass(frozen=True)
class Program(Block):
    """A symbol that stands for the program of a schedule (:mod:`.program`)."""

    def block(self, owners: Mapping[str, Any]) -> Sequence[float]:
        return program(getattr(owners[self.owner], self.field))

    def read(self, owners: Mapping[str, Any]) -> float:
        """Return the value at the start."""
        return self.read_at(owners, 0.0)

    def read_at(self, owners: Mapping[str, Any], time: float) -> float:
        """Return the value at a time."""
        with np.errstate(all="ignore"):  # of a branch that is not taken there
            value = run(program(getattr(owners[self.owner], self.field)), np.full(1, time))
        return float(value[0])


def numbers(parameters: Iterable[Parameter], owners: Mapping[str, Any]) -> np.ndarray:
    """Return the array ``p`` of compiled code.

    A number for every parameter; in the place of a block the index at which it begins, behind all
    of them.
    """
    parameters = tuple(parameters)
    values = [0.0 if isinstance(q, Block) else q.read(owners) for q in parameters]
    for place, q in enumerate(parameters):
        if isinstance(q, Block):
            values[place] = float(len(values))
            values += q.block(owners)
    return np.array(values, dtype=np.float64)


@once
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
    if isinstance(value, Moving):
        return _moving(name, value, owner, base)
    if isinstance(value, sp.Expr) and value.free_symbols <= {t}:
        return _schedule_twin(name, value, owner, base)
    return value, []


def _moving(name: str, value: Moving, owner: str, base: str) -> tuple[Any, list[Parameter]]:
    """The current level stands for the field; what moves it are parameters beside it."""
    level = Parameter(sp.Symbol(base, positive=True), owner, f"{name}.{value.level_field}")
    movers = [
        Parameter(sp.Symbol(f"{base}_{part}", positive=True), owner, f"{name}.{part}")
        for part in value.mover_fields
    ]
    return level.symbol, [level, *movers]


def _schedule_twin(name: str, value: Any, owner: str, base: str) -> tuple[Any, list[Parameter]]:
    """A formula in symbols for the reader, and the program that code runs."""
    written = {
        f: sp.Symbol(f"{base}_{k}", positive=f > 0, negative=f < 0, real=True)
        for k, f in enumerate(_floats(value))
    }
    written |= {
        node: lookup(node.args[0], sp.Symbol(f"{base}_table{k}", positive=True))
        for k, node in enumerate(tables(value))
    }
    symbol = sp.Symbol(f"{base}_program", positive=True)
    return scheduled(value.xreplace(written), symbol), [Program(symbol, owner, name)]


def _floats(expression: Any) -> list[Any]:
    """Return the distinct floats of a schedule, outside its tables, in the order in which they are
    written."""
    bare = sp.sympify(expression).xreplace({node: t for node in tables(expression)})
    found = (a for a in sp.preorder_traversal(bare) if isinstance(a, sp.Float))
    return list(dict.fromkeys(found))
