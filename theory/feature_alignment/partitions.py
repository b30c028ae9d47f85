r"""Mixed moments of a free compound Poisson matrix, by its non-crossing partitions.

.. math:: \operatorname{tr}_d Qb_1\cdots Qb_n=\sum_{\pi\in NC(n)}\ \prod_{V\in\pi}\kappa_{|V|}
          \prod_{V\in\mathrm{Kr}(\pi)}\operatorname{tr}_d\prod_{i\in V}b_i

with the Kreweras complement Kr(π) = π⁻¹∘(1 2 … n), blocks as cycles. That Q is free from the b is
assumed; the formula is the standard one of free probability, the partitions are enumerated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sympy as sp

#: free cumulants of Q
KAPPA = sp.symbols("kappa_1:5", positive=True)
Blocks = tuple[tuple[int, ...], ...]


def partitions(n: int) -> Iterator[Blocks]:
    """Yield the partitions of 0 … n − 1, blocks in increasing order."""
    if n == 0:
        yield ()
        return
    for smaller in partitions(n - 1):
        for i in range(len(smaller)):
            yield (*smaller[:i], (*smaller[i], n - 1), *smaller[i + 1 :])
        yield (*smaller, (n - 1,))


def crosses(blocks: Blocks) -> bool:
    """Whether a < b < c < d exist with a, c in one block and b, d in another."""
    return any(
        a < b < c < d or b < a < d < c
        for one in blocks
        for two in blocks
        if one is not two
        for a in one
        for c in one
        if a < c
        for b in two
        for d in two
        if b < d
    )


def non_crossing(n: int) -> tuple[Blocks, ...]:
    """Return the non-crossing partitions of 0 … n − 1: 1, 2, 5, 14 of them for n = 1 … 4."""
    return tuple(blocks for blocks in partitions(n) if not crosses(blocks))


def complement(blocks: Blocks) -> Blocks:
    """Return the Kreweras complement: the cycles of π⁻¹ after i → i + 1."""
    n = sum(map(len, blocks))
    before = {block[i]: block[i - 1] for block in blocks for i in range(len(block))}
    step = {i: before[(i + 1) % n] for i in range(n)}
    found, left = list[tuple[int, ...]](), set(range(n))
    while left:
        here = min(left)
        cycle = list[int]()
        while here in left:
            left.remove(here)
            cycle.append(here)
            here = step[here]
        found.append(tuple(sorted(cycle)))
    return tuple(sorted(found))


def trace_symbol(word: str) -> Any:
    """Return the symbol of tr_d of a word in symmetric matrices: cyclic shifts and the mirror
    image are the same."""
    turned = [w[i:] + w[:i] for w in (word, word[::-1]) for i in range(len(word))]
    return sp.Symbol(f"tr_{min(turned)}", real=True)


def mixed_moment(words: Sequence[str]) -> Any:
    """Return tr_d Q b₁ Q b₂ …, with every b a word in symmetric matrices.

    Examples
    --------
    >>> mixed_moment(["P", "P"])
    kappa_1**2*tr_PP + kappa_2*tr_P**2
    """
    n = len(words)
    total = sp.S.Zero
    for blocks in non_crossing(n):
        cumulants = sp.prod(KAPPA[len(block) - 1] for block in blocks)
        traces = sp.prod(
            trace_symbol("".join(words[i] for i in block)) for block in complement(blocks)
        )
        total += cumulants * traces
    return total
