"""The two phases of a student: its blocks by themselves, and all layers as one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.errors import InvalidInput

Array = NDArray[np.float64]
#: from a state, over times from 0, in a phase (1: all layers are one): the states, (T, …)
Move = Callable[[Array, Any, int], Array]


def phases(switch: float | None, last: float) -> list[tuple[int, float, float]]:
    """(whether all layers are one, begin, end) of every phase."""
    if switch is None or switch >= last:
        return [(0, 0, last)]
    if switch == 0:
        return [(1, 0, last)]
    return [(0, 0, switch), (1, switch, last)]


def through(state: Array, time: Any, switch: float | None, move: Move) -> Array:
    """The states at times from 0, or at numbers of steps, through both phases."""
    found = []
    for joined, begin, end in phases(switch, time[-1]):
        own = time[(time > begin) & (time <= end)]
        seen = np.concatenate(
            [[begin], own] if own.size and own[-1] == end else [[begin], own, [end]]
        )
        path = move(state, (seen - begin).astype(time.dtype), joined)
        found.append(path[(0 if begin == 0 else 1) : 1 + own.size])
        state = path[-1]
    return np.concatenate(found)


def whole_steps(time: Array, step: float) -> NDArray[np.int64]:
    """The times in whole steps of a length, each once.

    Raises
    ------
    InvalidInput
        All of them before the first step.
    """
    found = np.unique(np.rint(time / step).astype(np.int64))
    if found.size < 2:
        raise InvalidInput("until", float(time[-1]), f"is less than a step of length {step:g}")
    return found


def whole_switch(switch: float | None, step: float) -> int | None:
    """The step at which all layers become one."""
    return None if switch is None else int(np.rint(switch / step))


def spans(blocks: tuple[int, ...], joined: int) -> list[slice]:
    """The layers of every block."""
    sizes = (sum(blocks),) if joined else blocks
    ends = np.cumsum(sizes)
    return [slice(int(end) - size, int(end)) for size, end in zip(sizes, ends, strict=True)]
