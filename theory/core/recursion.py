r"""Recursions in one or two times, written once with sums and lowered to loops.

An update sets one array element from others,

.. math:: R_{t+1,s}=R_{t,s}+\sum_{r=s}^{t-1}\omega_{t,r}R_{r,s}\qquad(0\le s\le t),

and a recursion is a list of updates in the order in which they are done at step t. The same
objects are printed as LaTeX and as the loops that run. Arrays start as zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy as sp
from sympy.printing.pycode import PythonCodePrinter

from .printer import latex

#: the step
step = sp.Symbol("t", integer=True, nonnegative=True)

Range = tuple[Any, Any, Any]


@dataclass(frozen=True)
class Update:
    """left = right for every index in ``over`` (inclusive ranges, ascending).

    ``symmetric``: the element with its two indices exchanged is set too.
    """

    left: Any
    right: Any
    over: tuple[Range, ...] = ()
    symmetric: bool = False


@dataclass(frozen=True)
class Recursion:
    """Updates of one step t, in order.

    Attributes
    ----------
    updates : tuple of Update
    numbers : tuple of symbols
        In the order of the array ``p`` of compiled code.
    arrays : tuple of IndexedBase
        In the order of the tuple ``arrays``.
    watched : sympy expression
        What ``advance`` returns; the run stops where it is too large.
    sizes : tuple of (symbol, IndexedBase)
        Symbols that stand for the length of the last axis of an array.
    """

    updates: tuple[Update, ...]
    numbers: tuple[Any, ...]
    arrays: tuple[Any, ...]
    watched: Any
    sizes: tuple[tuple[Any, Any], ...] = ()

    @property
    def equations(self) -> tuple[tuple[Any, str], ...]:
        """(left, LaTeX of the right side with its range) of every update."""
        return tuple((u.left, latex(u.right) + _range_text(u.over)) for u in self.updates)

    @cached_property
    def source(self) -> str:
        """The generated code: ``advance(t, p, arrays)``."""
        return LoopPrinter().advance(self)


class LoopPrinter(PythonCodePrinter):
    """Prints updates as nested loops; every sum becomes a loop before its statement."""

    def __init__(self) -> None:
        super().__init__({"fully_qualified_modules": True})
        self._lines: list[str] = []
        self._depth = 0
        self._sums = 0
        self._numbers: dict[Any, str] = {}

    def advance(self, recursion: Recursion) -> str:
        """Return the text of the function that does one step."""
        self._lines = ["@loops", "def advance(t, p, arrays):"]
        self._depth = 1
        names = [str(base) for base in recursion.arrays]
        self._emit(f"{', '.join(names)}, = arrays")
        self._numbers = {symbol: f"p[{i}]" for i, symbol in enumerate(recursion.numbers)}
        for symbol, base in recursion.sizes:
            self._emit(f"{symbol} = {base}.shape[-1]")
        for update in recursion.updates:
            self._update(update)
        self._emit(f"return {self.doprint(recursion.watched)}")
        return "\n".join(self._lines) + "\n"

    def _emit(self, text: str) -> None:
        self._lines.append("    " * self._depth + text)

    def _loop(self, over: Range) -> None:
        index, lower, upper = over
        self._emit(f"for {index} in range({self.doprint(lower)}, {self.doprint(upper + 1)}):")
        self._depth += 1

    def _update(self, update: Update) -> None:
        for over in update.over:
            self._loop(over)
        value = self.doprint(update.right)
        self._emit(f"{self.doprint(update.left)} = {value}")
        if update.symmetric:
            mirrored = update.left.base[tuple(reversed(update.left.indices))]
            self._emit(f"{self.doprint(mirrored)} = {self.doprint(update.left)}")
        self._depth -= len(update.over)

    def _print_Sum(self, expr: Any) -> str:
        name = f"sum_{self._sums}"
        self._sums += 1
        self._emit(f"{name} = 0.0")
        for over in expr.limits:
            self._loop(over)
        self._emit(f"{name} += {self.doprint(expr.function)}")
        self._depth -= len(expr.limits)
        return name

    def _print_Symbol(self, expr: Any) -> str:
        return self._numbers.get(expr, expr.name)

    def _print_KroneckerDelta(self, expr: Any) -> str:
        left, right = map(self._print, expr.args)
        return f"(1.0 if {left} == {right} else 0.0)"

    def _print_Rational(self, expr: Any) -> str:
        return f"({expr.p}.0/{expr.q}.0)"


def _range_text(over: Sequence[Range]) -> str:
    conditions = ",\\;".join(f"{latex(low)}\\le {latex(i)}\\le {latex(up)}" for i, low, up in over)
    return rf"\quad\left({conditions}\right)" if over else ""
