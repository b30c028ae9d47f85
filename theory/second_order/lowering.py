r"""From words to loops: the elements of an index-free equation.

.. math:: w=J^\top Pz\quad\to\quad w_i=\sum_aJ_{ai}m_{t,a}z_a,\qquad
          Q(g,\cdot)=\sum_ae_a\,g^\top Q_a\quad\to\quad\sum_jg_jQ_{a,i,j}.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp

from ..core.loops import Update, step
from .letters import (
    Bra,
    Curvature,
    Ket,
    Letter,
    Operator,
    Symmetric,
    Transposed,
    Word,
    is_basis,
    segments,
)
from .words import words

_NAMES = "i j k l"


@dataclass(frozen=True)
class Lowering:
    """How letters are stored.

    Attributes
    ----------
    shapes : mapping of letter to its shape
        Of columns and of matrices.
    curvature : IndexedBase
        Of three axes: example, and the two of Q_a.
    """

    shapes: Mapping[Letter, tuple[Any, ...]]
    curvature: Any

    def array(self, letter: Letter) -> Any:
        """The array of a letter."""
        return sp.IndexedBase(str(letter.args[0]), shape=self.shapes[letter])

    def update(self, letter: Letter, expression: Any) -> Update:
        """The assignment of every element of a letter."""
        shape = self.shapes[letter]
        outer = sp.symbols("a b", integer=True)[: len(shape)]
        over = tuple((i, sp.S.Zero, n - 1) for i, n in zip(outer, shape, strict=True))
        return Update(self.array(letter)[outer], self.element(expression, outer), over)

    def element(self, expression: Any, outer: Sequence[Any]) -> Any:
        """The element of a column (one index) or of a matrix (two)."""
        return sp.Add(*(c * self._word(word, outer) for c, word in words(expression)))

    def number(self, expression: Any) -> Any:
        """A sum of closed words."""
        return self.element(expression, (sp.Symbol("a", integer=True),))

    def _word(self, word: Word, outer: Sequence[Any]) -> Any:
        row, column, fresh = outer[0], outer[-1], iter(sp.symbols(_NAMES, integer=True))
        example, parts = row, segments(word)
        if is_basis(parts[0][-1]):  # e_a (xᵀ Q_a …): the row is the example
            parts = parts[1:]
        (part,) = parts
        return self._part(part, row, column, example, fresh)

    def _part(self, part: Word, row: Any, column: Any, example: Any, fresh: Iterator[Any]) -> Any:
        factors, sums, here = [], [], row
        for letter in part:
            last = letter is part[-1]
            if isinstance(letter, Ket):
                factors.append(self.array(letter)[here])
                continue
            if isinstance(letter, Symmetric) and not isinstance(letter, Curvature):
                factors.append(sp.IndexedBase(str(letter.args[0]))[step, here])
                continue
            there, length = (column if last else next(fresh)), self._length(letter)
            factors.append(self._factor(letter, here, there, example))
            if not last:
                sums.append((there, sp.S.Zero, length - 1))
            here = there
        product = sp.Mul(*factors)
        return sp.Sum(product, *sums) if sums else product

    def _length(self, letter: Letter) -> Any:
        """How many values the index behind a letter takes."""
        if isinstance(letter, Curvature):
            return self.curvature.shape[2]
        if isinstance(letter, Operator):
            return self.shapes[letter][1]
        return self.shapes[letter.T][0]

    def _factor(self, letter: Letter, here: Any, there: Any, example: Any) -> Any:
        if isinstance(letter, Curvature):
            return self.curvature[example, there, here]  # symmetric; the sum runs along a row
        if isinstance(letter, Bra):
            return self.array(letter.T)[there]
        if isinstance(letter, Transposed):
            return self.array(letter.T)[there, here]
        return self.array(letter)[here, there]
