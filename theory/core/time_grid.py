"""The output times that theory and experiment share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .checks import LARGEST, LARGEST_ENSEMBLE, count, positive, vector
from .errors import InvalidInput


def time_grid(until: Any = None, times: Any = None, points: Any = 101) -> np.ndarray:
    """Increasing output times that start at 0.

    Parameters
    ----------
    until : float, optional
        Last time, > 0; may be left out where `times` is given.
    times : array_like, optional
        Strictly increasing times >= 0, used instead of `points`; 0 is put in front if missing.
    points : int
        Number of equally spaced times including 0.

    Returns
    -------
    numpy.ndarray, shape (T,)
    """
    if times is not None:
        return _given(times, until)
    if until is None:
        raise InvalidInput("until", until, "give the last time, or times=")
    return np.linspace(0.0, positive("until", until), count("points", points, 2, LARGEST_ENSEMBLE))


def _given(times: Any, until: Any) -> np.ndarray:
    grid = vector("times", times)
    if grid[0] < 0:
        raise InvalidInput("times", times, "start at a time >= 0")
    if np.any(np.diff(grid) <= 0):
        where = int(np.argmax(np.diff(grid) <= 0)) + 1
        raise InvalidInput("times", times, f"not increasing at index {where}; sort them")
    if until is not None and positive("until", until) < grid[-1]:
        raise InvalidInput("until", until, f"before the last of times, {grid[-1]:g}; leave it out")
    grid = np.concatenate([[0.0], grid]) if grid[0] > 0 else grid.copy()
    if grid.size < 2:
        raise InvalidInput("times", times, "give at least one time > 0")
    return grid


def whole_steps(until: Any = None, times: Any = None, points: Any = 101) -> np.ndarray:
    """Increasing step numbers from 0: the times of `time_grid`, rounded, each once.

    Returns
    -------
    numpy.ndarray of int64
    """
    grid = np.rint(time_grid(until, times, points))
    if grid[-1] > LARGEST:
        field, value = ("until", until) if times is None else ("times", times)
        raise InvalidInput(field, value, f"time is counted in steps here; give at most {LARGEST}")
    steps = np.unique(grid.astype(np.int64))
    if steps.size < 2:
        raise InvalidInput("until", until, "time is counted in steps here; give at least 1")
    return steps


def grid_size(options: Mapping[str, Any]) -> int:
    """The number of output times that the options of a verb ask for, before they are checked."""
    times, points = options.get("times"), options.get("points")
    if times is not None:
        try:
            return int(np.size(times)) if not isinstance(times, str) else 1
        except ValueError:  # rows of different lengths
            return 1
    return points if isinstance(points, int) and points > 0 else 101
