r"""How long modes wait at small strengths, end to end and block by block.

The plateau is the time in which a residual that stays β would bring a block to its target,

.. math:: \frac1{a^2}\int_{s_0}^\beta\frac{ds}{L\beta s^{2-2/L}},

ln(θ/s₀)/(2θ) for two layers end to end. Derived here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.errors import InvalidType, NotAvailable
from ...theory.distillation.closed import closed_theory
from ...theory.distillation.derive import check_aligned
from ...theory.distillation.problem import BlockwiseDistillation
from .closed import BALANCED, of_blocks

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Plateaus:
    """How long the modes wait.

    Attributes
    ----------
    end_to_end : (m,) array
        Plateau of all layers as one.
    blocks : (K, m) array
        Of every block; 0 for one of a single layer.
    """

    end_to_end: Array
    blocks: Array

    @property
    def gained(self) -> Array:
        """Of every mode, the plateau end to end less the longest of its blocks, (m,)."""
        return self.end_to_end - self.blocks.max(axis=0)


def distillation_plateaus(problem: BlockwiseDistillation) -> Plateaus:
    """Return how long a student waits at small strengths, end to end and block by block.

    Units of time: rate · steps. Infinite where a block of two layers or more starts at 0, and 0
    where it starts above its target.

    Raises
    ------
    NotAvailable
        A start that is not aligned; three layers or more of a block that are not equal; a target
        of 0.

    Examples
    --------
    >>> import limitlab as ll
    >>> found = ll.distillation_plateaus(ll.BlockwiseDistillation([1.0], start=1e-4))
    >>> round(float(found.end_to_end[0]), 4), float(found.blocks.max())
    (4.6052, 0.0)
    """
    check_modes(problem)
    own, functions = problem.own, closed_theory().functions
    whole, parts = (
        np.array([_plateau(functions, own[o], b, a) for o, b, a in of_blocks(problem, joined)])
        for joined in (1, 0)
    )
    return Plateaus(whole[0], parts)


def _plateau(f: Any, start: Array, target: Array, scale: Array) -> Array:
    if len(start) == 1:
        return np.zeros_like(target)
    if np.any(target <= 0) or np.any(start < 0):
        field, value = ("strengths", target) if np.any(target <= 0) else ("start", start)
        raise NotAvailable(field, value, "a plateau needs targets above 0 and a start >= 0")
    with np.errstate(divide="ignore", invalid="ignore"):
        if len(start) == 2:
            c, r = start[0] ** 2 - start[1] ** 2, (start[0] + start[1]) ** 2
            time = f["plateau_2"](beta=target, c=c, r_0=r)
        else:
            if np.ptp(start, axis=0).max() > BALANCED * np.abs(start).max():
                remedy = "a plateau of three layers or more is known where they start equal"
                raise NotAvailable("start", start, remedy)
            w = start[0] / target ** (1 / len(start))
            given = {"L": np.int64(len(start)), "beta": target}
            time = f["plateau"](w=np.ones_like(w), w_0=w, **given)
        return np.maximum(time, 0) / scale


def check_modes(problem: Any) -> None:
    """Refuse what is no such problem, and a start whose modes mix."""
    if not isinstance(problem, BlockwiseDistillation):
        raise InvalidType("problem", problem, "give a BlockwiseDistillation")
    check_aligned(problem, "flow")
