"""The limiting SDE: an ensemble of paths, each from its own random stream.

Path k is driven by SeedSequence(entropy, spawn_key + (k,)), so that the ensemble does not depend
on the number of threads, and a larger ensemble begins with a smaller one.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..theory.errors import InvalidInput, InvalidType, SolveFailed
from .coefficients import NO_TABLE, Coefficients
from .compile import load, writable

Array = NDArray[np.float64]
Seed = int | np.random.SeedSequence | None

#: without `step`, the risk of the ODE changes by about this fraction in one step …
RELATIVE_CHANGE = 0.02
#: … a step is at most this fraction of the horizon, …
LARGEST_STEP = 1 / 200
#: … and, for the exact diffusion, shorter than this fraction of the fastest relaxation time
FASTEST = 0.25


@dataclass(frozen=True, eq=False)
class SdeModes:
    """Modes of the SDE.

    Parameters
    ----------
    energies, rates, sources : (m,) arrays
        y_j(0), λ_j, c_j.
    counts : (m,) array
        Number of coordinates n_j behind each mode.
    dimension : float
        Ambient dimension d.
    """

    energies: Array
    rates: Array
    sources: Array
    counts: Array
    dimension: float


def root_of(seed: Seed) -> np.random.SeedSequence:
    """Return the root of an ensemble's random streams; the caller's object is not changed."""
    if isinstance(seed, np.random.SeedSequence):
        return seed
    if seed is None:
        return np.random.SeedSequence()
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise InvalidType("seed", seed, "give an int >= 0, a numpy SeedSequence or None")
    if seed < 0:
        raise InvalidInput("seed", seed, "give an int >= 0")
    return np.random.SeedSequence(int(seed))


def stream(root: np.random.SeedSequence, path: int) -> np.random.Generator:
    """Return the random stream of one path."""
    key = (*root.spawn_key, path)
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(root.entropy, spawn_key=key)))


def substeps(
    times: Array, risk: Array, step: float | None, fastest: float = 0.0
) -> NDArray[np.int64]:
    """Return the number of steps between consecutive output times.

    Parameters
    ----------
    times, risk : (T,) arrays
        The risk ODE's solution.
    step : float or None
        Largest step; None chooses by the three constants of this module.
    fastest : float
        Largest relaxation rate A λ/2 met on the way (0: no limit from it).
    """
    gaps = np.diff(times)
    if step is not None:
        return np.maximum(np.ceil(gaps / step * (1 - 1e-12)), 1).astype(np.int64)
    change = np.abs(np.diff(np.log(np.maximum(risk, 1e-300))))
    needed = np.maximum(change / RELATIVE_CHANGE, gaps / (times[-1] * LARGEST_STEP))
    return np.maximum(np.ceil(np.maximum(needed, gaps * fastest / FASTEST)), 1).astype(np.int64)


def each(
    work: Callable[[int], Any], count: int, workers: int | None, progress: bool | None
) -> list[Any]:
    """Return [work(0), …, work(count − 1)], computed in threads, in this order."""
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        results: Iterable[Any] = pool.map(work, range(count))
        if progress is not False:
            from tqdm import tqdm

            results = tqdm(
                results, total=count, desc="paths", disable=None if progress is None else False
            )
        return list(results)


def diagonal_paths(
    coefficients: Coefficients,
    modes: SdeModes,
    times: Array,
    steps: NDArray[np.int64],
    *,
    paths: int,
    seed: Seed = None,
    exact: bool = False,
    workers: int | None = None,
    progress: bool | None = False,
    table: Array = NO_TABLE,
    factors: tuple[float, float] = (1.0, 1.0),
) -> Array:
    """Return the risk of every path, (paths, T), for modes whose noises are independent.

    Parameters
    ----------
    coefficients : Coefficients
    modes : SdeModes
    times : (T,) array
    steps : (T − 1,) int array
        `substeps`.
    paths : int
    seed : int, SeedSequence or None
    exact : bool
        Take the squared one-step mean out of the covariance.
    workers : int or None
        Threads; the result does not depend on it.

    Raises
    ------
    SolveFailed
        A path left the finite numbers.
    """
    module = load(coefficients.source, "sde")
    arrays = (modes.energies, modes.rates, modes.sources, modes.counts)
    prepared = tuple(writable(array) for array in arrays)
    tail = (float(modes.dimension), exact, writable(times), steps)
    numbers = (coefficients.law, table, np.array(factors, dtype=float))
    root = root_of(seed)

    def one(k: int) -> Array:
        return module.path(stream(root, k), *prepared, *tail, *numbers)

    return check_finite(np.array(each(one, paths, workers, progress)), times, steps)


def check_finite(risk: Array, times: Array, steps: NDArray[np.int64]) -> Array:
    """Return the paths, or say where the first of them left the finite numbers."""
    broken = ~np.all(np.isfinite(risk), axis=0)
    if not broken.any():
        return risk
    k = max(int(np.argmax(broken)), 1)
    step = float((times[k] - times[k - 1]) / steps[k - 1])
    state = float(np.nanmax(np.where(np.isfinite(risk[:, k - 1]), risk[:, k - 1], -math.inf)))
    raise SolveFailed("a path of the SDE is not finite", float(times[k]), step, state)
