"""solve for SingleIndex: the map of the two order parameters, and its flow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.map import Map
from ...theory.core.time_grid import time_grid, whole_steps
from ...theory.core.version import VERSION
from ...theory.hessian.derive import check, derive
from ...theory.hessian.problem import SingleIndex
from ...theory.methods.base import Method
from ..core.curve import Curve
from ..core.limits import Limit, Limits, own_options
from ..stepping.flow import flow
from ..stepping.orbit import orbit
from ..stepping.outcome import tell
from .fluctuations import check_band, scattered
from .nodes import normal_nodes
from .numbers import CEILING, numbers_of

Array = NDArray[np.float64]

#: loss over that at the start, or |∇L|, below which a run has come to its end
ENDED = 1e-20
QUANTITIES = ("loss", "norm", "overlap", "gradient", "hessian", "gauss_newton", "neglected")


def solve(
    problem: SingleIndex,
    method: Method,
    until: float | None = None,
    *,
    limit: str = "map",
    times: Any = None,
    points: int = 101,
    system: Any = None,
    **options: Any,
) -> Curve:
    """Solve the motion of one unit that learns one unit.

    Parameters
    ----------
    problem : SingleIndex
    method : GradientDescent, SGD, GradientPenalty, SAM or WeightNoise
        With a constant rate.
    until : float
        Number of steps; rate · steps for "flow".
    limit : str
        One of `LIMITS`.
    times, points : array_like, int
        Output times, or how many equal ones from 0.
    system : Map, optional
        Solved instead of the derived one.

    Returns
    -------
    Curve
        "loss", "norm" = Q, "overlap" = R, "gradient" = |∇L|, and per dimension, as d → ∞, the
        traces "hessian", "gauss_newton" and "neglected", which is the difference of the two.
        "fluctuations" of SGD has the standard deviation of one run of the first three, and
        announces the error of the mean at this batch.
        "state" in ``provenance`` is "converged" (loss 0), "stationary" (∇L = 0 elsewhere),
        "diverged" or "unfinished".

    Raises
    ------
    NotAvailable
        What `derive` refuses.

    Warns
    -----
    ValidityWarning
        A run that was lost.
    """
    own_options(LIMITS, limit, options)
    check(method, limit)
    form = "flow" if limit == "flow" else "map"
    own = system or derive(problem, method, limit=form)
    return LIMITS[limit].road(problem, method, own, (until, times, points))


def _mapped(problem: SingleIndex, method: Any, system: Map, grid: Any) -> Curve:
    steps = whole_steps(*grid)
    inputs = normal_nodes(problem.activation) if system.inputs else ()
    numbers = numbers_of(problem, method)
    found = orbit(system, problem.order, numbers, steps, ceiling=CEILING, inputs=inputs)
    tell(found.lost)
    values = np.array([found.values[name] for name in QUANTITIES])
    return _curve(problem, method, steps.astype(float), values, steps, "map", found.lost)


def _flowing(problem: SingleIndex, method: Any, system: Map, grid: Any) -> Curve:
    time, numbers = time_grid(*grid), numbers_of(problem, method)
    states = flow(system, problem.order, numbers, time)
    values = np.array([observed(system, pair, numbers) for pair in zip(*states, strict=True)]).T
    steps = np.rint(time / float(method.rate)).astype(np.int64)
    return _curve(problem, method, time, values, steps, "flow", None)


def observed(system: Map, order: Any, numbers: Any) -> list[float]:
    """What is observed at one Q and R."""
    found = orbit(system, order, numbers, np.zeros(1, np.int64), ceiling=CEILING)
    return [float(found.values[name][0]) for name in QUANTITIES]


def _curve(
    problem: SingleIndex,
    method: Any,
    time: Array,
    values: Array,
    steps: Any,
    limit: str,
    lost: int | None,
) -> Curve:
    told = described(problem, method, limit) | {"state": ended(values, lost)}
    if lost is not None:
        told |= {"diverged": {"0": lost}}
    return Curve(
        time,
        dict(zip(QUANTITIES, values, strict=True)),
        steps=steps,
        provenance=told,
        label=f"{method.label}, {limit} of (Q, R)",
    )


def ended(values: Array, lost: int | None) -> str:
    """How a run ended, by its loss and gradient."""
    if lost is not None:
        return "diverged"
    if values[0, -1] <= ENDED * max(values[0, 0], 1e-300):
        return "converged"
    return "stationary" if values[3, -1] ** 2 <= ENDED else "unfinished"


def described(problem: SingleIndex, method: Any, limit: str) -> dict[str, Any]:
    """How a curve was made."""
    fields = {**vars(problem), "activation": repr(problem.activation)}
    return {
        "source": "solve",
        "version": VERSION,
        "problem": {"model": type(problem).__name__, **fields},
        "method": repr(method),
        "limit": limit,
        "time": "flow" if limit == "flow" else "steps",
    }


def _scattered(problem: SingleIndex, method: Any, system: Map, grid: Any) -> Curve:
    check_band(method)
    curve = _mapped(problem, method, system, grid)
    assert curve.steps is not None
    spread, errors = scattered(problem, method, system, curve.steps)
    return replace(
        curve,
        spread=spread,
        diagnostics=errors,
        label=f"{method.label}, band of (Q, R)",
        provenance=dict(curve.provenance)
        | {"limit": "fluctuations", "finite_size_origin": "second order in 1/b, computed"},
    )


LIMITS: Limits = {
    "map": Limit("a step in norm and overlap; exact for the population", _mapped),
    "flow": Limit("vanishing steps", _flowing),
    "fluctuations": Limit("beside the map of SGD the scatter of one run", _scattered),
}
