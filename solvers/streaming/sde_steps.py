"""The steps of an SDE ensemble: how many, how long, and the normals that drive them.

A normal is a function of (path, number of the step, place in the step): not of threads, chunks,
the number of paths or what comes after.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core import random

Array = NDArray[np.float64]
Steps = NDArray[np.int64]

#: without `step`, the risk of the ODE changes by about this fraction in one step, …
RELATIVE_CHANGE = 0.02
#: … which is at most this fraction of the horizon …
LARGEST_STEP = 1 / 200
#: … and, for the exact diffusion, this fraction of the fastest relaxation time 2/(A λ)
FASTEST = 0.25
#: the streams of a run's key below this one are those of simulations
STREAM = np.uint32(64)
#: normals drawn at a time: they stay in the nearest caches
_BUFFER = 1 << 14


def substeps(
    times: Array,
    risk: Array,
    step: float | None,
    *,
    fastest: float = 0.0,
    shortest: float = 0.0,
) -> Steps:
    """Return the number of steps, even, between consecutive output times.

    Parameters
    ----------
    times, risk : (T,) arrays
        The risk ODE's solution.
    step : float or None
        Largest step; None chooses by the three constants of this module.
    fastest : float
        Largest relaxation rate A λ/2 met on the way (0: no limit from it).
    shortest : float
        Length of a step of the algorithm: the change of the risk asks for none shorter.
    """
    gaps = np.diff(times)
    if step is not None:
        return _even(gaps / step)
    change = np.abs(np.diff(np.log(np.maximum(risk, 1e-300))))
    needed = np.maximum(change / RELATIVE_CHANGE, gaps / (times[-1] * LARGEST_STEP))
    if shortest > 0:
        needed = np.minimum(needed, gaps / shortest)
    return _even(np.maximum(needed, gaps * fastest / FASTEST))


def _even(counts: Array) -> Steps:
    """Round up, so that steps can be joined in pairs."""
    return 2 * np.maximum(np.ceil(0.5 * counts * (1 - 1e-12)), 1).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Plan:
    """All steps of a path.

    Parameters
    ----------
    starts, sizes : (n,) arrays
        Time and length of each step.
    record : (n,) int array
        Index of the output after each step, −1 where there is none.
    """

    starts: Array
    sizes: Array
    record: Steps

    @classmethod
    def of(cls, times: Array, counts: Steps) -> Plan:
        """Return `counts[k]` equal steps from each time k to the next."""
        sizes = np.repeat(np.diff(times) / counts, counts)
        ends = np.cumsum(counts)
        within = np.arange(sizes.size) - np.repeat(ends - counts, counts)
        record = np.full(sizes.size, -1)
        record[ends - 1] = np.arange(1, times.size)
        return cls(np.repeat(times[:-1], counts) + within * sizes, sizes, record)

    @property
    def count(self) -> int:
        """Number of steps."""
        return self.sizes.size

    def joined(self) -> Plan:
        """Return the plan of half as many steps, for the normals of `joined`."""
        return Plan(self.starts[::2].copy(), 2.0 * self.sizes[::2], self.record[1::2].copy())


Blocks = Iterator[tuple[int, NDArray[np.float32]]]


def noise_blocks(key: np.uint64, width: int, count: int) -> Blocks:
    """Yield (first step, its and the next steps' normals): `width` numbers for each of `count`
    steps, an even number of steps at a time, in memory that the next block takes over."""
    fill = random.kernels().fill_normals
    each = 2 * max(_BUFFER // (2 * width), 1)
    buffer = np.empty(random.padded(min(each, count) * width), dtype=np.float32)
    for group, first in enumerate(range(0, count, each)):
        size = min(each, count - first) * width
        fill(key, np.uint64(group), STREAM, buffer[: random.padded(size)])
        yield first, buffer[:size].reshape(-1, width)


def joined(blocks: Blocks) -> Blocks:
    """Yield the normals of the same Brownian path in steps twice as long."""
    for first, normals in blocks:
        yield first // 2, (normals[::2] + normals[1::2]) * np.float32(0.5**0.5)
