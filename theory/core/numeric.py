"""Expressions as vectorised functions of numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from .program import UNARY, scheduled
from .symbols import t

#: functions of the programs that numpy has under another name, or not at all
_OWN = {kind.__name__: function for kind, function in UNARY.values() if kind is not sp.Not}


@lru_cache(maxsize=512)
def numeric(arguments: tuple[Any, ...], expression: Any) -> Callable[..., Any]:
    """Return a function of `arguments`; a schedule is the value of its program's symbol."""
    bare = expression.xreplace({s: s.args[1] for s in expression.atoms(scheduled)})
    return sp.lambdify(arguments, bare.doit(), [_OWN, "numpy"], cse=True)


def values_of(
    expression: Any, variable: Any, values: dict[Any, float]
) -> Callable[[np.ndarray], np.ndarray]:
    """Return an expression as a function of arrays of one variable, its parameters being numbers
    and t = 0 unless `values` says otherwise."""
    bare = expression.xreplace({s: s.args[1] for s in expression.atoms(scheduled)})
    known = {t: 0.0} | values
    symbols = sorted(bare.free_symbols - {variable}, key=str)
    function = numeric((variable, *symbols), bare)
    numbers = [known[s] for s in symbols]

    def at(x: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.broadcast_to(np.asarray(function(x, *numbers), dtype=float), np.shape(x))

    return at
