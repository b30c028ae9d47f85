r"""Modes of an aligned student: what a step, and the flow, do to the strengths of its layers.

.. math:: \dot u_l=-\frac{\partial}{\partial u_l}\Big[(1-J)\sum_j\tfrac12a_j^2(v_j-\beta_j)^2
          +J\,\tfrac12(s-\theta)^2\Big],\qquad v_j=\prod_{l\in j}u_l,\quad s=\prod_lu_l

for every mode by itself, with the teacher's :math:`\beta_j` of the block and :math:`a_j` of all
below it; J = 1 from the switching time on. Derived here, from the loss of matrices.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ..core.loops import Update
from ..core.map import Map
from ..core.system import Step
from .closed import LABEL
from .loss import B, joined, losses, m, matrix_gradient, matrix_loss, rate, velocities

_k = sp.Symbol("k", integer=True)
_EVERY = (_k, 0, m - 1)


def layers(letter: str, count: int) -> tuple[Any, ...]:
    """The strengths of every layer, arrays over the modes."""
    return tuple(sp.IndexedBase(f"{letter}_{number}", shape=(m,)) for number in range(1, count + 1))


@cache
def mode_theory(blocks: tuple[int, ...], limit: str) -> Map:
    """Derive the map of a step ("map"), or one whose states become their velocity ("flow")."""
    student, teacher = (layers(letter, sum(blocks)) for letter in ("u", "tau"))
    u, tau = ([base[_k] for base in bases] for bases in (student, teacher))
    moves = velocities(u, tau, blocks)
    mapped = limit == "map"
    after = tuple(
        Update(one, one + rate * move if mapped else move, (_EVERY,))
        for one, move in zip(u, moves, strict=True)
    )
    name = "a step of descent" if mapped else "gradient flow: the velocity"
    return Map(
        f"modes of a deep linear student, {name}",
        student,
        after,
        (*_watched(u, tau, blocks), *((str(base), base) for base in student)),
        (rate, joined),
        teacher,
        (),
        _told(u, tau, blocks),
    )


def _watched(u: list[Any], tau: list[Any], blocks: tuple[int, ...]) -> tuple[tuple[str, Any], ...]:
    parts, whole = losses(u, tau, blocks)
    theta, s = sp.prod(tau), sp.prod(u)
    return (
        ("loss", sp.Sum(whole, _EVERY)),
        ("block_loss", sp.Sum(parts, _EVERY)),
        ("overlap", sp.Sum(theta * s, _EVERY) / sp.Sum(theta**2, _EVERY)),
    )


def _told(u: list[Any], tau: list[Any], blocks: tuple[int, ...]) -> tuple[Step, ...]:
    parts, whole = losses(u, tau, blocks)
    alone = velocities(u, tau, blocks)
    return (
        LABEL,
        Step("x ~ N(0, 1): a block sees A x, and learns B A x", "ℓ", matrix_loss()),
        Step("its gradient in one of its layers, U", "∂ℓ/∂U", matrix_gradient()),
        Step(
            "which is diagonal where all matrices are: modes do not mix; one mode", B, sp.prod(tau)
        ),
        Step(
            f"blocks of {', '.join(map(str, blocks))} layers: the sum of their losses", "ℓ_1", parts
        ),
        Step("end to end, from the switching time on", "ℓ_2", whole),
        *(Step("so that", f"u̇_{i}", move) for i, move in enumerate(alone, start=1)),
    )
