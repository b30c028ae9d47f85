r"""Assignments to numbers and to elements of arrays, printed as LaTeX and as the loops that run.

An update sets one array element from others,

.. math:: w_i=\sum_aJ_{ai}z_a\qquad(0\le i\le P-1),

for every index in its ranges; a plain symbol on the left is one number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from keyword import iskeyword
from typing import Any

import sympy as sp
from sympy.printing.pycode import PythonCodePrinter

from .printer import latex

#: the step
step = sp.Symbol("t", integer=True, nonnegative=True)

Range = tuple[Any, Any, Any]

#: numbers that a search tries at most: from the largest float to the smallest by .999
MOST_TRIALS = 1_500_000


@dataclass(frozen=True)
class Update:
    """left = right for every index in ``over`` (inclusive ranges, ascending).

    ``symmetric``: the element with its two indices exchanged is set too.
    """

    left: Any
    right: Any
    over: tuple[Range, ...] = ()
    symmetric: bool = False

    @property
    def equation(self) -> tuple[Any, str]:
        """(left, LaTeX of the right side with its range)."""
        conditions = ",\\;".join(
            f"{latex(low)}\\leq {latex(i)}\\leq {latex(up)}" for i, low, up in self.over
        )
        where = rf"\quad\left({conditions}\right)" if self.over else ""
        return self.left, latex(self.right) + where


class Shrink(sp.Expr):
    """The largest start · factorʲ, j = 0, 1, …, at which a condition on the symbol holds; else 0.

    Parameters
    ----------
    symbol, start, factor, condition : expressions
        The condition is a relation in the symbol, which is bound.
    """

    is_real = True

    @property
    def free_symbols(self) -> set[Any]:
        symbol, start, factor, condition = self.args
        return start.free_symbols | factor.free_symbols | (condition.free_symbols - {symbol})

    def _latex(self, printer: Any) -> str:
        symbol, start, factor, condition = map(printer._print, self.args)
        return rf"\max\left\{{{symbol}={start}\,{{{factor}}}^{{j}}:\;{condition}\right\}}"


class Settled(sp.Expr):
    """Where an iteration from a start stands still, or is after so many rounds.

    Parameters
    ----------
    symbol, start, form : expressions
        The form is in the symbol, which is bound.
    most : int
    """

    is_real = True

    @property
    def free_symbols(self) -> set[Any]:
        symbol, start, form, _ = self.args
        return start.free_symbols | (form.free_symbols - {symbol})

    def _latex(self, printer: Any) -> str:
        symbol, start, form, _ = map(printer._print, self.args)
        return rf"\lim\left\{{{symbol}={start},\;{symbol}\mapsto {form}\right\}}"


class Largest(sp.Expr):
    """The largest eigenvalue of a symmetric array.

    Parameters
    ----------
    base : IndexedBase
        Square; NaN where it is not finite.
    """

    is_real = True

    def _latex(self, printer: Any) -> str:
        return rf"\lambda_{{\max}}({printer._print(self.args[0])})"

    def _sympystr(self, printer: Any) -> str:
        return f"λ_max({printer._print(self.args[0])})"


class LoopPrinter(PythonCodePrinter):
    """Prints updates as nested loops; every sum becomes a loop before its statement.

    Parameters
    ----------
    numbers : sequence of symbols
        Printed as elements of an array.
    array : str
        Its name.
    """

    def __init__(self, numbers: Sequence[Any] = (), array: str = "p") -> None:
        super().__init__({"fully_qualified_modules": True})
        self.lines: list[str] = []
        self._depth = 1
        self._sums = 0
        self._numbers = {symbol: f"{array}[{i}]" for i, symbol in enumerate(numbers)}

    def emit(self, text: str) -> None:
        """Write a line at the present depth."""
        self.lines.append("    " * self._depth + text)

    def update(self, update: Update) -> None:
        """Write an update with its loops."""
        for over in update.over:
            self._loop(over)
        value = self.doprint(update.right)
        self.emit(f"{self.doprint(update.left)} = {value}")
        if update.symmetric:
            mirrored = update.left.base[tuple(reversed(update.left.indices))]
            self.emit(f"{self.doprint(mirrored)} = {self.doprint(update.left)}")
        self._depth -= len(update.over)

    def _loop(self, over: Range) -> None:
        index, lower, upper = over
        self.emit(f"for {index} in range({self.doprint(lower)}, {self.doprint(upper + 1)}):")
        self._depth += 1

    def _print_Sum(self, expr: Any) -> str:
        return self._gathered(expr, "sum", "0.0", "+=")

    def _print_Product(self, expr: Any) -> str:
        return self._gathered(expr, "product", "1.0", "*=")

    def _gathered(self, expr: Any, word: str, empty: str, operation: str) -> str:
        name = f"{word}_{self._sums}"
        self._sums += 1
        self.emit(f"{name} = {empty}")
        for over in expr.limits:
            self._loop(over)
        # a sum in a summand is a loop of its own, and has to stand before the line that uses it
        summand = self.doprint(expr.function)
        self.emit(f"{name} {operation} {summand}")
        self._depth -= len(expr.limits)
        return name

    def _print_Shrink(self, expr: Any) -> str:
        symbol, start, factor, condition = expr.args
        name = f"{symbol.name}_{self._sums}"
        self._sums += 1
        self.emit(f"{name} = {self.doprint(start)}")
        met = self.doprint(condition.xreplace({symbol: sp.Symbol(name)}))
        self.emit(f"for _ in range({MOST_TRIALS}):")
        self.emit(f"    if {met} or not 0.0 < {name} < math.inf:")  # a NaN ends it too
        self.emit("        break")
        self.emit(f"    {name} *= {self.doprint(factor)}")
        self.emit("else:")
        self.emit(f"    {name} = 0.0")
        return name

    def _print_Settled(self, expr: Any) -> str:
        symbol, start, form, most = expr.args
        name = f"{symbol.name}_{self._sums}"
        self._sums += 1
        self.emit(f"{name} = {self.doprint(start)}")
        self.emit(f"for _ in range({most}):")
        self._depth += 1
        self.emit(f"{name}_next = {self.doprint(form.xreplace({symbol: sp.Symbol(name)}))}")
        self.emit(f"if {name}_next == {name}:")
        self.emit("    break")
        self.emit(f"{name} = {name}_next")
        self._depth -= 1
        return name

    def _print_Largest(self, expr: Any) -> str:
        return f"largest_eigenvalue({self._print(expr.args[0])})"

    def _print_Infinity(self, expr: Any) -> str:
        return "math.inf"

    def _print_Symbol(self, expr: Any) -> str:
        name = f"{expr.name}_" if iskeyword(expr.name) else expr.name
        return self._numbers.get(expr, name)

    def _print_KroneckerDelta(self, expr: Any) -> str:
        left, right = map(self._print, expr.args)
        return f"(1.0 if {left} == {right} else 0.0)"

    def _print_Rational(self, expr: Any) -> str:
        return f"({expr.p}.0/{expr.q}.0)"
