"""How a sweep is cut into pieces of work: always in the same way, whoever does them.

Of a limit that has a road for many cells, the cells along the rate are neighbours, and a piece
holds several hundred of them; of others every cell is a piece. Runs are cut into chunks of a cell.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ...solvers.core.runner import only
from ...theory.core.dispatch import module_of
from ...theory.core.errors import LimitlabError, ValidityWarning
from ..simulate import simulate
from .axes import Plane
from .cells import Piece

#: cells of a piece that are solved in one go
TOGETHER = 500
#: runs of a chunk
CHUNK = 25
#: options that the road for many cells knows
_KNOWN = {"limit", "rtol", "times", "points"}
#: its tolerance, unless one is given: the risk of a cell is then good to about 1e-7
RTOL = 1e-5


def theory_pieces(plane: Plane, until: Any, options: Mapping[str, Any]) -> list[Piece]:
    """Return the pieces of the theory, which hold every cell once."""
    order = list(range(len(plane.axes)))
    rate = next((k for k in order if plane.axes[k].is_rate), None)
    if rate is not None:  # the last index moves fastest
        order = [*(k for k in order if k != rate), rate]
    cells = [
        _sorted(order, index)
        for index in itertools.product(*(range(plane.shape[k]) for k in order))
    ]
    options = {k: v for k, v in options.items() if v is not None}
    if not (set(options) <= _KNOWN and _has_road(plane, options)):
        return [Piece(plane, (index,), until, options) for index in cells]
    fastest = None
    if rate is not None:
        fastest = max((float(v) for (v,) in plane.axes[rate].values if v > 0), default=None)
    options = {"rtol": RTOL, **options}
    blocks = [tuple(cells[k : k + TOGETHER]) for k in range(0, len(cells), TOGETHER)]
    return [Piece(plane, block, until, options, fastest) for block in blocks]


def _sorted(order: Sequence[int], places: Sequence[int]) -> tuple[int, ...]:
    return tuple(place for _, place in sorted(zip(order, places, strict=True)))


def _has_road(plane: Plane, options: Mapping[str, Any]) -> bool:
    """Whether the family of the first cell has a road for many cells of this limit."""
    try:
        package = __package__.split(".")[0]
        family = module_of(f"{package}.solvers", "solve", plane.problem, plane.method)
        return options.get("limit", next(iter(family.LIMITS))) in family.TOGETHER
    except (AttributeError, LimitlabError):
        return False


@dataclass(frozen=True)
class Runs:
    """Some runs of a cell: what `simulate` would do of them, before it makes a curve."""

    plane: Plane
    cell: tuple[int, ...]
    until: Any
    options: Mapping[str, Any]
    numbers: range

    def __call__(self) -> tuple[dict[int, Any], int]:
        """Do them; return them, and how many pieces of work the cell has.

        Raises
        ------
        LimitlabError
            The cell cannot be simulated.
        """
        problem, method = self.plane.cell(self.cell)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ValidityWarning)
            call = partial(simulate, problem, method, self.until, **{**self.options, "workers": 1})
            return only(call, 0, self.numbers)


@dataclass(frozen=True)
class Work:
    """Pieces by their number, as a task of the crew; errors of ours come back as what they are."""

    pieces: Mapping[int, Any]

    def part(self, numbers: Sequence[int]) -> Work:
        """The work of some numbers, to be sent elsewhere."""
        return Work({k: self.pieces[k] for k in numbers})

    def __call__(self, number: int, stop: Any) -> Any:
        if stop is not None and stop.is_set():
            return None
        try:
            return self.pieces[number]()
        except LimitlabError as error:
            return Refusal(type(error).__name__, str(error))


@dataclass(frozen=True)
class Refusal:
    """Why a piece gave nothing."""

    kind: str
    text: str


def chunks(runs: int) -> list[range]:
    """The runs of a cell in chunks."""
    return [range(a, min(a + CHUNK, runs)) for a in range(0, runs, CHUNK)]


def cells_of(plane: Plane) -> list[tuple[int, ...]]:
    """Every index of a plane, the last one moving fastest."""
    return [tuple(int(k) for k in index) for index in np.ndindex(*plane.shape)]
