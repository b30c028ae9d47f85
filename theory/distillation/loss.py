r"""The loss of a block, stated once for matrices, and what it is for one mode.

.. math:: \ell=\tfrac12\operatorname{tr}(PUQ-B)\,A\,C\,A^\top(PUQ-B)^\top

U is the layer that moves, P and Q the student's layers above and below it in its block, B the
teacher's block, A the teacher below it, C the second moment of the inputs: 1 for the population,
XᵀX/b for a batch. End to end all layers are one block. Derived here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import sympy as sp

m = sp.Symbol("m", integer=True, positive=True)
P, U, Q, B, A, C = (sp.MatrixSymbol(name, m, m) for name in "PUQBAC")
rate = sp.Symbol("eta", positive=True)
#: 0 while the blocks learn by themselves, 1 from the switching time on
joined = sp.Symbol("J", nonnegative=True)
#: a layer of a mode, the product of the others of its block, teacher, and teacher below it
_u, _o, _b, _a = sp.symbols("u o b a", real=True)


def matrix_loss() -> Any:
    """ℓ, quadratic in the matrix of the block."""
    off = P * U * Q - B
    return sp.Trace(off * A * C * A.T * off.T) / 2


@cache
def matrix_gradient() -> Any:
    """∂ℓ/∂U for a symmetric C."""
    # of 2ℓ and halved: sympy would put the half inside the difference
    return (2 * matrix_loss()).diff(U).subs(C.T, C).doit() / 2


def mode_loss(student: Any, teacher: Any, below: Any) -> Any:
    """ℓ of one mode on the population: student, block of the teacher, teacher below it."""
    given = {P: 1, U: student, Q: 1, B: teacher, A: below, C: 1}
    one = {symbol: sp.Matrix([[value]]) for symbol, value in given.items()}
    return matrix_loss().subs(one).doit()


@cache
def _pull() -> Any:
    """−∂ℓ/∂u of one layer of a mode, the others of its block having the product o."""
    return sp.factor(-sp.diff(mode_loss(_u * _o, _b, _a), _u))


def _parts(
    student: Sequence[Any], teacher: Sequence[Any], blocks: Sequence[int]
) -> Iterator[tuple[list[Any], Any, Any]]:
    """(layers, block of the teacher, teacher below it) of every block."""
    below, first = sp.Integer(1), 0
    for size in blocks:
        own = slice(first, first + size)
        target = sp.prod(teacher[own])
        yield list(student[own]), target, below
        below, first = below * target, first + size


def losses(
    student: Sequence[Any], teacher: Sequence[Any], blocks: Sequence[int]
) -> tuple[Any, Any]:
    """Sum over the blocks, and the loss of the whole, of one mode with these layers."""
    each = _parts(student, teacher, blocks)
    alone = sum((mode_loss(sp.prod(u), b, a) for u, b, a in each), sp.Integer(0))
    return alone, mode_loss(sp.prod(student), sp.prod(teacher), sp.Integer(1))


def velocities(
    student: Sequence[Any], teacher: Sequence[Any], blocks: Sequence[int]
) -> tuple[Any, ...]:
    """u̇ = −∂ℓ/∂u of every layer of one mode."""
    alone, together = (
        [
            _pull().xreplace({_u: u[k], _o: sp.prod(u[:k] + u[k + 1 :]), _b: b, _a: a})
            for u, b, a in _parts(student, teacher, sizes)
            for k in range(len(u))
        ]
        for sizes in (blocks, (len(student),))
    )
    if len(blocks) == 1:
        return tuple(together)
    return tuple(
        (1 - joined) * one + joined * all_of_it
        for one, all_of_it in zip(alone, together, strict=True)
    )
