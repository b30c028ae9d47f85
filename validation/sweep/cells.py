"""Cells of a sweep: what each gives, and why one that gives nothing does not.

A cell that fails, or whose limit does not exist, is marked with its reason and never stops the
rest.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...solvers.core.curve import Curve
from ...solvers.solve import solve
from ...solvers.streaming.validity import unstable
from ...theory.core.dispatch import module_of
from ...theory.core.errors import InvalidInput, LimitlabError, SolveFailed, ValidityWarning
from .axes import Plane

OK, DIVERGED, FAILED, REFUSED, MISSING = "ok", "diverged", "failed", "refused", "missing"
#: states of a solution that has run away
_LOST = ("diverged", "left_branch")


@dataclass(frozen=True, eq=False)
class Answer:
    """What a cell gave.

    Attributes
    ----------
    status : {"ok", "diverged", "failed", "refused"}
    reason : str
        Empty where it is ok.
    time : (T,) array
    values, spread : dict of (T,) arrays
    error : (T,) array or None
        The announced relative error of the theory.
    """

    status: str
    reason: str = ""
    time: np.ndarray = field(default_factory=lambda: np.empty(0))
    values: dict[str, np.ndarray] = field(default_factory=dict)
    spread: dict[str, np.ndarray] = field(default_factory=dict)
    error: np.ndarray | None = None


@dataclass(frozen=True)
class Piece:
    """Cells that are solved in one go; what they give depends on nothing else.

    Attributes
    ----------
    plane : Plane
    cells : tuple of index
    until, options
        Those of `solve`.
    fastest : float or None
        The largest rate of the cells that differ in their rate alone, also of other pieces.
    """

    plane: Plane
    cells: tuple[tuple[int, ...], ...]
    until: float | None
    options: Mapping[str, Any]
    fastest: float | None = None

    def __call__(self) -> list[Answer]:
        """Solve the cells."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ValidityWarning)
            found = self._together()
            return [self._one(index) for index in self.cells] if found is None else found

    def _one(self, index: Sequence[int]) -> Answer:
        try:
            problem, method = self.plane.cell(index)
            return answer_of(solve(problem, method, self.until, **self.options))
        except Exception as error:  # whatever a user's own law raises stays in its cell
            return failure(error)

    def _together(self) -> list[Answer] | None:
        """Cells by the compiled road that the family has for many of them; None where it has
        none."""
        pairs: list[Any] = []
        for index in self.cells:
            try:
                pairs.append(self.plane.cell(index))
            except Exception as error:
                pairs.append(error)
        whole = [pair for pair in pairs if isinstance(pair, tuple)]
        try:
            room = module_of(f"{__package__.split('.')[0]}.solvers", "solve", *whole[0])
            road = room.TOGETHER[self.options.get("limit", next(iter(room.LIMITS)))]
        except (AttributeError, IndexError, KeyError, LimitlabError):
            return None
        options = {k: v for k, v in self.options.items() if k != "limit" and v is not None}
        try:
            curves = iter(road(whole, self.until, fastest=self.fastest, **options))
        except (TypeError, InvalidInput):
            return None
        return [_told(next(curves)) if isinstance(pair, tuple) else failure(pair) for pair in pairs]


def _told(found: Any) -> Answer:
    return failure(found) if isinstance(found, Exception) else Answer(*found)


def answer_of(curve: Curve) -> Answer:
    """What a curve says as a cell."""
    said = curve.provenance
    status, reason = OK, ""
    main = next(iter(curve.values.values()))
    stability = said.get("diagnostics", {}).get("stability", 0.0)
    if said.get("state") in _LOST or said.get("diverged") or not np.isfinite(main).all():
        lost = ~np.isfinite(main)
        when = f" by time {curve.time[np.argmax(lost)]:.6g}" if lost.any() else ""
        status, reason = DIVERGED, f"the solution ran away{when}"
    elif stability >= 1:
        status, reason = DIVERGED, unstable(stability)
    error = curve.diagnostics.get("finite_size")
    return Answer(status, reason, curve.time, dict(curve.values), dict(curve.spread), error)


def failure(error: Exception) -> Answer:
    """The cell of an error: diverged, failed or refused, with its words."""
    text = " ".join(str(error).split())
    if isinstance(error, SolveFailed):
        grown = "grows without bound" in error.reason or "diverge" in error.reason
        return Answer(DIVERGED if grown else FAILED, text)
    if isinstance(error, InvalidInput):
        return Answer(REFUSED, text)
    return Answer(FAILED, f"{type(error).__name__}: {text}")
