r"""Averages over the Gaussian curvature and over the batch, as rewrite rules on words.

For a symmetric Gaussian (GOE) matrix with off-diagonal variance q,
:math:`\mathbb EQ_{ij}Q_{kl}=q(\delta_{ik}\delta_{jl}+\delta_{il}\delta_{jk})`, which on words reads

.. math:: \mathbb E\,A\,Q\,B\,Q\,C=q\,[\operatorname{tr}(B)\,AC+A\,B^\top C] ;

Isserlis' theorem sums it over all pairings, and curvatures of different examples do not pair. For
the mask :math:`P` of a batch, with :math:`\Omega[M]=b_2M+(b_1-b_2)\,\mathrm{diag}M`,

.. math:: \mathbb E\,A\,P\,C=\beta\,AC,\qquad\mathbb E\,A\,P\,B\,P\,C=A\,\Omega[B]\,C ,

where two factors of a product hold the mask as well: :math:`(u^\top Px)\,AP\,y=AP\,yx^\top P\,u`.
Derived here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import sympy as sp

from ..core.errors import NotAvailable
from .letters import (
    Bra,
    Curvature,
    Ket,
    Letter,
    Word,
    basis,
    is_basis,
    product_code,
    segments,
)
from .words import complete, completed, is_closed, transpose, transposed, words

#: moments of the mask of a batch, E m_k² and E m_k m_l
b1, b2 = sp.symbols("b_1 b_2", nonnegative=True)


class BatchAverage(Letter):
    """Ω[B] = E P B P of a word B."""

    @property
    def T(self) -> Letter:
        return BatchAverage(*transposed(self.args))

    def _latex(self, printer: Any) -> str:
        inner = " ".join(printer._print(letter) for letter in self.args)
        return rf"\Omega\left[{inner}\right]"

    def _sympystr(self, printer: Any) -> str:
        return f"Ω[{' '.join(printer._print(letter) for letter in self.args)}]"

    def _numpycode(self, printer: Any) -> str:
        inside = product_code(printer, self.args)
        same = f"({b1} - {b2})*numpy.diag(numpy.diag({inside}))"
        return f"({b2}*({inside}) + {same})"

    @property
    def free_symbols(self) -> set[Any]:
        return super().free_symbols | {b1, b2}


def gaussian_average(expression: Any, variance: Any, parameters: Any) -> Any:
    """Average over all curvatures in an expression.

    Parameters
    ----------
    expression : sympy expression in words
        Curvatures whose label is a dummy are summed over the examples; those of two different
        given examples do not pair.
    variance : q
    parameters : P, the trace of the identity
    """

    @cache
    def average(word: Word) -> Any:
        places = [i for i, letter in enumerate(word) if isinstance(letter, Curvature)]
        if not places:
            return sp.Mul(*word)
        if len(places) % 2:
            return sp.S.Zero
        return sp.Add(*(pairing(word, places[0], other) for other in places[1:]))

    def pairing(word: Word, first: int, second: int) -> Any:
        one, other = word[first].args[0], word[second].args[0]
        if one != other and not (one.is_Dummy or other.is_Dummy):
            return sp.S.Zero
        word = _same_example(word, one, other)
        before, between, after = word[:first], word[first + 1 : second], word[second + 1 :]
        i = basis("i", parameters)
        loop = (i.T, *between, i)
        return variance * (
            average((*loop, *before, *after)) + average((*before, *transposed(between), *after))
        )

    return complete(sp.Add(*(c * average(word) for c, word in words(expression))))


def _same_example(word: Word, one: Any, other: Any) -> Word:
    """Give a summed example the label of the other: only those of one example pair."""
    kept, renamed = (one, other) if other.is_Dummy else (other, one)
    return tuple(letter.xreplace({renamed: kept}) for letter in word)


def batch_average(expression: Any, mask: Letter, fraction: Any) -> Any:
    """Average over one mask, which may stand at most twice in a word.

    Parameters
    ----------
    mask : Symmetric
        The letter of the mask P_t.
    fraction : β
    """
    total = []
    for coefficient, word in words(expression):
        factor, word = completed(word)
        total.append(coefficient * factor * _masked(word, mask, fraction))
    return sp.Add(*total)


def _masked(word: Word, mask: Letter, fraction: Any) -> Any:
    parts = segments(word)
    places = [n for n, part in enumerate(parts) for letter in part if letter == mask]
    if not places:
        return sp.Mul(*word)
    if len(places) == 1:
        return fraction * sp.Mul(*(letter for letter in word if letter != mask))
    if len(places) > 2:
        raise NotAvailable("mask", mask, "averages of up to two factors of a mask are derived")
    if places[0] != places[1]:
        word = _facing(parts, places[0], places[1], mask)
    first, second = [i for i, letter in enumerate(word) if letter == mask]
    inside = BatchAverage(*word[first + 1 : second])
    return sp.Mul(*word[:first]) * inside * sp.Mul(*word[second + 1 :])


def _facing(parts: Sequence[Word], one: int, other: int, mask: Letter) -> Word:
    """The word with two of its factors side by side, a column before a row: A P x yᵀ P B.

    A number stands behind a column and before a row, and is both for another number; it is its own
    transpose, so that the vector of a basis stands outside of the mean where it can.
    """
    fitting = [
        (x, y)
        for first, second in ((one, other), (other, one))
        for x in _turns(parts[first])
        for y in _turns(parts[second])
        if isinstance(x[-1], Ket) and isinstance(y[0], Bra)
    ]
    if not fitting:
        remedy = "no word holds the mean of a number times a matrix that share a mask"
        raise NotAvailable("mask", parts[one], remedy)

    def inside(pair: tuple[Word, Word]) -> int:
        between = (*pair[0][pair[0].index(mask) :], *pair[1][: pair[1].index(mask)])
        return sum(map(is_basis, between))

    joined = min(fitting, key=inside)
    rest = [part for n, part in enumerate(parts) if n not in (one, other)]
    numbers = [part for part in rest if is_closed(part)]
    columns = [part for part in rest if part not in numbers and isinstance(part[-1], Ket)]
    rows = [part for part in rest if part not in (*numbers, *columns)]
    return tuple(x for part in (*numbers, *columns, *joined, *rows) for x in part)


def _turns(part: Word) -> tuple[Word, ...]:
    return (part, transposed(part)) if is_closed(part) else (part,)


def degree(word: Word) -> int:
    """Number of curvatures in a word."""
    return sum(isinstance(letter, Curvature) for letter in word)


def up_to(expression: Any, order: int) -> Any:
    """Drop the terms with more than ``order`` curvatures."""
    kept = (c * sp.Mul(*word) for c, word in words(expression) if degree(word) <= order)
    return sp.Add(*kept)


def rows_of_curvature(left: Any, right: Any, data: Any) -> Any:
    """Return Q(left, right): the column with the entries leftᵀ Q_a right.

    Without ``right`` the D × P matrix Q(left, ·) with rows leftᵀ Q_a.
    """
    a: Ket = basis("a", data)
    matrix = a * transpose(left) * Curvature(a.args[0])
    return matrix if right is None else matrix * right


__all__ = ["BatchAverage", "batch_average", "gaussian_average", "rows_of_curvature", "up_to"]
