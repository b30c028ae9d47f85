r"""SGD itself, :math:`w^+=w-\frac\eta B\sum_im_iH_iw`, many runs at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....solvers.core import random
from ....solvers.core.curve import Curve
from ....solvers.core.runner import Crew
from ....solvers.core.runs import Run, ensemble, whole_or_partial
from ....solvers.sgd_stability.moments import Moments
from ....solvers.sgd_stability.solve import LARGEST, NEAR, provenance
from ....solvers.sgd_stability.stability import constant
from ....theory.core.checks import ensemble_size
from ....theory.core.time_grid import whole_steps
from ....theory.core.warn import warn
from ....theory.methods.base import Method
from ....theory.methods.sampling import draw_masks
from ....theory.sgd_stability.derive import derive, drawn
from ....theory.sgd_stability.problem import InterpolatingMinimum

Array = NDArray[np.float64]
#: runs that step together, with one stream
TOGETHER = 1000


def simulate(
    problem: InterpolatingMinimum,
    method: Method,
    until: float | None = None,
    *,
    times: Any = None,
    points: int = 101,
    runs: int = 1000,
    seed: int | np.random.SeedSequence | None = None,
    workers: int | None = None,
    executor: Any = None,
    progress: bool | None = None,
) -> Curve:
    """Run SGD at an interpolating minimum.

    Parameters
    ----------
    problem : InterpolatingMinimum
    method : GradientDescent or SGD
    until : float, optional
        Number of steps.
    times, points : array_like, int
        Steps to record, or how many equal ones from 0.
    runs : int
        Block k of 1000 runs draws from (entropy, spawn_key + (k,)).
    seed, workers, executor, progress
        As in `solve`.

    Returns
    -------
    Curve
        "loss" = wᵀHw/2 and "mean_square" = |w|² of the components that move, of every run.
        ``provenance["diverged"]`` tells the runs that exceeded 1e280.

    Warns
    -----
    ValidityWarning
        The spread of |w|² over the runs at the end is so wide that a mean over `runs` misses it.
    """
    batches, rate = drawn(method, problem.data), constant(method)
    steps, runs = whole_steps(until, times, points), ensemble_size("runs", runs)
    sequence = random.seed_sequence(seed)
    moments = Moments(problem, batches, derive(problem, method).functions)
    blocks = -(-runs // TOGETHER)

    def block(k: int) -> list[Run]:
        size = min(TOGETHER, runs - k * TOGETHER)
        rng = np.random.Generator(np.random.Philox(random.child(sequence, k)))
        return _together(moments, rate, steps, size, rng)

    said = provenance(problem, method, "simulate", moments, rate)

    def curve(found: list[list[Run]]) -> Curve:
        every = [run for part in found for run in part]
        squares = np.array([values[1] for values, _ in every])
        return ensemble(
            steps.astype(float),
            ("loss", "mean_square"),
            every,
            f"{method.label}, n = {problem.data}",
            said | {"runs": len(every)} | _trust(squares),
            steps=steps,
            kind="simulation",
        )

    return whole_or_partial(lambda: Crew(workers, executor, progress).each(block, blocks), curve)


def _trust(squares: Array) -> dict[str, Any]:
    """Warn where a few runs carry the mean; standard errors mean nothing there."""
    last = squares[:, -1]
    if len(last) < 20 or not np.all(np.isfinite(last)) or last.mean() == 0:
        return {}
    share = float(np.sort(last)[-max(1, len(last) // 100) :].sum() / last.sum())
    if share < NEAR:
        return {}
    warn(f"one run in 100 carries {share:.0%} of the mean |w|²; end earlier, or look at quantiles")
    return {"near_instability": True}


def _together(
    moments: Moments, rate: float, steps: NDArray[np.int64], size: int, rng: np.random.Generator
) -> list[Run]:
    """Runs that step together, a row each."""
    start = moments.problem.eigenvectors.T @ moments.problem.start
    w = np.tile(start, (size, 1))
    found, lost = np.full((size, 2, steps.size), np.nan), np.full(size, -1)
    place = 0
    for t in range(int(steps[-1]) + 1):
        with np.errstate(over="ignore", invalid="ignore"):
            squares = np.sum(w**2, axis=1)
        gone = (lost < 0) & ~(squares <= LARGEST)
        lost[gone] = t
        w[gone] = np.nan
        if t == steps[place]:
            alive = lost < 0
            found[alive, 1, place] = squares[alive]
            found[alive, 0, place] = (w[alive] ** 2) @ moments.pulls / 2
            place += 1
        w = moments.run(w, draw_masks(moments.drawn, size, rng), rate)
    return [
        (values, None if step < 0 else int(step)) for values, step in zip(found, lost, strict=True)
    ]
