r"""Gradient descent on the two-eigenvalue model itself: (z, J₁, J₂), from one start or many.

.. math:: z'=z+J\cdot d+\tfrac12d^\top Qd,\qquad J'=J+Qd,\qquad d=-zJ,

exactly; nothing is eliminated. Units as in :mod:`limitlab.theory.two_eigenvalues.problem`.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....solvers.core.curve import Curve
from ....solvers.core.runner import Crew
from ....solvers.core.runs import Run, ensemble, whole_or_partial
from ....solvers.stepping.orbit import Rest, orbit
from ....solvers.two_eigenvalues.edge_offset import CEILING, end_of_orbit
from ....solvers.two_eigenvalues.solve import budget, unit_rate
from ....theory.core.checks import array
from ....theory.core.map import Map
from ....theory.core.time_grid import whole_steps
from ....theory.core.version import VERSION
from ....theory.methods.base import Method
from ....theory.two_eigenvalues.derivation import full_map, two_eigenvalue_theory
from ....theory.two_eigenvalues.problem import TwoEigenvalueModel

Array = NDArray[np.float64]


def simulate(
    problem: TwoEigenvalueModel,
    method: Method,
    until: float | None = None,
    *,
    starts: Any = None,
    times: Any = None,
    points: int = 101,
    most: int | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
    progress: bool | None = None,
) -> Curve:
    """Run gradient descent on the two-eigenvalue model; nothing in it is random.

    Parameters
    ----------
    problem : TwoEigenvalueModel
    method : GradientDescent
        With a constant rate.
    until : float, optional
        Number of steps. Left out: until the motion of every run has ended.
    starts : (runs, 2) array_like, optional
        (z, T) of each run, with the problem's ε and E; default: the problem's own start.
    times, points : array_like, int
        Steps to record, or how many equal ones from 0.
    most : int, optional
        Steps after which a run without `until` is given up; 10⁷ by default.
    workers, executor, progress
        Threads, or an executor of concurrent.futures in their place; neither changes a bit of the
        result.

    Returns
    -------
    Curve
        "loss", "sharpness", "z" and "T" as from ``solve``, with every run. A run that diverged is
        NaN from there on, and so is the mean; ``provenance["diverged"]`` tells the steps. Without
        `until`, ``provenance["ends"]`` and ``["states"]`` tell where each run came to rest.

    Raises
    ------
    InvalidInput
        A start that no real Jacobian has; momentum; `most` beside `until`.
    """
    rate, system = unit_rate(method), full_map(two_eigenvalue_theory())
    problems = [problem]
    if starts is not None:
        problems = [replace(problem, start=start) for start in array("starts", starts, 2)]
    most, rests = budget(most, until, times), list[Rest]()
    if until is None and times is None:
        rests = [end_of_orbit(system, _state(p), (p.epsilon,), most) for p in problems]
        until = max(2, *(r.steps for r in rests))
    steps = whole_steps(until, times, points)
    crew = Crew(workers, executor, progress)
    work = partial(_numbered, system, problems, rate, steps)
    ends = {"ends": [r.value for r in rests], "states": [r.state for r in rests]} if rests else {}

    def curve(found: list[Run]) -> Curve:
        return ensemble(
            steps.astype(float),
            ("loss", "sharpness", "z", "T"),
            found,
            f"{method.label}, D = 1",
            _provenance(problem, method, len(found)) | ends,
            steps=steps,
            kind="simulation",
        )

    return whole_or_partial(lambda: crew.each(work, len(problems)), curve)


def _state(problem: Any) -> tuple[float, ...]:
    """z, J₁ and J₂ at the start."""
    return (problem.start[0], *np.sqrt(problem.squares))


def _numbered(
    system: Map, problems: Sequence[Any], rate: float, steps: NDArray[np.int64], number: int
) -> Run:
    """The run of one of the problems."""
    return _run(system, problems[number], rate, steps)


def _run(system: Map, problem: Any, rate: float, steps: NDArray[np.int64]) -> Run:
    found = orbit(system, _state(problem), (problem.epsilon,), steps, ceiling=CEILING)
    z, T = found.values["z"], found.values["T"]
    return np.array([z**2 / (2 * rate**2), T / rate, z, T]), found.lost


def _provenance(problem: Any, method: Any, runs: int) -> dict[str, Any]:
    return {
        "source": "simulate",
        "version": VERSION,
        "problem": {"model": "TwoEigenvalueModel", **asdict(problem)},
        "method": repr(method),
        "time": "steps",
        "runs": runs,
        "deterministic": True,
    }
