r"""solve for InterpolatingMinimum: the exact second moment, or that of the limiting SDE.

The equations are those of :mod:`limitlab.theory.sgd_stability.derivation`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.time_grid import time_grid, whole_steps
from ...theory.core.version import VERSION
from ...theory.core.warn import warn
from ...theory.methods.base import Method
from ...theory.sgd_stability.derive import derive, drawn
from ...theory.sgd_stability.problem import InterpolatingMinimum
from ..core.curve import Curve
from ..core.limits import Limit, Limits, own_options
from ..stepping.initial_value import initial_value
from .moments import Moments
from .stability import constant

Array = NDArray[np.float64]

#: E|w|² beyond which it has diverged
LARGEST = 1e280
#: growth of the mean square from which the spread of |w|² is so wide that standard errors are none
NEAR = 0.9
_RTOL = 1e-10


def solve(
    problem: InterpolatingMinimum,
    method: Method,
    until: float | None = None,
    *,
    limit: str = "exact",
    times: Any = None,
    points: int = 101,
    system: Any = None,
    **options: Any,
) -> Curve:
    """Solve for the second moment of SGD at an interpolating minimum.

    Parameters
    ----------
    problem : InterpolatingMinimum
    method : GradientDescent or SGD
        With a constant rate, without momentum.
    until : float, optional
        Number of steps; flow time rate · steps for "sde". May be left out where `times` is given.
    limit : str
        One of `LIMITS`.
    times, points : array_like, int
        Output times, or how many equal ones from 0.
    system : Derivation, optional
        Solved instead of the derived one.

    Returns
    -------
    Curve
        "loss" = E wᵀHw/2 and "mean_square" = E|w|² of the components that move.
        ``provenance["state"]`` is "converged", "converging", "growing" or "diverged".

    Raises
    ------
    NotAvailable
        A schedule, momentum, another method.

    Warns
    -----
    ValidityWarning
        The mean square diverged, with the step.
    """
    own_options(LIMITS, limit, options)
    batches, rate = drawn(method, problem.data), constant(method)
    derived = derive(problem, method) if system is None else system
    moments = Moments(problem, batches, derived.functions)
    task = Task(moments, rate, (until, times, points))
    time, found = LIMITS[limit].road(task)
    squares, losses = found
    state = state_of(squares)
    if state == "diverged":
        first = time[int(np.argmax(~np.isfinite(squares)))]
        warn(f"the mean square diverged by time {first:g}; a lower rate is stable")
    return Curve(
        time,
        {"loss": losses, "mean_square": squares},
        steps=np.rint(time / (rate if limit == "sde" else 1)).astype(np.int64),
        label=f"{method.label}, {limit}",
        provenance=provenance(problem, method, "solve", moments, rate)
        | {
            "limit": limit,
            "time": "flow" if limit == "sde" else "steps",
            "state": state,
            "remarks": [],
        },
    )


@dataclass(frozen=True, eq=False)
class Task:
    """A checked call of `solve`."""

    moments: Moments
    rate: float
    when: tuple[Any, Any, Any]


def provenance(
    problem: Any, method: Any, source: str, moments: Moments, rate: float
) -> dict[str, Any]:
    """What a curve says of itself; the growth is that of the mean square in a step."""
    growth = moments.radius(rate)
    return {
        "source": source,
        "version": VERSION,
        "problem": {
            "model": "InterpolatingMinimum",
            "data": problem.data,
            "dimension": problem.dimension,
            "sharpness": problem.sharpness,
        },
        "method": repr(method),
        "time": "steps",
        "growth": growth,
    }


def state_of(squares: Array) -> str:
    """How a mean square ended."""
    if not np.all(np.isfinite(squares)):
        return "diverged"
    if squares[-1] <= 1e-24 * squares[0]:
        return "converged"
    return "growing" if squares[-1] > squares[-2] else "converging"


def _start(moments: Moments) -> Array:
    w = moments.problem.eigenvectors.T @ moments.problem.start
    return np.outer(w, w)


def _exact(task: Task) -> tuple[Array, tuple[Array, Array]]:
    steps, moments, M = whole_steps(*task.when), task.moments, _start(task.moments)
    squares, losses = np.full(steps.size, np.nan), np.full(steps.size, np.nan)
    done = 0
    for place, step in enumerate(steps):
        with np.errstate(over="ignore", invalid="ignore"):  # told as diverged
            for _ in range(int(step) - done):
                M = moments.step(M, task.rate)
        done = int(step)
        trace = float(np.trace(M))
        if not trace <= LARGEST:
            break
        squares[place], losses[place] = trace, float(np.diag(M) @ moments.pulls) / 2
    return steps.astype(float), (squares, losses)


def _sde(task: Task) -> tuple[Array, tuple[Array, Array]]:
    time, moments = time_grid(*task.when), task.moments
    pulls, size = moments.pulls, moments.pulls.size

    def change(_: float, flat: Array) -> Array:
        return moments.velocity(flat.reshape(size, size), task.rate).ravel()

    span, start = (0.0, time[-1]), _start(moments).ravel()
    found = initial_value(change, span, start, times=time, rtol=_RTOL, atol=1e-300)
    M = found.y.T.reshape(-1, size, size)
    diagonal = np.einsum("tkk->tk", M)
    return time, (diagonal.sum(axis=1), diagonal @ pulls / 2)


LIMITS: Limits = {
    "exact": Limit("the second moment of SGD itself", _exact),
    "sde": Limit(
        "that of the limiting SDE, in flow time rate · steps; it lacks η² HMH, so that it "
        "is stable a little too long",
        _sde,
    ),
}
