"""Orbits of a discrete map: recorded at chosen steps, or followed until the motion has ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.map import Map
from ..core.compile import load, writable
from ..core.runner import Crew

Array = NDArray[np.float64]

#: relative change of an averaged measure in two steps at which it stands still: a few roundings
STILL = 1e-15


@dataclass(frozen=True)
class Orbit:
    """What was recorded.

    Attributes
    ----------
    values : dict of (T,) arrays
        The observed numbers; NaN from where the orbit has diverged.
    arrays : dict of (T, …) arrays
        What was recorded whole; NaN likewise.
    lost : int or None
        The step at which an observed number exceeded the ceiling.
    last : dict of float
        What was observed at the last step that was looked at, the lost one if there is one.
    """

    values: Mapping[str, Array]
    lost: int | None
    arrays: Mapping[str, Array] = field(default_factory=dict)
    last: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Rest:
    """Where an orbit came to rest.

    Attributes
    ----------
    steps : int
        Until then, or until the budget was spent, or by when the orbit had diverged.
    value : float
        The measure averaged over the last two steps.
    state : "ended", "budget" or "diverged"
    size : float
        The size two steps before the end: where it is not small, the orbit ended in a cycle.
    """

    steps: int
    value: float
    state: str
    size: float = 0.0


def orbit(
    system: Map,
    start: Sequence[Any],
    numbers: Any,
    steps: NDArray[np.int64],
    *,
    ceiling: float,
    inputs: Sequence[Any] = (),
) -> Orbit:
    """Follow an orbit and record what the map observes at the given steps.

    Parameters
    ----------
    start : sequence
        Each state: a number, or an array.
    numbers : array_like
        In the order of ``system.numbers``.
    steps : (T,) int array
        Increasing.
    ceiling : float
        Size of an observed number from which on the orbit has diverged.
    inputs : sequence of arrays
        In the order of ``system.inputs``.
    """
    x, arrays = _state(system, start, inputs)
    path = np.full((len(system.observed), steps.size), np.nan)
    shapes = [arrays[system.arrays.index(base)].shape for _, base in system.kept]
    kept = tuple(np.full((steps.size, *shape), np.nan) for shape in shapes)
    seen = np.empty(len(system.observed))
    p, record = writable(numbers), _module(system).record
    lost = int(record(x, p, arrays, steps, ceiling, seen, path, kept))
    named = {name: array for (name, _), array in zip(system.kept, kept, strict=True)}
    values = dict(zip(system.observed, path, strict=True))
    last = dict(zip(system.observed, seen.tolist(), strict=True))
    return Orbit(values, None if lost < 0 else lost, named, last)


def orbits(
    system: Map,
    starts: Sequence[Sequence[Any]],
    numbers: Sequence[Any],
    steps: NDArray[np.int64],
    *,
    ceiling: float,
    inputs: Sequence[Any] = (),
    workers: int | None = None,
) -> list[Orbit]:
    """Follow one orbit for each start and each row of numbers, in threads; see `orbit`."""
    _module(system)  # compiled once, and not in every thread

    def one(i: int) -> Orbit:
        return orbit(system, starts[i], numbers[i], steps, ceiling=ceiling, inputs=inputs)

    return Crew(workers).each(one, len(starts))


def rest(
    system: Map,
    start: Sequence[Any],
    numbers: Any,
    most: int,
    *,
    ceiling: float,
    size: str,
    measure: str,
    inputs: Sequence[Any] = (),
    tolerance: float = STILL,
) -> Rest:
    """Follow an orbit until an observed measure, averaged over two successive steps, stands still.

    Parameters
    ----------
    size : str
        The observed number that must not grow any more.
    measure : str
        The observed number that must stand still.
    """
    x, arrays = _state(system, start, inputs)
    seen, end = np.empty(len(system.observed)), np.full(2, np.nan)
    places = system.observed.index(size), system.observed.index(measure)
    found = int(
        _module(system).settle(
            x, writable(numbers), arrays, most, ceiling, tolerance, *places, seen, end
        )
    )
    value, last = float(end[0]), float(end[1])
    if found >= 0:
        return Rest(found, value, "ended", last)
    if found == -1:
        return Rest(most, value, "budget", last)
    # the measure is averaged over step −2 − found and the next
    return Rest(-1 - found, float("nan"), "diverged", float("nan"))


def _state(system: Map, start: Sequence[Any], inputs: Sequence[Any]) -> tuple[Array, tuple]:
    """The numbers of the state, and every array that the compiled step takes."""
    given = dict(zip(system.states, start, strict=True))
    x = writable([given[s] for s in system.scalars])
    own = [writable(given[base]) for base in system.arrays]
    outside = [_as_it_is(array) for array in inputs]
    sizes = {
        size: length
        for base, array in zip((*system.arrays, *system.inputs), (*own, *outside), strict=True)
        for size, length in zip(base.shape or (), array.shape, strict=False)
    }
    work = [np.zeros([int(sizes.get(n, n)) for n in base.shape]) for base in system.work]
    return x, (*own, *work, *outside, *(np.zeros_like(array) for array in own))


def _as_it_is(array: Any) -> Array:
    """An input, which no step writes to; copied only where numba sees another type."""
    plain = np.asarray(array)
    same = plain.dtype == np.float64 and plain.flags.c_contiguous and plain.flags.writeable
    return plain if same else writable(plain)


def _module(system: Map) -> ModuleType | Any:
    return load(system.source, "stepping/orbit")
