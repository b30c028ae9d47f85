r"""From words to loops: the elements of an index-free equation.

.. math:: w=J^\top Pz\quad\to\quad w_i=\sum_aJ_{ai}m_{t,a}z_a,\qquad
          Q(g,\cdot)=\sum_ae_a\,g^\top Q_a\quad\to\quad\sum_jg_jQ_{a,i,j}.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
from .wick import BatchAverage, b1, b2
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

    def with_shapes(self, shapes: Mapping[Letter, tuple[Any, ...]]) -> Lowering:
        """The same with more letters."""
        return replace(self, shapes={**self.shapes, **shapes})

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
        parts = segments(word)
        if len(parts[0]) == 1 and is_basis(parts[0][0]):  # e_a (xᵀ Q_a …): the row is the example
            parts = parts[1:]
        return sp.Mul(*(self._part(part, row, column, row, fresh) for part in parts))

    def _part(self, part: Word, row: Any, column: Any, example: Any, fresh: Iterator[Any]) -> Any:
        factors: list[Any] = []
        sums: list[tuple[Any, ...]] = []
        if is_basis(part[-1]):  # Q_a … e_a: the column is the example, and all are summed
            example = column = next(fresh)
            sums.append((example, sp.S.Zero, self.curvature.shape[0] - 1))
            part = part[:-1]
        here = row
        for place, letter in enumerate(part, 1):
            last = place == len(part)
            if isinstance(letter, Ket):
                factors.append(self.array(letter)[here])
                continue
            if isinstance(letter, Symmetric) and not isinstance(letter, Curvature):
                factors.append(sp.IndexedBase(str(letter.args[0]))[step, here])
                continue
            there = column if last else next(fresh)
            if isinstance(letter, BatchAverage):
                factors.append(self._averaged(letter, here, there, fresh))
            else:
                factors.append(self._factor(letter, here, there, example, last))
            if not last:
                sums.append((there, sp.S.Zero, self._length(letter) - 1))
            here = there
        product = sp.Mul(*factors)
        return sp.Sum(product, *sums) if sums else product

    def _averaged(self, letter: Letter, here: Any, there: Any, fresh: Iterator[Any]) -> Any:
        """The element of Ω[M] = b₂ M + (b₁ − b₂) diag M."""
        parts = segments(letter.args)
        inside = sp.Mul(*(self._part(part, here, there, here, fresh) for part in parts))
        return (b2 + (b1 - b2) * sp.KroneckerDelta(here, there)) * inside

    def _length(self, letter: Letter) -> Any:
        """How many values the index behind a letter takes."""
        if isinstance(letter, Curvature):
            return self.curvature.shape[2]
        if isinstance(letter, BatchAverage):
            return self.curvature.shape[0]
        if isinstance(letter, Operator):
            return self.shapes[letter][1]
        return self.shapes[letter.T][0]

    def _factor(self, letter: Letter, here: Any, there: Any, example: Any, last: bool) -> Any:
        if isinstance(letter, Curvature):
            # symmetric; the sum runs along a row
            return (
                self.curvature[example, there, here]
                if last
                else self.curvature[example, here, there]
            )
        if isinstance(letter, Bra):
            return self.array(letter.T)[there]
        if isinstance(letter, Transposed):
            return self.array(letter.T)[there, here]
        return self.array(letter)[here, there]
