r"""solve for TwoEigenvalueModel: the map, its average over two steps, and gradient flow.

The equations are those of :mod:`limitlab.theory.two_eigenvalues.derivation`, in units of
the rate; a curve shows the loss :math:`z^2/(2\,{\rm rate}^2)` and the sharpness T/rate.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ...theory.core.checks import between, count
from ...theory.core.errors import NotAvailable
from ...theory.core.time_grid import whole_steps
from ...theory.core.version import VERSION
from ...theory.core.warn import warn
from ...theory.methods.base import Method
from ...theory.methods.sampling import batches
from ...theory.two_eigenvalues.derivation import closed_map, two_eigenvalue_theory
from ...theory.two_eigenvalues.problem import TwoEigenvalueModel
from ..core.curve import Curve
from ..core.limits import Limit, Limits, Option, own_options
from ..stepping.orbit import Rest, orbit
from .edge_offset import CEILING, MOST_STEPS, end_of, predictions, unfinished, unpredicted
from .flow import Motion, averaged, flow

#: rates between which losses, their derivatives, and squares of these are floats
SMALLEST, LARGEST = 1e-50, 1e50
LABELS = {"map": "two-variable map", "averaged": "average over two steps", "flow": "flow"}


def solve(
    problem: TwoEigenvalueModel,
    method: Method,
    until: float | None = None,
    *,
    limit: str = "map",
    times: Any = None,
    points: int = 101,
    system: Any = None,
    **options: Any,
) -> Curve:
    """Solve the two-eigenvalue model.

    Parameters
    ----------
    problem : TwoEigenvalueModel
    method : GradientDescent
        With a constant rate: it only sets the units of loss, sharpness and flow time.
    until : float, optional
        Number of steps; flow time (rate · steps) for "flow". Left out: until the motion has ended,
        that is T averaged over two successive steps stands still.
    limit : str
        One of `LIMITS`.
    times, points : array_like, int
        Output times, or how many equal ones from 0.
    system : Derivation, optional
        Solved instead of the derived one.
    **options
        Those of the limit, see `LIMITS`.

    Returns
    -------
    Curve
        "loss", "sharpness" (the edge is rate · sharpness = 2), "z" and "T" = rate · sharpness.
        ``provenance`` holds "state" ("ended", "budget", "diverged", or "until" where the time was
        given), "end" = the last T (averaged over two steps for "map"; NaN where the orbit
        diverged), and "predicted_end" and "predicted_end_from_start", None where there is none,
        with the reason in "remarks".

    Raises
    ------
    NotAvailable
        A schedule; momentum; another method than gradient descent; `most` beside `until`.
    InvalidInput
        A rate below 1e-50 or above 1e50; "averaged" without `until`
        where the motion has no end: ε <= 0 or E <= −1.

    Warns
    -----
    ValidityWarning
        "averaged" far from the edge; an orbit that diverged, or that did not end in time.
    """
    own = own_options(LIMITS, limit, options)
    rate, most = unit_rate(method), budget(own["most"], until, times)
    grid = None if until is None and times is None else (until, times, points)
    task = Task(problem, system or two_eigenvalue_theory(), rate, grid, points, most)
    motion, last = LIMITS[limit].road(task)
    return _curve(problem, method, limit, motion, last)


@dataclass(frozen=True, eq=False)
class Task:
    """A checked call of `solve`; no grid: until the motion has ended."""

    problem: Any
    theory: Any
    rate: float
    grid: Any
    points: int
    most: int


def unit_rate(method: Any) -> float:
    """The rate of gradient descent as a number: the unit of this model."""
    momentum = batches(method, 1).momentum
    if momentum:
        raise NotAvailable("momentum", momentum, "the model is derived without momentum; use 0")
    if getattr(method.rate, "free_symbols", None):
        raise NotAvailable("rate", method.rate, "the rate is the unit of this model; give a number")
    return between("rate", float(method.rate), SMALLEST, LARGEST)


def budget(most: Any, until: Any, times: Any) -> int:
    """Steps after which a motion without a given time is given up."""
    if most is None:
        return MOST_STEPS
    if until is not None or times is not None:
        raise NotAvailable("most", most, "until or times says when to stop; leave one of them out")
    return count("most", most, 4)


def _map(task: Task) -> tuple[Motion, float]:
    end, grid, problem = Rest(0, float("nan"), "until"), task.grid, task.problem
    if grid is None:
        end = end_of(problem, task.most, task.theory)
        grid = (max(end.steps, 2), None, task.points)
    steps = whole_steps(*grid)
    numbers = (problem.epsilon, problem.invariant)
    found = orbit(closed_map(task.theory), problem.start, numbers, steps, ceiling=CEILING)
    z, T, lost = found.values["z"], found.values["T"], found.lost
    state = end.state if lost is None else "diverged"
    last = end.value if end.state == "ended" else float(T[-1])
    return Motion(steps.astype(float), z, T, state, lost), last


def _averaged(task: Task) -> tuple[Motion, float]:
    return _last(averaged(task.problem, task.theory, task.rate, task.grid, task.points, task.most))


def _flow(task: Task) -> tuple[Motion, float]:
    return _last(flow(task.problem, task.theory, task.rate, task.grid, task.points, task.most))


def _last(motion: Motion) -> tuple[Motion, float]:
    return motion, float(motion.T[-1])


def _curve(problem: Any, method: Any, limit: str, motion: Motion, last: float) -> Curve:
    rate = float(method.rate)
    z, T, why = motion.z, motion.T, unpredicted(problem, motion.state)
    remarks = [why] if why else []
    if motion.state in ("budget", "diverged"):
        remarks.append(unfinished(motion.state, motion.diverged))
        warn(remarks[-1])
    # the flow does not see the edge
    offsets = (None, None) if limit == "flow" else predictions(problem, motion.state)
    ends = [None if offset is None else 2 - offset for offset in offsets]
    return Curve(
        motion.time,
        {"loss": z**2 / (2 * rate**2), "sharpness": T / rate, "z": z, "T": T},
        steps=np.rint(motion.time / (rate if limit == "flow" else 1.0)).astype(np.int64),
        label=f"{method.label}, {LABELS[limit]}",
        provenance={
            "source": "solve",
            "version": VERSION,
            "problem": {"model": "TwoEigenvalueModel", **asdict(problem)},
            "method": repr(method),
            "limit": limit,
            "time": "flow" if limit == "flow" else "steps",
            "state": motion.state,
            "end": last,
            "predicted_end": ends[0],
            "predicted_end_from_start": ends[1],
            "remarks": remarks,
        },
    )


_MOST = Option(
    None,
    "steps after which a motion without `until` is given up, with a warning; 10⁷",
)

LIMITS: Limits = {
    "map": Limit("exact, in (z, T)", _map, {"most": _MOST}),
    "averaged": Limit(
        "leading order in ε of pairs of steps near the edge; z is that of even steps and T the "
        "mean over two",
        _averaged,
        {"most": _MOST},
    ),
    "flow": Limit("vanishing steps", _flow, {"most": _MOST}),
}
