"""What a derivation on finite data gives: equations, the steps to them, and the code they lower to.

The code is printed from the equations, and that text is what runs: nothing is typed a second time.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import sympy as sp
from sympy.printing.numpy import NumPyPrinter
from sympy.printing.precedence import PRECEDENCE

from .printer import latex
from .program import UNARY
from .system import Derived, Step, narrate, typeset

#: which numpy does not have
_erf = {kind: function for kind, function in UNARY.values()}[sp.erf]


class Printer(NumPyPrinter):
    """numpy's, with the trace of a matrix expression and the error function; it calls a symbol
    named lambda lambda_."""

    def _print_erf(self, expression: Any) -> str:
        return f"erf({self._print(expression.args[0])})"

    def _print_Trace(self, expression: Any) -> str:  # noqa: N802
        return f"numpy.trace({self._print(expression.arg)})"


class StackPrinter(Printer):
    """The same for stacks of matrices, whose last two axes are the matrix."""

    def _print_MatMul(self, expression: Any) -> str:  # noqa: N802
        scale, factors = expression.as_coeff_matrices()
        product = " @ ".join(self.parenthesize(f, PRECEDENCE["Mul"], strict=True) for f in factors)
        return (
            product if scale == 1 else f"{self.parenthesize(scale, PRECEDENCE['Mul'])}*({product})"
        )

    def _print_Identity(self, expression: Any) -> str:  # noqa: N802
        return f"numpy.eye({self._print(expression.rows)})"

    def _print_Transpose(self, expression: Any) -> str:  # noqa: N802
        return f"numpy.swapaxes({self._print(expression.arg)}, -1, -2)"

    def _print_Trace(self, expression: Any) -> str:  # noqa: N802
        return f"numpy.trace({self._print(expression.arg)}, axis1=-2, axis2=-1)"


@dataclass(frozen=True)
class Derivation(Derived):
    """Equations derived for a model on finite data, a `System`.

    Attributes
    ----------
    name : str
        What is derived.
    equations : tuple of (left, right)
        ``left`` is a sympy symbol for what is computed, or LaTeX for what is only shown;
        ``right`` is a sympy expression, or LaTeX where there is no sympy form.
    steps : tuple of Step
        The derivation.
    definitions : tuple of (left, right)
        Constants that the equations refer to.
    """

    name: str
    equations: tuple[tuple[Any, Any], ...]
    steps: tuple[Step, ...] = ()
    definitions: tuple[tuple[Any, Any], ...] = ()
    #: prints the code
    printer: ClassVar[type[NumPyPrinter]] = Printer

    @property
    def numbers(self) -> tuple[Any, ...]:
        """The symbols that the equations take, sorted by name."""
        lowered = [(a, b) for a, b in self.equations + self.definitions if _computed(a, b)]
        free = set().union(*(right.free_symbols for _, right in lowered))
        return tuple(sorted(free - {left for left, _ in lowered}, key=str))

    def __getitem__(self, left: Any) -> Any:
        """Return the right side of the equation for ``left``, a symbol or its name."""
        return {str(a): b for a, b in self.equations + self.definitions}[str(left)]

    def latex(self, environment: str | None = None) -> str:
        """Return the equations in LaTeX, one a line, or in an environment of amsmath."""
        lines = [(_tex(a), _tex(b)) for a, b in self.equations + self.definitions]
        return typeset(lines, environment)

    def explain(self) -> str:
        """Return the steps of the derivation."""
        return narrate(self.steps)

    def runs_as(self, other: Any) -> bool:
        """Whether what runs ``other`` can run this: it computes the same quantities."""
        return isinstance(other, Derivation) and self._quantities <= other._quantities

    @property
    def _quantities(self) -> set[str]:
        return {str(a) for a, b in self.equations + self.definitions if _computed(a, b)}

    @cached_property
    def source(self) -> str:
        """The generated numpy code: one function for every equation with a sympy right side."""
        lowered = [(a, b) for a, b in self.equations + self.definitions if _computed(a, b)]
        return "\n\n".join(_function(str(left), right, self.printer()) for left, right in lowered)

    @cached_property
    def functions(self) -> dict[str, Callable[..., Any]]:
        """The functions of ``source`` by the name of the left side.

        Arguments go by keyword; those that a formula does not have are ignored.
        """
        return self.compiled()

    def compiled(self, **special: Any) -> dict[str, Callable[..., Any]]:
        """The same with functions of the caller's in place of what numpy lacks, ``erf=`` alone."""
        given = {"numpy": np, "builtins": builtins, "erf": _erf, **special}
        space: dict[str, Any] = dict(given)
        exec(compile(self.source, f"<derivation {self.name}>", "exec"), space)
        return {name: f for name, f in space.items() if callable(f) and name not in given}


class StackDerivation(Derivation):
    """A derivation whose matrices may be stacks of matrices."""

    printer = StackPrinter


def _computed(left: Any, right: Any) -> bool:
    return isinstance(left, sp.Symbol) and isinstance(right, sp.Expr)


def _function(name: str, expression: Any, printer: NumPyPrinter) -> str:
    """Return a Python function of the symbols of ``expression``, all by keyword."""
    # what stands inside a sum has no value outside of it
    bound = {index for each in expression.atoms(sp.Sum) for index, *_ in each.limits}
    replaced, (reduced,) = sp.cse(expression, sp.numbered_symbols("_x"), order="none", ignore=bound)
    named = sorted(expression.free_symbols, key=str)
    arguments = "".join(f"{printer.doprint(symbol)}, " for symbol in named)
    star = "*, " if arguments else ""
    lines = [f"def {name}({star}{arguments}**others):"]
    lines += [f"    {s.name} = {printer.doprint(e)}" for s, e in replaced]
    return "\n".join([*lines, f"    return {printer.doprint(reduced)}"]) + "\n"


def _tex(side: Any) -> str:
    return side if isinstance(side, str) else latex(side)
