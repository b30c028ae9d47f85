r"""SAM itself: gradients at θ and at θ + ρ∇, on second-order regression and on two eigenvalues.

.. math:: \theta'=\theta-\eta\nabla L(\theta+\rho\nabla L(\theta))

with the model evaluated at both points; nothing is eliminated. For the two-eigenvalue model the
motion of (z, J₁, J₂) is followed, exactly.
"""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....solvers.core import random
from ....solvers.core.curve import Curve
from ....solvers.core.runner import Crew
from ....solvers.core.runs import ensemble
from ....solvers.sam import two_eigenvalues
from ....solvers.sam.regression import Task
from ....solvers.sam.regression import runs as followed
from ....solvers.second_order.form import in_parameters
from ....theory.core.checks import array, ensemble_size
from ....theory.core.errors import InvalidInput, NotAvailable
from ....theory.core.time_grid import whole_steps
from ....theory.methods.sam import SAM
from ....theory.sam import regression as lowered
from ....theory.sam import two_eigenvalues as derived
from ....theory.second_order.problem import QuadraticRegression
from ....theory.two_eigenvalues.problem import TwoEigenvalueModel

Array = NDArray[np.float64]


def simulate(
    problem: QuadraticRegression | TwoEigenvalueModel,
    method: SAM,
    until: float | None = None,
    *,
    times: Any = None,
    points: int = 101,
    runs: int | None = None,
    seed: Any = None,
    tensor: Any = None,
    masks: Any = None,
    starts: Any = None,
    workers: int | None = None,
    executor: Executor | None = None,
    progress: bool | None = None,
) -> Curve:
    """Run SAM, each run with its own curvature and batches.

    Parameters
    ----------
    problem : QuadraticRegression or TwoEigenvalueModel
    method : SAM
    until : float, optional
        Number of steps; may be left out where `times` is given, and on the two-eigenvalue model,
        where the first run is then followed until its motion has ended.
    times, points : array_like, int
        Steps to record, or how many equal ones from 0.
    runs : int, optional
        Of QuadraticRegression, 64 by default; run k draws from (entropy, spawn_key + (k,)). Nothing
        is drawn on a TwoEigenvalueModel, which has one run for each of its starts.
    seed : int, SeedSequence or None
    tensor : (D, P, P) array_like, optional
        This Q in every run, instead of a random one; symmetric.
    masks : (steps, D) array_like, optional
        These batches in every run, instead of sampled ones.
    starts : (runs, 2) array_like, optional
        (z, T) of each run of a TwoEigenvalueModel, with the problem's ε and E.
    workers, executor, progress
        Threads change no bit of the result.

    Returns
    -------
    Curve
        As from ``solve``, with every run, and ``provenance["states"]``, how each ended.

    Raises
    ------
    InvalidInput, NotAvailable
        Bad input; an option that the problem does not have.
    """
    if isinstance(problem, TwoEigenvalueModel):
        _leave_out(problem, tensor=tensor, masks=masks)
        random.seed_sequence(seed)
        if runs is not None:
            ensemble_size("runs", runs)
        return _two_eigenvalues(problem, method, until, starts, times, points)
    _leave_out(problem, starts=starts)
    task = Task.of(problem, method, whole_steps(until, times, points), seed, tensor, masks)
    number = 64 if runs is None else ensemble_size("runs", runs)
    form = in_parameters(lowered.descent(task.batched, method.normalised))
    crew = Crew(workers, executor, progress, single=True)
    return followed(task, form, number, crew, source="simulate")


def _two_eigenvalues(
    problem: Any, method: Any, until: Any, starts: Any, times: Any, points: int
) -> Curve:
    rate = two_eigenvalues.unit_rate(method)
    system = derived.full_map(method.normalised)
    numbers = (problem.epsilon, two_eigenvalues.reach(method, rate))
    problems = [problem]
    if starts is not None:
        given = array("starts", starts, 2)
        if given.shape[1] != 2:
            raise InvalidInput("starts", starts, f"has shape {given.shape}; give (z, T) of each")
        problems = [TwoEigenvalueModel(problem.epsilon, problem.invariant, x) for x in given]
    states = [(p.start[0], *np.sqrt(p.squares)) for p in problems]
    steps = two_eigenvalues.steps_of(system, states[0], numbers, until, times, points)
    found = [two_eigenvalues.follow(system, x, numbers, steps, method) for x in states]
    ends = [one[2] for one in found]
    told = two_eigenvalues.described(problem, method, "map") | {"source": "simulate"}
    return ensemble(
        steps.astype(float),
        two_eigenvalues.QUANTITIES,
        [(values, step) for values, step, _ in found],
        f"{method.label}, D = 1",
        told | {"states": ends, "deterministic": True},
        steps=steps,
        kind="simulation",
    )


def _leave_out(problem: Any, **given: Any) -> None:
    for name, value in given.items():
        if value is not None:
            remedy = f"a {type(problem).__name__} does not take it; leave it out"
            raise NotAvailable(name, value, remedy)
