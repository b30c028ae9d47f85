r"""Gradient descent with a tuned step, in the coordinates of the loss: nothing is eliminated.

With noise the loss of a batch is tilted, :math:`L_B(w)=L(w)+\frac{\nu}{\sqrt B}\,\xi\cdot w`, by a
fresh standard normal ξ at every step; the tuner sees this loss and its gradient.
"""

from __future__ import annotations

from concurrent.futures import Executor
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....solvers.core import random
from ....solvers.core.curve import Curve
from ....solvers.core.runner import Crew
from ....solvers.core.runs import Run, ensemble, whole_or_partial
from ....solvers.second_order.drawn import Drawn
from ....solvers.second_order.form import curve_of, in_parameters
from ....solvers.tuners import regression
from ....solvers.tuners.follow import follow
from ....solvers.tuners.solve import provenance
from ....theory.core.checks import ensemble_size
from ....theory.core.errors import NotAvailable
from ....theory.core.time_grid import whole_steps
from ....theory.methods.base import Method
from ....theory.second_order.problem import QuadraticRegression
from ....theory.tuners.derive import check
from ....theory.tuners.maps import full_pair, toy_map
from ....theory.tuners.problem import SharpnessToy, TwoCurvatures
from ....theory.tuners.regression import descent

Array = NDArray[np.float64]
_TOY = ("loss", "sharpness", "step", "edge", "x", "gradient")
_PAIR = ("loss", "sharpness", "step", "edge", "x_1", "x_2", "gradient")


def simulate(
    problem: SharpnessToy | TwoCurvatures | QuadraticRegression,
    method: Method,
    until: float | None = None,
    *,
    times: Any = None,
    points: int = 101,
    runs: int | None = None,
    seed: int | np.random.SeedSequence | None = None,
    tensor: Any = None,
    masks: Any = None,
    workers: int | None = None,
    executor: Executor | None = None,
    progress: bool | None = None,
) -> Curve:
    """Run gradient descent with a tuned step.

    Parameters
    ----------
    problem : SharpnessToy, TwoCurvatures or QuadraticRegression
    method : GradientDescent, CDAT, Armijo, Polyak, OnEdge or another Tuner
        With noise, ``batch`` samples a step; on QuadraticRegression ``batch`` examples, whose
        loss is what the tuner sees.
    until : float, optional
        Number of steps.
    times, points : array_like, int
        Steps to record, or how many equal ones from 0.
    runs, seed, workers, executor, progress
        For a problem with noise, or QuadraticRegression: how many runs (64), and their streams;
        run k draws from (entropy, spawn_key + (k,)). On a toy without noise nothing is random, and
        there is one run, whatever is asked.
    tensor : (D, P, P) array_like, optional
        This Q in every run of QuadraticRegression, instead of a random one; symmetric.
    masks : (steps, D) array_like, optional
        These batches in every run, instead of sampled ones.

    Returns
    -------
    Curve
        As from ``solve(limit="map")``; on two curvatures "x_1" and "x_2". A run that is lost is NaN
        from there on; ``provenance["states"]`` tells how each ended.
    """
    steps = whole_steps(until, times, points)
    if isinstance(problem, QuadraticRegression):
        crew = Crew(workers, executor, progress, single=True)
        return _regression(problem, method, steps, runs, seed, tensor, masks, crew)
    for name, value in (("tensor", tensor), ("masks", masks)):
        if value is not None:
            remedy = f"a {type(problem).__name__} does not take it; leave it out"
            raise NotAvailable(name, value, remedy)
    check(problem, method)
    noisy = getattr(problem, "noise", 0.0) > 0
    sequence = random.seed_sequence(seed)
    wanted = ensemble_size("runs", 64 if runs is None else runs)
    work = partial(_one, problem, method, steps, sequence if noisy else None)
    crew = Crew(workers, executor, progress)
    said = provenance(problem, method, "simulate")

    def curve(found: list[tuple[Run, str]]) -> Curve:
        told = said | {"runs": len(found), "states": [state for _, state in found]}
        return ensemble(
            steps.astype(float),
            _names(problem),
            [run for run, _ in found],
            f"{method.label}, runs",
            told if noisy else told | {"deterministic": True},
            steps=steps,
            kind="simulation",
        )

    return whole_or_partial(lambda: crew.each(work, wanted if noisy else 1), curve)


def _regression(
    problem: QuadraticRegression,
    method: Method,
    steps: NDArray[np.int64],
    runs: int | None,
    seed: Any,
    tensor: Any,
    masks: Any,
    crew: Crew,
) -> Curve:
    """The algorithm in θ, each run with its own curvature and batches."""
    task = Drawn.of(problem, method, steps, seed, tensor, masks)
    if masks is not None and task.batches.full:
        raise NotAvailable("masks", masks, "the method sees all of the data; give it a batch")
    form = in_parameters(descent(method, task.batched))
    wanted = ensemble_size("runs", 64 if runs is None else runs)
    work = partial(regression.run, task, form)

    def curve(found: list[Any]) -> Curve:
        return curve_of(task, regression.QUANTITIES, found, source="simulate")

    return whole_or_partial(lambda: crew.each(work, wanted), curve)


def _names(problem: Any) -> tuple[str, ...]:
    return _PAIR if isinstance(problem, TwoCurvatures) else _TOY


def _one(
    problem: Any,
    method: Any,
    steps: NDArray[np.int64],
    sequence: np.random.SeedSequence | None,
    number: int,
) -> tuple[Run, str]:
    """One run and how it ended."""
    if isinstance(problem, TwoCurvatures):
        system = full_pair(method)
    else:
        bounded, noisy = problem.bounded is not None, sequence is not None
        system = toy_map(method, bounded, noisy, False, problem.per_step)
    noise = None
    if sequence is not None:
        noise = _noise(problem, method, random.child(sequence, number), steps[-1])
    motion = follow(system, problem, method, steps, closed=False, noise=noise)
    return (np.array([motion.values[n] for n in _names(problem)]), motion.lost), motion.state


def _noise(problem: Any, method: Any, sequence: np.random.SeedSequence, steps: int) -> Array:
    """Slopes of the tilts, (steps + 1, coordinates)."""
    normals = np.random.Generator(np.random.Philox(sequence)).standard_normal(
        (steps + 1, 2 + len(problem.bulk))
    )
    return normals * (problem.noise / np.sqrt(method.batch or 1))
