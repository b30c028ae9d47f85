r"""Recursions in one or two times, written once with sums and lowered to loops.

An update sets one array element from others,

.. math:: R_{t+1,s}=R_{t,s}+\sum_{r=s}^{t-1}\omega_{t,r}R_{r,s}\qquad(0\le s\le t),

and a recursion is a list of updates in the order in which they are done at step t. The same
objects are printed as LaTeX and as the loops that run. Arrays start as zeros.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .loops import LoopPrinter, Update


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
        return tuple(update.equation for update in self.updates)

    @cached_property
    def source(self) -> str:
        """The generated code: ``advance(t, p, arrays)``."""
        printer = LoopPrinter(self.numbers)
        printer.emit(f"{', '.join(map(str, self.arrays))}, = arrays")
        for symbol, base in self.sizes:
            printer.emit(f"{symbol} = {base}.shape[-1]")
        for update in self.updates:
            printer.update(update)
        printer.emit(f"return {printer.doprint(self.watched)}")
        return "\n".join(["@loops", "def advance(t, p, arrays):", *printer.lines]) + "\n"
