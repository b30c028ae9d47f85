r"""One letter for a parameter that a user's class calls by a word: width is printed w."""

from __future__ import annotations

import re
from collections.abc import Iterable

import sympy as sp
from sympy.core.alphabets import greeks

#: letters that the formulas use for something else
_TAKEN = frozenset("RdtuyqGJNWxzTeipE")
_WORD = re.compile(r"([A-Za-z]{2,})((?:_\w+)?)")


def letters(symbols: Iterable[sp.Symbol]) -> dict[sp.Symbol, sp.Symbol]:
    """Return a symbol of one letter for each that is named by a word; Greek names are letters.

    Parameters
    ----------
    symbols : iterable of Symbol
        All that the formulas hold, in a fixed order.
    """
    given = list(symbols)
    taken = {*_TAKEN, *(s.name[0] for s in given if not _word(s))}
    found: dict[sp.Symbol, sp.Symbol] = {}
    chosen: dict[str, str] = {}
    for symbol in given:
        match = _word(symbol)
        if match is None:
            continue
        word, suffix = match.groups()
        free = (c for c in (*word.lower(), *word.upper()) if c not in taken)
        letter = chosen.setdefault(word, next(free, word))
        taken.add(letter)
        found[symbol] = sp.Symbol(letter + suffix, **symbol.assumptions0)
    return found


def _word(symbol: sp.Symbol) -> re.Match[str] | None:
    match = _WORD.fullmatch(symbol.name)
    if match is None or match[1].lower() in greeks or match[1] == "ell":
        return None
    return match
