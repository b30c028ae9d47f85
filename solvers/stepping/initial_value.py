"""Initial-value problems by scipy, with an end: what is not a number or takes too long fails.

scipy bounds no number of steps: a slope that is not a number keeps its explicit pair looking for a
step, and one that has died out is followed in steps that stability limits. Where explicit steps
are too many, a method for stiff equations goes the whole way, if the state is small enough for
differences in every direction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...theory.core.errors import SolveFailed
from .adaptive import NOT_A_NUMBER, TOO_MANY_STEPS
from .failure import REASONS

Array = NDArray[np.float64]

#: evaluations of the slope at most, by explicit steps and by those of the stiff method
MOST_EXPLICIT, MOST_STIFF = 200_000, 200_000
#: slopes that are no numbers, after which no step is looked for any more
_BROKEN = 2_000
#: states up to which the stiff method is tried
_SMALL = 400
#: absolute tolerance of the stiff method at least, over the largest state at the start
_LEAST = 1e-30


class _Ended(Exception):
    """The slope has been asked for too often."""


class _Counted:
    """A slope that counts how often it is asked, and remembers where it last was a number."""

    def __init__(self, slope: Callable[..., Any], most: int, t: float, y: Array) -> None:
        self._slope, self._left, self._broken = slope, most, _BROKEN
        self.time, self.state = t, y

    def __call__(self, t: float, y: Array) -> Any:
        if self._left <= 0 or self._broken <= 0:
            raise _Ended
        self._left -= 1
        found = np.asarray(self._slope(t, y))
        if np.isfinite(found).all():
            self.time, self.state = t, np.array(y)  # LSODA takes its array back
        else:
            self._broken -= 1
        return found

    @property
    def lost(self) -> bool:
        """Whether it was no number for so often."""
        return self._broken <= 0


def initial_value(
    slope: Callable[..., Any],
    span: Sequence[float],
    start: ArrayLike,
    method: str = "DOP853",
    times: Any = None,
    *,
    size: Callable[[Array], float] = lambda y: float(np.abs(y).max()),
    most: int = MOST_EXPLICIT,
    **options: Any,
) -> Any:
    """Return what scipy's ``solve_ivp`` returns of an integration that came to its end.

    Parameters
    ----------
    slope : callable
        (t, y) → dy/dt.
    span : (float, float)
    start : (n,) array_like
    method : {"DOP853", "LSODA"}
        Of an explicit one the stiff one is the remedy for too many steps.
    times : (T,) array_like, optional
        Output times.
    size : callable
        y → what an error tells of the state; the risk or loss where there is one.
    most : int
        Slopes at most.
    **options
        Of ``solve_ivp``.

    Raises
    ------
    SolveFailed
        A slope or state that is not a number, a step that underflows, too many steps.
    """
    from scipy.integrate import solve_ivp

    y = np.asarray(start, dtype=float)
    if not np.all(np.isfinite(slope(span[0], y))):
        raise SolveFailed(REASONS[NOT_A_NUMBER], float(span[0]), 0.0, size(y))
    counted = _Counted(slope, most, float(span[0]), y)

    def failed(reason: str) -> SolveFailed:
        return SolveFailed(reason, float(counted.time), 0.0, size(counted.state))

    try:
        found = solve_ivp(counted, span, y, method, times, **options)
    except _Ended:
        if counted.lost:
            raise failed(REASONS[NOT_A_NUMBER]) from None
        if method == "LSODA" or y.size > _SMALL:
            raise failed(REASONS[TOO_MANY_STEPS]) from None
        # LSODA divides by the tolerance of a state that has died out
        floor = _LEAST * float(np.abs(y).max())
        options["atol"] = np.maximum(options.get("atol", 0.0), floor)
        return initial_value(slope, span, y, "LSODA", times, size=size, most=MOST_STIFF, **options)
    if not found.success:
        raise failed(found.message)
    if not np.all(np.isfinite(found.y)):
        raise failed(REASONS[NOT_A_NUMBER])
    return found
