r"""Index-free words: products of matrices between bras and kets.

A word that begins with a row and ends with a column is a number,

.. math:: u^\top J^\top P\,x ,

and may be moved past every other letter. Sums over examples or coordinates are written with the
vectors of a basis; they are carried out by completeness, :math:`\sum_ae_ae_a^\top=1`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sympy as sp

from .letters import Bra, Ket, Letter, Product, Scalar, Trace, Word, is_basis, segments


def words(expression: Any) -> Iterator[tuple[Any, Word]]:
    """Yield (coefficient, word) for every term of an expression."""
    for term in sp.Add.make_args(sp.expand(expression)):
        numbers, letters = term.args_cnc()
        yield sp.Mul(*numbers), tuple(_unrolled(letters))


def _unrolled(letters: Sequence[Any]) -> Iterator[Letter]:
    for letter in letters:
        base, times = letter.as_base_exp()
        for _ in range(int(times)):
            yield from _unrolled(base.args) if base.is_Mul else (base,)


def transpose(expression: Any) -> Any:
    """Return the transpose, term by term."""
    return sp.Add(*(c * sp.Mul(*transposed(word)) for c, word in words(expression)))


def transposed(word: Word) -> Word:
    """Return the transpose of a word."""
    return tuple(letter.T for letter in reversed(word))


def is_closed(part: Word) -> bool:
    """Tell whether a factor is a number."""
    return isinstance(part[0], Bra) and isinstance(part[-1], Ket)


def canonical(part: Word) -> Word:
    """Return a closed factor or its transpose, whichever comes first in a fixed order."""
    return min(part, transposed(part), key=lambda w: [letter.sort_key() for letter in w])


def completed(word: Word) -> tuple[Any, Word]:
    """Carry out the sums over bases; return the traces that arise, and the word that is left."""
    parts, factor = segments(word), sp.S.One
    labels = dict.fromkeys(x for x in word if is_basis(x) and isinstance(x, Ket))
    labels |= dict.fromkeys(x.T for x in word if is_basis(x) and isinstance(x, Bra))
    for label in labels:
        factor *= _sum_over(label, parts)
    closed = sorted(map(canonical, filter(is_closed, parts)), key=_order)
    rest = [part for part in parts if not is_closed(part)]
    return factor, tuple(letter for part in (*closed, *rest) for letter in part)


def _order(part: Word) -> list[Any]:
    return [letter.sort_key() for letter in part]


def _sum_over(label: Ket, parts: list[Word]) -> Any:
    """Join the two ends that carry a basis vector, in place; return the trace of a closed loop.

    A vector whose other half is the label of a curvature is left.
    """
    ends = [i for i, part in enumerate(parts) for x in part if x in (label, label.T)]
    if len(ends) == 1:
        return sp.S.One
    if len(ends) != 2:
        raise ValueError(f"{label} stands {len(ends)} times; a sum needs it twice")
    first, second = ends
    if first == second:
        inside = parts.pop(first)[1:-1]
        return Trace(*inside) if inside else label.args[1]
    left, right = parts[first], parts[second]
    if left[-1] != label:
        left, right = (right, left) if right[-1] == label else (transposed(left), right)
    if right[0] != label.T:
        right = transposed(right)
    parts[first] = left[:-1] + right[1:]
    del parts[second]
    return sp.S.One


def complete(expression: Any) -> Any:
    """Carry out the sums over bases in every term."""
    total = []
    for coefficient, word in words(expression):
        factor, left = completed(word)
        total.append(coefficient * factor * sp.Mul(*left))
    return sp.Add(*total)


def rewrite(expression: Any, rules: Mapping[Word, Any]) -> Any:
    """Replace every occurrence of a pattern, and of its transpose, until none is left.

    Parameters
    ----------
    rules : mapping of a tuple of letters to an expression
    """
    both = dict(rules) | {transposed(p): transpose(e) for p, e in rules.items()}
    done, open_terms = [], list(words(expression))
    while open_terms:
        coefficient, word = open_terms.pop()
        found = _match(word, both)
        if found is None:
            done.append(coefficient * sp.Mul(*word))
            continue
        start, pattern = found
        inside = both[pattern]
        tail = word[start + len(pattern) :]
        open_terms += words(coefficient * sp.Mul(*word[:start]) * inside * sp.Mul(*tail))
    return sp.Add(*done)


def _match(word: Word, rules: Mapping[Word, Any]) -> tuple[int, Word] | None:
    for start in range(len(word)):
        for pattern in rules:
            if word[start : start + len(pattern)] == pattern:
                return start, pattern
    return None


def close(expression: Any) -> Any:
    """Turn every closed factor into a commuting number."""
    total = []
    for coefficient, word in words(expression):
        factor, left = completed(word)
        parts = [Scalar(*part) if is_closed(part) else sp.Mul(*part) for part in segments(left)]
        total.append(coefficient * factor * sp.Mul(*parts))
    return sp.Add(*total)


def as_arrays(expression: Any) -> Any:
    """Turn every word into a commuting array, from which code is printed."""
    return sp.Add(*(c * Product(*word) for c, word in words(expression)))
