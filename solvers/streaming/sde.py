"""The limiting SDE: an ensemble of paths, each from its own random stream.

Path k is driven by the key (entropy, spawn_key + (k,)), so that the ensemble does not depend on
the number of threads, and a larger or longer ensemble begins with a smaller one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...theory.core.errors import SolveFailed
from ..core import random
from ..core.compile import load, writable
from ..core.runner import Crew
from .coefficients import Coefficients
from .compress import Spectrum
from .noise_table import NO_TABLES
from .sde_steps import Plan, joined, noise_blocks

Array = NDArray[np.float64]
Seed = int | np.random.SeedSequence | None

#: paths that one thread does at a time; a dense covariance advances them together, so that it is
#: part of the definition of the ensemble's rounding, and not a knob
BLOCK = 32
#: paths that are done again in steps twice as long, to measure the error of the step
CHECKED = 16
#: the diffusion of the papers: that of du_i = … + √v dW_i, with v = 2 B q_i/(λ_i d)
PUBLISHED = """
@scalar
def noise_diagonal(R, t, p, weights, means, scales):
    return 4.0 * source(R, t, p, weights, means, scales)


@scalar
def noise_pair(R, t, p, weights, means, scales):
    return 0.0


@scalar
def noise_cross(R, t, p, weights, means, scales):
    return 0.0


@scalar
def noise_source(R, t, p, weights, means, scales):
    return 0.0
"""


@dataclass(frozen=True, eq=False)
class EnergySde:
    """The SDE of the mode energies with its numbers.

    Parameters
    ----------
    coefficients : Coefficients
        Their source holds the four parts of the noise too (`PUBLISHED` for the papers' SDE).
    spectrum : Spectrum
        λ_j, y_j(0) and c_j.
    dimension : float
        d, the inverse of the variances' scale.
    vector : bool
        The SDE is that of a vector: part E of its covariance adds E λ² y/(4d) to the drift.
    tables : tuple of arrays
        `Coefficients.table` and `noise_table`.
    factors : (float, float)
        Factors on A, and on B and the diagonal noise.
    """

    coefficients: Coefficients
    spectrum: Spectrum
    dimension: float
    vector: bool = False
    tables: tuple[Array, Array] = NO_TABLES
    factors: tuple[float, float] = (1.0, 1.0)

    @cached_property
    def _modes(self) -> tuple[Array, Array, float, float, float]:
        rates, sources = writable(self.spectrum.rates), writable(self.spectrum.sources)
        own = 0.25 if self.vector else 0.0
        return rates, sources, float(sources.sum()), float(self.dimension), own

    @cached_property
    def _advance(self) -> Callable[..., None]:
        return load(self.coefficients.source, "streaming/sde").advance

    def walk(self, plan: Plan, blocks: Iterable[tuple[int, NDArray[np.float32]]]) -> Array:
        """Return the risk of one path at the outputs of a plan.

        Parameters
        ----------
        plan : Plan
        blocks : iterable of (int, (n, m + 1) float32 array)
            First step of a block and its normals: one a mode, and one for the source.
        """
        y = writable(self.spectrum.energies)
        numbers = (self.coefficients.law, self.tables, np.array(self.factors, dtype=float))
        work = (np.empty(y.size), np.empty(y.size))
        risks = np.full(1 + plan.record.max(), y.sum())
        steps = (plan.starts, plan.sizes, plan.record)
        for first, normals in blocks:
            self._advance(y, self._modes, *steps, normals, first, risks, *numbers, work)
        return risks


def energy_paths(
    sde: EnergySde,
    times: Array,
    counts: NDArray[np.int64],
    *,
    paths: int,
    seed: Seed = None,
    coarse: bool = False,
    workers: int | None = None,
    progress: bool | None = False,
) -> Array:
    """Return the risk of every path, (paths, T).

    Parameters
    ----------
    sde : EnergySde
    times : (T,) array
    counts : (T − 1,) int array
        `sde_steps.substeps`.
    paths : int
    seed : int, SeedSequence or None
    coarse : bool
        Walk the same noise in steps twice as long.
    workers : int or None
        Threads; the result does not depend on it.

    Raises
    ------
    SolveFailed
        A path left the finite numbers.
    """
    plan, root = Plan.of(times, counts), random.seed_sequence(seed)

    width, walked = sde.spectrum.count + 1, plan.joined() if coarse else plan

    def one(k: int) -> Array:
        blocks = noise_blocks(random.key(random.child(root, k)), width, plan.count)
        return sde.walk(walked, joined(blocks) if coarse else blocks)

    def some(chosen: range) -> Array:
        return np.array([one(k) for k in chosen])

    return check_finite(in_blocks(some, paths, workers, progress), times, counts)


def in_blocks(
    walk: Callable[[range], Array], paths: int, workers: int | None, progress: bool | None
) -> Array:
    """Return the rows of walk(range) over all blocks of `BLOCK` paths, computed in threads."""
    chosen = [range(k, min(k + BLOCK, paths)) for k in range(0, paths, BLOCK)]
    crew = Crew(workers, None, progress, "SDE", f" × {BLOCK} paths", single=True)
    return np.concatenate(crew.each(lambda k: walk(chosen[k]), len(chosen)))


def check_finite(risk: Array, times: Array, counts: NDArray[np.int64]) -> Array:
    """Return the paths, or say where the first of them left the finite numbers."""
    broken = ~np.all(np.isfinite(risk), axis=0)
    if not broken.any():
        return risk
    k = max(int(np.argmax(broken)), 1)
    step = float((times[k] - times[k - 1]) / counts[k - 1])
    state = float(np.nanmax(np.where(np.isfinite(risk[:, k - 1]), risk[:, k - 1], -math.inf)))
    raise SolveFailed("a path of the SDE is not finite", float(times[k]), step, state)


def step_errors(fine: Array, coarse: Array) -> dict[str, Array]:
    """Return what doubling the step does to mean and spread of a few paths on the same noise,
    relative to the mean: for a scheme of order one, the error that the step leaves."""
    fine = fine[: len(coarse)]
    mean = np.maximum(fine.mean(axis=0), 1e-300)
    return {
        "step_error": np.abs(coarse.mean(axis=0) - fine.mean(axis=0)) / mean,
        "step_error_spread": np.abs(coarse.std(axis=0) - fine.std(axis=0)) / mean,
    }
