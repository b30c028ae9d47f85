r"""Letters of index-free words: rows, columns, matrices, and the numbers that closed words are.

A letter is a non-commuting sympy object: an operator such as :math:`J`, :math:`P_t` or the
curvature :math:`Q_a` of example a, a column :math:`x` (ket) or a row :math:`x^\top` (bra).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp
from sympy.printing.precedence import PRECEDENCE

Word = tuple["Letter", ...]


class Letter(sp.Expr):
    """One letter; its first argument is its name.

    It counts as an atom, so that no common subexpression is ever made of a single letter.
    """

    is_commutative = False
    is_Atom = True  # noqa: N815

    @property
    def T(self) -> Letter:
        """The transpose."""
        raise NotImplementedError

    def _latex(self, printer: Any) -> str:
        return printer._print(self.args[0])

    def _sympystr(self, printer: Any) -> str:
        return printer._print(self.args[0])

    def _numpycode(self, printer: Any) -> str:
        return printer._print(self.args[0])


class Ket(Letter):
    """A column. With a second argument, the dimension: the vector of a basis to be summed over."""

    @property
    def T(self) -> Letter:
        return Bra(*self.args)

    def _latex(self, printer: Any) -> str:
        name = printer._print(self.args[0])
        return f"e_{{{name}}}" if is_basis(self) else name

    def _sympystr(self, printer: Any) -> str:
        return f"e_{self.args[0].name}" if is_basis(self) else self.args[0].name


class Bra(Letter):
    """A row."""

    @property
    def T(self) -> Letter:
        return Ket(*self.args)

    def _latex(self, printer: Any) -> str:
        return rf"{printer._print(self.T)}^{{\top}}"

    def _sympystr(self, printer: Any) -> str:
        return f"{printer._print(self.T)}ᵀ"


class Operator(Letter):
    """A matrix."""

    @property
    def T(self) -> Letter:
        return Transposed(*self.args)


class Transposed(Letter):
    """The transpose of an operator."""

    @property
    def T(self) -> Letter:
        return Operator(*self.args)

    _latex, _sympystr = Bra._latex, Bra._sympystr

    def _numpycode(self, printer: Any) -> str:
        return f"{printer._print(self.T)}.T"


class Symmetric(Letter):
    """A symmetric matrix."""

    @property
    def T(self) -> Letter:
        return self


class Diagonal(Symmetric):
    """A diagonal matrix; in code the array of its diagonal."""


class Curvature(Symmetric):
    """Q_a of the example with basis label a; every one of the same label is the same matrix."""

    def _latex(self, printer: Any) -> str:
        return f"Q_{{{printer._print(self.args[0])}}}"

    def _sympystr(self, printer: Any) -> str:
        return f"Q_{self.args[0].name}"


class Scalar(sp.Expr):
    """The number that a closed word stands for."""

    is_commutative = True
    is_real = True
    precedence = PRECEDENCE["Atom"]

    def _latex(self, printer: Any) -> str:
        return rf"\left({_side_by_side(printer, self.args)}\right)"

    def _sympystr(self, printer: Any) -> str:
        return f"({_side_by_side(printer, self.args)})"

    def _numpycode(self, printer: Any) -> str:
        return f"({product_code(printer, self.args)})"


class Product(sp.Expr):
    """The array that an open word stands for; multiplied by numbers, and added to others."""

    is_commutative = True
    precedence = PRECEDENCE["Atom"]

    def _latex(self, printer: Any) -> str:
        return _side_by_side(printer, self.args)

    def _sympystr(self, printer: Any) -> str:
        return _side_by_side(printer, self.args)

    def _numpycode(self, printer: Any) -> str:
        text = product_code(printer, self.args)
        return text if len(self.args) == 1 else f"({text})"


class Trace(sp.Expr):
    """The trace of a word of operators."""

    is_commutative = True
    is_real = True

    def _latex(self, printer: Any) -> str:
        return rf"\operatorname{{tr}}\left({_side_by_side(printer, self.args)}\right)"

    def _sympystr(self, printer: Any) -> str:
        return f"tr({_side_by_side(printer, self.args)})"

    def _numpycode(self, printer: Any) -> str:
        return f"numpy.trace({product_code(printer, self.args)})"


def _side_by_side(printer: Any, letters: Sequence[Letter]) -> str:
    return " ".join(printer._print(letter) for letter in letters)


def product_code(printer: Any, letters: Sequence[Letter]) -> str:
    """Return numpy code for the product of a word: a number, a matrix, or an outer product."""
    parts = segments(tuple(letters))
    texts = [_chain(printer, part) for part in parts]
    return texts[0] if len(texts) == 1 else f"numpy.outer({', '.join(texts)})"


def _chain(printer: Any, part: Word) -> str:
    """A product of matrices; a diagonal one scales the rows of what follows."""
    if not any(isinstance(letter, Diagonal) for letter in part):
        return " @ ".join(printer._print(letter) for letter in part)
    *before, last = part
    text = printer._print(last)
    rows = "" if isinstance(last, Ket) else "[:, None]"
    for letter in reversed(before):
        name = printer._print(letter)
        text = f"({name}{rows}*{text})" if isinstance(letter, Diagonal) else f"{name} @ {text}"
    return text


def basis(name: str, dimension: Any) -> Ket:
    """Return a new vector of a basis of this dimension; where it stands twice it is summed."""
    return Ket(sp.Dummy(name), sp.sympify(dimension))


def is_basis(letter: Letter) -> bool:
    """Tell whether a letter is a vector of a basis."""
    return isinstance(letter, (Ket, Bra)) and len(letter.args) == 2


def segments(word: Word) -> list[Word]:
    """Cut a word into its factors: before every row and after every column."""
    parts: list[list[Letter]] = [[]]
    for letter in word:
        if isinstance(letter, Bra) and parts[-1]:
            parts.append([])
        parts[-1].append(letter)
        if isinstance(letter, Ket):
            parts.append([])
    return [tuple(part) for part in parts if part]
