"""Second-order regression at finite D and P: many runs of the algorithm itself."""

from __future__ import annotations

from concurrent.futures import Executor
from functools import partial
from typing import Any

import numpy as np

from ....solvers.core import random
from ....solvers.core.curve import Curve
from ....solvers.core.runner import Crew
from ....solvers.core.runs import Run, ensemble, whole_or_partial
from ....solvers.second_order.algorithm import Machine, choose_engine
from ....solvers.second_order.arguments import Request, Seed, given_masks
from ....solvers.second_order.drawn import given_tensor
from ....solvers.second_order.motion import names_of
from ....theory.core.checks import ensemble_size
from ....theory.core.errors import InvalidInput
from ....theory.core.time_grid import whole_steps
from ....theory.methods.base import Method
from ....theory.schedules.schedule import check_schedules
from ....theory.second_order.problem import QuadraticRegression


def simulate(
    problem: QuadraticRegression,
    method: Method,
    until: float | None = None,
    *,
    times: Any = None,
    points: int = 101,
    runs: int = 64,
    seed: Seed = None,
    engine: str | None = None,
    tensor: Any = None,
    masks: Any = None,
    redraw: bool = False,
    spectrum: bool = False,
    workers: int | None = None,
    executor: Executor | None = None,
    progress: bool | None = None,
) -> Curve:
    """Run (S)GD on second-order regression, each run with its own curvature and batches.

    Parameters
    ----------
    problem : QuadraticRegression
    method : GradientDescent or SGD
        Without momentum.
    until : float, optional
        Number of steps; may be left out where `times` is given.
    times, points : array_like, int
        Steps to record, or how many equal ones from 0.
    runs : int
        Run k draws from (entropy, spawn_key + (k,)), whatever else runs.
    seed : int, SeedSequence or None
    engine : {"dense", "lazy"}, optional
        "dense": all of Q, 8DP² bytes. "lazy": only what is visited, 4DP bytes a step. By default
        the one that takes less memory.
    tensor : (D, P, P) array_like, optional
        This Q in every run, instead of a random one; symmetric.
    masks : (steps, D) array_like, optional
        These batches in every run, instead of sampled ones.
    redraw : bool
        Draw G and z₀ anew in every run, where the problem draws both.
    spectrum : bool
        Record every eigenvalue of JJᵀ/D, falling: "eigenvalue_1" (the sharpness) …
        "eigenvalue_D".
    workers, executor, progress
        Threads, or an executor of concurrent.futures in their place; neither changes a bit of the
        result.

    Returns
    -------
    Curve
        "loss", "sharpness" = λ_max(JJᵀ)/D, "overlap" = u₁ᵀJ_tv₁ with the top mode of the start,
        and "isotropic" = κ|θ|²/D, the part of the sharpness that all directions share, with every
        run. The overlap is *not* the top singular value, which level repulsion moves too. A run
        that diverged is NaN from there on, so is the mean, and ``provenance["diverged"]`` tells
        the steps.

    Raises
    ------
    InvalidInput, NotAvailable
        Bad input; momentum; a curvature above 4 GiB; the lazy engine for a given tensor.
    """
    ask = Request.of(problem, method, seed)
    if redraw and not problem.is_random:
        raise InvalidInput("redraw", redraw, "jacobian and residual are given; leave them out")
    record = whole_steps(until, times, points)
    check_schedules(method, float(record[-1]))
    steps = int(record[-1])
    machine = Machine(
        problem,
        ask.batches,
        ask.prefactors(steps),
        record,
        choose_engine(engine, problem, steps) if tensor is None else _dense(engine),
        None if tensor is None else given_tensor(tensor, problem),
        None if masks is None else given_masks(masks, steps, problem.data),
        redraw,
        spectrum,
    )
    crew = Crew(workers, executor, progress, single=True)
    return _curve(ask, machine, ensemble_size("runs", runs), crew)


def _numbered(machine: Machine, parent: np.random.SeedSequence, number: int) -> Run:
    """Run `number` of an ensemble."""
    return machine.run(random.child(parent, number))


def _curve(ask: Request, machine: Machine, runs: int, crew: Crew) -> Curve:
    def curve(found: list[Run]) -> Curve:
        return ensemble(
            machine.record.astype(float),
            names_of(ask.problem.data, machine.spectrum),
            found,
            f"{ask.method.label}, D = {ask.problem.data}, P = {ask.problem.parameters}",
            ask.provenance("simulate", engine=machine.engine, redraw=machine.redraw),
            steps=machine.record,
            kind="simulation",
        )

    work = partial(_numbered, machine, ask.sequence)
    return whole_or_partial(lambda: crew.each(work, runs), curve)


def _dense(engine: str | None) -> str:
    """The engine of a given tensor."""
    if engine not in (None, "dense"):
        raise InvalidInput("engine", engine, "a given tensor is dense; leave engine out")
    return "dense"
