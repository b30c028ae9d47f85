"""Derivation twins: the same method or noise law with symbols in place of its numbers.

A formula derived on the twin holds for every value of the same sign, so that a new rate or width
changes an array and never the generated code.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from .symbols import t

SYMBOL_NAMES = {
    ("method", "rate"): "eta",
    ("method", "threshold"): "c",
    ("noise", "scale"): "sigma",
    ("noise", "halfwidth"): "b",
}


@dataclass(frozen=True)
class Parameter:
    """A symbol of a System and where its value comes from.

    ``index`` counts the floats of a schedule, or is the order of a noise moment; None for a field.
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
        value = getattr(owner, self.field)
        return float(value if self.index is None else _floats(value)[self.index])


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
    name = "sigma^2" if order == 2 else f"M_{order}"
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
    if isinstance(value, sp.Expr) and value.free_symbols <= {t}:
        return _schedule_twin(name, value, owner, base)
    return value, []


def _schedule_twin(
    name: str, value: Any, owner: str, base: str
) -> tuple[Any, list[Parameter]]:
    floats = _floats(value)
    symbols = [
        sp.Symbol(f"{base}_{k}", positive=f > 0, negative=f < 0, real=True)
        for k, f in enumerate(floats)
    ]
    parameters = [Parameter(s, owner, name, k) for k, s in enumerate(symbols)]
    return value.xreplace(dict(zip(floats, symbols, strict=True))), parameters


def _floats(expression: Any) -> list[Any]:
    """Return the distinct floats of a schedule in the order in which they are written."""
    found = (a for a in sp.preorder_traversal(sp.sympify(expression)) if isinstance(a, sp.Float))
    return list(dict.fromkeys(found))
