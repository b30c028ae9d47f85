r"""A deep linear student of a deep linear teacher, trained end to end or block by block.

.. math:: y=T_L\cdots T_1x,\qquad f(x)=U_L\cdots U_1x,\qquad x\sim N(0,1)

A block of the student sees what the teacher's layers below it return, and learns what the
teacher's block returns for it; at the switching time all layers are trained as one. Inspired by
the recipe of arXiv 2312.13223; the solvable form is of our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from ..core.by_content import ByContent
from ..core.checks import count, number, read_only, reals
from ..core.errors import InvalidInput
from ..core.problem import Problem

#: share of a matrix off its diagonal, relative to its largest entry, that is rounding
ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class BlockwiseDistillation(Problem, ByContent):
    """A student of L linear layers that learns m modes of a teacher of L linear layers.

    Loss E|f(x) − y|²/2 over standard normal inputs, of the student as a whole or of every block.
    Step size rate; time is rate · steps, the time of the flow.

    Parameters
    ----------
    strengths : float, (m,) or (L, m) array_like
        Singular values θ >= 0 of the teacher, shared equally by its layers (θ^(1/L) each), or those
        of every layer. Not all products 0.
    start : float, (m,), (L, m) or (L, m, m) array_like
        Of the student, in the singular frames of the teacher: strengths s₀ >= 0 shared equally by
        the layers; those of every layer; or whole matrices, which need not be aligned.
    layers : int, optional
        L; by default as many as the arrays have, or 2.
    blocks : int or tuple of int, optional
        Into how many blocks the layers are split, from below, or how many layers each of them has;
        by default every layer is a block.
    switch : float, optional
        Time at which the blocks become one: 0 is end-to-end training, None never.
    seed : int
        Of the frames of the matrices that `simulate` trains.

    Raises
    ------
    InvalidInput
        Shapes that do not fit; negative strengths; a teacher that is 0; blocks that are not L
        layers; a negative switch.

    Examples
    --------
    >>> import limitlab as ll
    >>> problem = ll.BlockwiseDistillation([1.0, 0.5], start=0.01, layers=4, blocks=2, switch=3.0)
    >>> problem.blocks, problem.modes
    ((2, 2), 2)
    """

    family: ClassVar[str] = "distillation"

    strengths: Any
    start: Any = 1e-3
    layers: Any = None
    blocks: Any = None
    switch: Any = None
    seed: int = 0

    def __post_init__(self) -> None:
        def put(name: str, value: Any) -> None:
            object.__setattr__(self, name, value)

        strengths = _finite("strengths", self.strengths)
        start = _finite("start", self.start)
        if strengths.size == 0:
            raise InvalidInput("strengths", self.strengths, "give at least one")
        put("layers", self._count_layers(strengths, start))
        put("strengths", self._of_modes("strengths", np.atleast_1d(strengths), 2))
        put("start", self._of_modes("start", start, 3))
        for field, value, most in (("strengths", self.strengths, 2), ("start", self.start, 1)):
            if value.ndim <= most and np.any(value < 0):
                raise InvalidInput(field, value, "give strengths >= 0")
        if not np.any(self.products > 0):
            raise InvalidInput("strengths", self.strengths, "the teacher is 0; give one above 0")
        put("blocks", self._split(self.blocks))
        if self.switch is not None:
            put("switch", number("switch", self.switch))
            if self.switch < 0:
                raise InvalidInput("switch", self.switch, "give a time >= 0, or None: never")
        put("seed", count("seed", self.seed, 0))

    def _count_layers(self, *arrays: np.ndarray) -> int:
        stated = {int(len(a)) for a in arrays if a.ndim >= 2}
        if self.layers is not None:
            stated.add(count("layers", self.layers))
        if len(stated) > 1:
            remedy = f"strengths, start and layers say {sorted(stated)}; give one number of layers"
            raise InvalidInput("layers", self.layers, remedy)
        return stated.pop() if stated else 2

    def _of_modes(self, field: str, values: np.ndarray, axes: int) -> np.ndarray:
        """An array of at most so many axes, of which all but the first count the modes."""
        m = values.shape[-1] if field == "strengths" else self.modes
        shapes = [(), (m,), (self.layers, m), (self.layers, m, m)][: axes + 1]
        if values.ndim > axes or values.shape != shapes[values.ndim] or m == 0:
            listed = ", ".join(str(shape) for shape in shapes[1:])
            remedy = f"has the shape {values.shape}; give one of {listed}"
            raise InvalidInput(field, values, remedy)
        return read_only(values)

    def _split(self, blocks: Any) -> tuple[int, ...]:
        L = self.layers
        if blocks is None:
            return (1,) * L
        if isinstance(blocks, list | tuple | np.ndarray):
            sizes = tuple(count("blocks", size) for size in blocks)
            if sum(sizes) != L:
                raise InvalidInput("blocks", blocks, f"have {sum(sizes)} layers of {L} in all")
            return sizes
        number_of = count("blocks", blocks)
        if number_of > L:
            raise InvalidInput("blocks", blocks, f"give at most {L}, one for every layer")
        return tuple(len(part) for part in np.array_split(np.arange(L), number_of))

    @property
    def modes(self) -> int:
        """m."""
        return int(self.strengths.shape[-1])

    @cached_property
    def teacher(self) -> np.ndarray:
        """Strengths of every layer of the teacher, (L, m)."""
        return read_only(_shared(self.strengths, self.layers))

    @cached_property
    def products(self) -> np.ndarray:
        """θ, (m,)."""
        return read_only(
            self.strengths.copy() if self.strengths.ndim == 1 else np.prod(self.strengths, axis=0)
        )

    @property
    def aligned(self) -> bool:
        """Whether the student starts in the frames of the teacher, so that modes do not mix."""
        if self.start.ndim < 3:
            return True
        off = self.start * (1 - np.eye(self.modes))
        return bool(np.abs(off).max() <= ROUNDING * np.abs(self.start).max())

    @cached_property
    def own(self) -> np.ndarray:
        """Strengths of every layer of an aligned student at the start, (L, m)."""
        if self.start.ndim == 3:
            return read_only(np.einsum("lkk->lk", self.start).copy())
        values = np.broadcast_to(self.start, (self.modes,)) if self.start.ndim == 0 else self.start
        return read_only(_shared(values, self.layers))

    @cached_property
    def matrices(self) -> np.ndarray:
        """Layers of the student at the start in the frames of the teacher, (L, m, m)."""
        if self.start.ndim == 3:
            return self.start
        return read_only(self.own[:, :, None] * np.eye(self.modes))


def _finite(field: str, values: Any) -> np.ndarray:
    found = reals(field, values)
    if not np.all(np.isfinite(found)):
        raise InvalidInput(field, values, "has NaN or infinity; give finite numbers")
    return found


def _shared(strengths: np.ndarray, layers: int) -> np.ndarray:
    """Those of every layer: the given ones, or equal shares of a product."""
    if strengths.ndim == 2:
        return strengths.copy()
    return np.tile(strengths ** (1 / layers), (layers, 1))
