r"""The network itself: descent on the population, or SGD on batches of fresh samples.

.. math:: W^+=W-\frac\eta b\sum_{j}e_j\,\nabla_Wf(x_j),\qquad e_j=f(x_j)-y_j
"""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....solvers.core import random
from ....solvers.core.blas import one_thread
from ....solvers.core.curve import Curve
from ....solvers.core.runner import Crew
from ....solvers.core.runs import Run, ensemble, whole_or_partial
from ....solvers.feature_alignment.correlations import CORRELATIONS
from ....solvers.feature_alignment.field import Field
from ....solvers.feature_alignment.observe import NAMES, observed, provenance, snapshot
from ....solvers.feature_alignment.roads import descend
from ....theory.core.checks import choice, ensemble_size
from ....theory.core.time_grid import time_grid
from ....theory.feature_alignment.derive import check, derive
from ....theory.feature_alignment.problem import QuadraticNetwork
from ....theory.methods.base import Method
from ....theory.methods.sgd import SGD

Array = NDArray[np.float64]
#: a weight beyond which a run has diverged
_LARGEST = 1e100


def simulate(
    problem: QuadraticNetwork,
    method: Method,
    until: float | None = None,
    *,
    times: Any = None,
    points: int = 101,
    runs: int = 64,
    seed: int | np.random.SeedSequence | None = None,
    correlation: str = "cosine",
    workers: int | None = None,
    executor: Executor | None = None,
    progress: bool | None = None,
) -> Curve:
    """Train a quadratic network from its W₀ and a.

    Parameters
    ----------
    problem : QuadraticNetwork
    method : GradientDescent, SGD or SpeedLimited
        SGD draws `batch` fresh samples a step; the other two descend on the population.
    until : float, optional
        Last time, t = rate · steps.
    times, points : array_like, int
        Times to record, rounded to whole steps, or how many equal ones from 0.
    runs, seed, workers, executor, progress
        For SGD; run k draws from (entropy, spawn_key + (k,)). Without it nothing is random and
        there is one run, whatever is asked.
    correlation : {"cosine", "pearson"}

    Returns
    -------
    Curve
        "loss" of the population, "alignment", "centred_alignment" and "displacement".
    """
    check(problem, method)
    choice("correlation", correlation, CORRELATIONS)
    runs = ensemble_size("runs", runs)
    field = Field(problem, derive(problem, method).functions)
    time, rate = time_grid(until, times, points), float(method.rate)
    steps = np.unique(np.rint(time / rate).astype(np.int64))
    said = provenance(problem, method, "simulate") | {"correlation": correlation}

    def curve(found: list[Run]) -> Curve:
        return ensemble(
            np.asarray(steps * rate, dtype=np.float64),
            NAMES,
            found,
            f"{method.label}, d = {problem.dimension}",
            said | {"runs": len(found)} | ({} if drawn else {"deterministic": True}),
            steps=steps,
            kind="simulation",
        )

    drawn = isinstance(method, SGD)
    if not drawn:
        values, _ = observed(field, descend(field, method, time), correlation, False)
        return curve([(np.array([values[name] for name in NAMES]), None)])
    sequence = random.seed_sequence(seed)

    def work(k: int) -> Run:
        rng = np.random.Generator(np.random.Philox(random.child(sequence, k)))
        with one_thread():
            return _one(field, method, steps, correlation, rng)

    return whole_or_partial(lambda: Crew(workers, executor, progress).each(work, runs), curve)


def _one(
    field: Field,
    method: Any,
    steps: NDArray[np.int64],
    correlation: str,
    rng: np.random.Generator,
) -> Run:
    """One run of SGD, and the step by which it had diverged."""
    problem = field.problem
    W, a, rate = problem.weights, problem.readouts, float(method.rate)
    found, done = np.full((len(NAMES), steps.size), np.nan), 0
    for place, step in enumerate(steps):
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(int(step) - done):
                W, a = _step(problem, field.inputs, W, a, rate, method.batch, rng)
        done = int(step)
        if not float(np.abs(W).max()) <= _LARGEST:
            return found, done
        found[:, place] = snapshot(field, W, a, correlation)
    return found, None


def _step(
    problem: Any,
    S: Array,
    W: Array,
    a: Array,
    rate: float,
    batch: int,
    rng: np.random.Generator,
) -> tuple[Array, Array]:
    """Forward and backward through one batch."""
    x, y = problem.sample(rng, batch)
    hidden = x @ W.T
    means = np.einsum("kd,kd->k", W @ S, W) / 2 if problem.centred else np.zeros_like(a)
    units = hidden**2 / 2 - means
    error = units @ a - y
    slope = (a * hidden * error[:, None]).T @ x / batch
    if problem.centred:
        slope = slope - error.mean() * a[:, None] * (W @ S)
    moved = a - rate * (error @ units) / batch if problem.train_readout else a
    return W - rate * slope, moved
