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
from .printer import latex
from .system import Derived, Step, narrate, typeset


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


@dataclass(frozen=True)
class Recursions(Derived):
    """Recursions that are solved one after the other, a `System`.

    Attributes
    ----------
    name : str
    programs : tuple of Recursion
    steps : tuple of Step
        The derivation.
    definitions : tuple of (left, right)
        Formulas that are read off the solution, or that the equations refer to.
    """

    name: str
    programs: tuple[Recursion, ...]
    steps: tuple[Step, ...] = ()
    definitions: tuple[tuple[Any, Any], ...] = ()

    @property
    def numbers(self) -> tuple[Any, ...]:
        """The symbols that stand for numbers, each once."""
        return tuple(dict.fromkeys(n for program in self.programs for n in program.numbers))

    @property
    def source(self) -> str:
        """The generated code of every recursion."""
        return "\n\n".join(program.source for program in self.programs)

    def __getitem__(self, left: Any) -> Any:
        """Return the right side of the definition of ``left``, a symbol or its name."""
        return {str(a): b for a, b in self.definitions}[str(left)]

    def latex(self, environment: str | None = None) -> str:
        """Return the equations in LaTeX, one a line, or in an environment of amsmath."""
        equations = [pair for program in self.programs for pair in program.equations]
        lines = [(latex(left), right) for left, right in equations]
        lines += [(a if isinstance(a, str) else latex(a), latex(b)) for a, b in self.definitions]
        return typeset(lines, environment)

    def explain(self) -> str:
        """Return the steps of the derivation."""
        return narrate(self.steps)

    def runs_as(self, other: Any) -> bool:
        """Whether what runs ``other`` can run this: the same arrays and numbers, in order."""
        return isinstance(other, Recursions) and _signature(self) == _signature(other)


def _signature(system: Recursions) -> list[Any]:
    return [(p.numbers, p.arrays) for p in system.programs]
