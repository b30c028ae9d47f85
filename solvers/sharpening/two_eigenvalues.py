r"""solve for TwoEigenvalueModel: the map, its average over two steps, and gradient flow.

The equations are those of :mod:`limitlab.theory.sharpening.two_eigenvalues_derivation`, in units of
the rate; a curve shows the loss :math:`z^2/(2\,{\rm rate}^2)` and the sharpness T/rate.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.checks import choice, count
from ...theory.errors import InvalidInput, NotAvailable, SolveFailed, ValidityWarning
from ...theory.sharpening.sampling import batches
from ...theory.sharpening.two_eigenvalues_derivation import closed_source, two_eigenvalue_theory
from ...theory.time_grid import time_grid, whole_steps
from ...theory.version import VERSION
from ..curve import Curve
from .edge_offset import MOST_STEPS, end_of, no_prediction, predictions
from .orbit import Rest, orbit

Array = NDArray[np.float64]

LIMITS = ("map", "averaged", "flow")
LABELS = {"map": "two-variable map", "averaged": "average over two steps", "flow": "flow"}
#: relative accuracy of the differential equations
_RTOL = 1e-9
#: |z| at which they have ended: what is left moves T by its square
_SMALL = 1e-8
#: y, z² or ε(1 + E) from which the leading orders of the average are off by more than this root
_LARGE = 0.1


@dataclass(frozen=True, eq=False)
class Motion:
    """z and T over time, and how the motion ended."""

    time: Array
    z: Array
    T: Array
    state: str
    diverged: int | None = None


def solve_two_eigenvalues(
    problem: Any,
    method: Any,
    until: float | None = None,
    *,
    limit: str = "map",
    times: Any = None,
    points: int = 101,
    system: Any = None,
    most: int = MOST_STEPS,
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
    most : int
        Steps after which a motion without `until` is given up, with a warning.

    Returns
    -------
    Curve
        "loss", "sharpness" (the edge is rate · sharpness = 2), "z" and "T" = rate · sharpness.
        ``provenance`` holds "state" ("ended", "budget", "diverged", or "until" where the time was
        given), "end" = the last T (averaged over two steps for "map"), and "predicted_end" and
        "predicted_end_from_start", None where there is none, with the reason in "remarks".

    Raises
    ------
    NotAvailable
        A schedule; another method than gradient descent.
    InvalidInput
        "averaged" without `until` where the motion has no end: ε <= 0 or E <= −1.

    Warns
    -----
    ValidityWarning
        "averaged" far from the edge; an orbit that diverged, or that did not end in time.
    """
    choice("limit", limit, LIMITS)
    rate = unit_rate(method)
    most = count("most", most, 4)
    theory = system or two_eigenvalue_theory()
    grid = None if until is None and times is None else (until, times, points)
    if limit == "map":
        motion, last = _map(problem, theory, grid, points, most)
    else:
        road = _averaged if limit == "averaged" else _flow
        motion = road(problem, theory, rate, grid, points, most)
        last = float(motion.T[-1])
    return _curve(problem, method, limit, motion, last)


def unit_rate(method: Any) -> float:
    """The rate of gradient descent as a number: the unit of this model."""
    batches(method, 1)
    if getattr(method.rate, "free_symbols", None):
        raise NotAvailable("rate", method.rate, "the rate is the unit of this model; give a number")
    return float(method.rate)


def _map(
    problem: Any, theory: Any, grid: Any, points: int, most: int
) -> tuple[Motion, float]:  # fmt: skip
    end = Rest(0, float("nan"), "until")
    if grid is None:
        end = end_of(problem, most, theory)
        grid = (max(end.steps, 2), None, points)
    steps = whole_steps(*grid)
    numbers = (problem.epsilon, problem.invariant)
    (z, T), lost = orbit(closed_source(theory), problem.start, numbers, steps)
    state = end.state if lost is None else "diverged"
    last = end.value if end.state == "ended" else float(T[-1])
    return Motion(steps.astype(float), z, T, state, lost), last


def _averaged(problem: Any, theory: Any, rate: float, grid: Any, points: int, most: int) -> Motion:
    """In pairs of steps; the time of the curve is in steps."""
    why = no_prediction(problem)
    if grid is None and why:
        raise InvalidInput("until", None, f"{why}; without it the motion does not end: give steps")
    z, T = problem.start
    y = T - 2 - 2 * z
    size = max(abs(y), z**2, problem.epsilon * (1 + problem.invariant))
    if size > _LARGE:
        remark = "the average over two steps keeps leading orders only: its relative error is about"
        warnings.warn(f"{remark} {np.sqrt(size):.2g} here", ValidityWarning, stacklevel=5)
    f, numbers = theory.functions, _numbers(problem)

    def change(time: float, x: Array) -> list[float]:
        now = {**numbers, "z": x[0], "y": x[1]}
        return [f["z_pair"](**now) / 2, f["y_pair"](**now) / 2]

    def left(time: float, x: Array) -> float:
        return max(abs(x[0]) / _SMALL - 1, float(x[1]))

    time, (z, y), state = _integrate(change, left, (z, y), grid, points, most)
    return Motion(time, z, f["T_pair"](**numbers, z=z, y=y), state)


def _flow(problem: Any, theory: Any, rate: float, grid: Any, points: int, most: int) -> Motion:
    """In flow time rate · steps."""
    f, numbers = theory.functions, _numbers(problem)

    def change(time: float, x: Array) -> list[float]:
        now = {**numbers, "z": x[0], "T": x[1]}
        return [f["z_flow"](**now) / rate, f["T_flow"](**now) / rate]

    def left(time: float, x: Array) -> float:
        return float(abs(x[0])) / _SMALL - 1

    time, (z, T), state = _integrate(change, left, problem.start, grid, points, most * rate)
    return Motion(time, z, T, state)


def _numbers(problem: Any) -> dict[str, float]:
    return {"epsilon": problem.epsilon, "E": problem.invariant}


def _integrate(
    change: Callable[..., Any],
    left: Callable[..., Any],
    start: tuple[float, float],
    grid: Any,
    points: int,
    most: float,
) -> tuple[Array, Array, str]:
    """Integrate to the given times, or until nothing is ``left`` of the motion."""
    from scipy.integrate import solve_ivp

    def run(last: float, **options: Any) -> Any:
        # no absolute tolerance: a tiny z may grow
        found = solve_ivp(change, (0.0, last), start, "DOP853", rtol=_RTOL, atol=1e-300, **options)
        if not found.success:
            raise SolveFailed(found.message, float(found.t[-1]), 0.0, float(found.y[0, -1] ** 2))
        return found

    if grid is not None:
        time = time_grid(*grid)
        return time, run(time[-1], t_eval=time).y, "until"
    left.terminal, left.direction = True, -1  # type: ignore[attr-defined]
    found = run(most, events=left, dense_output=True)
    time = time_grid(found.t[-1], None, points)
    return time, found.sol(time), "ended" if found.status == 1 else "budget"


def _curve(problem: Any, method: Any, limit: str, motion: Motion, last: float) -> Curve:
    rate = float(method.rate)
    z, T, why = motion.z, motion.T, no_prediction(problem)
    remarks = [why] if why else []
    if motion.state in ("budget", "diverged"):
        at = f" at step {motion.diverged}" if motion.diverged is not None else ""
        remarks.append(f"{motion.state}{at}: the motion had not ended; its last T is no end")
        warnings.warn(remarks[-1], ValidityWarning, stacklevel=4)
    ends = [None if offset is None else 2 - offset for offset in predictions(problem)]
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
