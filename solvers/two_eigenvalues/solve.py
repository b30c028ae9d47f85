r"""solve for TwoEigenvalueModel: the map, its average over two steps, and gradient flow.

The equations are those of :mod:`limitlab.theory.two_eigenvalues.derivation`, in units of
the rate; a curve shows the loss :math:`z^2/(2\,{\rm rate}^2)` and the sharpness T/rate.
"""

from __future__ import annotations

import warnings
from dataclasses import asdict
from typing import Any

import numpy as np

from ...theory.core.checks import between, choice, count
from ...theory.core.errors import NotAvailable, ValidityWarning
from ...theory.core.time_grid import whole_steps
from ...theory.core.version import VERSION
from ...theory.methods.sampling import batches
from ...theory.two_eigenvalues.derivation import closed_map, two_eigenvalue_theory
from ..core.curve import Curve
from ..stepping.orbit import Rest, orbit
from .edge_offset import CEILING, MOST_STEPS, end_of, predictions, unfinished, unpredicted
from .flow import Motion, averaged, flow

LIMITS = ("map", "averaged", "flow")
#: rates between which losses, their derivatives, and squares of these are floats
SMALLEST, LARGEST = 1e-50, 1e50
LABELS = {"map": "two-variable map", "averaged": "average over two steps", "flow": "flow"}


def solve(
    problem: Any,
    method: Any,
    until: float | None = None,
    *,
    limit: str = "map",
    times: Any = None,
    points: int = 101,
    system: Any = None,
    most: int | None = None,
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
    limit : {"map", "averaged", "flow"}
        "map": exact, in (z, T). "averaged": leading order in ε of pairs of steps near the edge; z
        is that of even steps and T the mean over two. "flow": vanishing steps.
    times, points : array_like, int
        Output times, or how many equal ones from 0.
    system : Derivation, optional
        Solved instead of the derived one.
    most : int, optional
        Steps after which a motion without `until` is given up, with a warning; 10⁷ by default.

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
    choice("limit", limit, LIMITS)
    rate = unit_rate(method)
    most = budget(most, until, times)
    theory = system or two_eigenvalue_theory()
    grid = None if until is None and times is None else (until, times, points)
    if limit == "map":
        motion, last = _map(problem, theory, grid, points, most)
    else:
        road = averaged if limit == "averaged" else flow
        motion = road(problem, theory, rate, grid, points, most)
        last = float(motion.T[-1])
    return _curve(problem, method, limit, motion, last)


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


def _map(
    problem: Any, theory: Any, grid: Any, points: int, most: int
) -> tuple[Motion, float]:  # fmt: skip
    end = Rest(0, float("nan"), "until")
    if grid is None:
        end = end_of(problem, most, theory)
        grid = (max(end.steps, 2), None, points)
    steps = whole_steps(*grid)
    numbers = (problem.epsilon, problem.invariant)
    found = orbit(closed_map(theory), problem.start, numbers, steps, ceiling=CEILING)
    z, T, lost = found.values["z"], found.values["T"], found.lost
    state = end.state if lost is None else "diverged"
    last = end.value if end.state == "ended" else float(T[-1])
    return Motion(steps.astype(float), z, T, state, lost), last


def _curve(problem: Any, method: Any, limit: str, motion: Motion, last: float) -> Curve:
    rate = float(method.rate)
    z, T, why = motion.z, motion.T, unpredicted(problem, motion.state)
    remarks = [why] if why else []
    if motion.state in ("budget", "diverged"):
        remarks.append(unfinished(motion.state, motion.diverged))
        warnings.warn(remarks[-1], ValidityWarning, stacklevel=5)
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
