"""An ensemble of paths of the limiting SDE of a stream with memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core import random
from ..core.compile import load, writable
from ..streaming.fluctuations import DIFFUSIONS
from ..streaming.sde import BLOCK, CHECKED, check_finite, in_blocks
from ..streaming.sde_steps import Plan, joined, noise_blocks, substeps
from .modes import MemoryModes
from .ode import Equations

Array = NDArray[np.float64]
Steps = NDArray[np.int64]

__all__ = ["BLOCK", "CHECKED", "paths_of", "steps_of"]


def steps_of(equations: Equations, modes: MemoryModes, risk: Array, step: float | None) -> Steps:
    """Return how many steps are taken between the output times of `equations`."""
    shortest = 0.0
    return substeps(
        equations.times, risk, step, fastest=_fastest(equations, modes, risk), shortest=shortest
    )


def _fastest(equations: Equations, modes: MemoryModes, risk: Array) -> float:
    """The largest rate at which a mode's states move at given A, over output times."""
    kernels = load(equations.coefficients.source, "memory/ode")
    kinds = len(equations.system.moments)
    matrices = np.zeros((kinds, kinds)), np.zeros((kinds, kinds)), np.zeros(kinds)
    law, found = equations.coefficients.law, 0.0
    for time, value in zip(equations.times, risk, strict=True):
        kernels.matrices_at(float(time), law[0], matrices)
        drift, _ = kernels.coefficients_at(float(value), float(time), law, equations.table)
        sizes = [np.abs(part).sum(axis=1).max() for part in matrices[:2]]
        found = max(found, sizes[0] + 0.5 * drift * float(modes.rates.max()) * sizes[1])
    return 0.5 * found


def paths_of(
    equations: Equations,
    modes: MemoryModes,
    dimension: float,
    counts: Steps,
    *,
    paths: int,
    seed: Any,
    diffusion: str,
    coarse: bool = False,
    workers: int | None = None,
    progress: bool | None = False,
) -> Array:
    """Return the risk and the average's second moment of every path, (paths, T, 2).

    Parameters
    ----------
    counts : (T − 1,) int array
    diffusion : {"exact", "published"}
    coarse : bool
        Walk the same noise in steps twice as long.

    Raises
    ------
    SolveFailed
        A path left the finite numbers.
    """
    plan, sequence = Plan.of(equations.times, counts), random.seed_sequence(seed)
    walked = plan.joined() if coarse else plan
    width = modes.count * len(equations.system.states) + 1
    walk = _walker(equations, modes, dimension, walked, diffusion)

    def one(k: int) -> Array:
        blocks = noise_blocks(random.key(random.child(sequence, k)), width, plan.count)
        return walk(joined(blocks) if coarse else blocks)

    def some(chosen: range) -> Array:
        return np.array([one(k) for k in chosen])

    found = in_blocks(some, paths, workers, progress)
    check_finite(found[:, :, 0], equations.times, counts)
    return found


def _walker(
    equations: Equations, modes: MemoryModes, dimension: float, plan: Plan, diffusion: str
) -> Callable[[Any], Array]:
    """Return the function that walks one path over blocks of normals."""
    system = equations.system
    kernels = load(system.noisy_source, "memory/sde")
    pairs = np.array([pair for _, pair in system.moments], dtype=np.int64)
    count, kinds, m = len(system.states), len(system.moments), modes.count
    place = np.zeros((count, count), dtype=np.int64)
    for k, (a, b) in enumerate(pairs):
        place[a, b] = place[b, a] = k
    numbers = (writable(modes.rates), writable(modes.sources), pairs, place, float(dimension))
    rules = (equations.coefficients.law, equations.table, np.ones(2))
    start, averaged = modes.state, system.averaged or 0
    steps = (plan.starts, plan.sizes, plan.record)
    forgets = int(np.searchsorted(plan.starts, equations.cut - 1e-12)) if equations.cut else -1

    def walk(blocks: Any) -> Array:
        y = writable(start)
        seen = np.empty((1 + int(plan.record.max()), 2))
        seen[0] = start[0].sum(), start[averaged].sum()
        matrices = np.empty((kinds, kinds)), np.empty((kinds, kinds)), np.empty(kinds)
        work = (
            np.empty((kinds, m)),
            np.empty((kinds, m)),
            np.empty((count, m)),
            np.zeros((count, count)),
            np.empty(count),
            matrices,
        )
        rest = (seen, rules, DIFFUSIONS[diffusion], work)
        for first, normals in blocks:
            split = min(max(forgets - first, 0), len(normals)) if forgets >= 0 else 0
            if split:
                kernels.advance(y, numbers, averaged, steps, normals[:split], first, *rest)
            if first <= forgets < first + len(normals):
                y[system.gathered] = 0.0
            tail = normals[split:]
            kernels.advance(y, numbers, averaged, steps, tail, first + split, *rest)
        return seen

    return walk
