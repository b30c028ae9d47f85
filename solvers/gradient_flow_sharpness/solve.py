"""solve for networks whose gradient flow is known to its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.errors import NotAvailable
from ...theory.core.time_grid import time_grid, whole_steps
from ...theory.core.version import VERSION
from ...theory.gradient_flow_sharpness.derive import check_method, derive
from ...theory.gradient_flow_sharpness.problem import DiagonalLinearNetwork, ScalarNetwork
from ...theory.methods.base import Method
from ..core.curve import Curve
from ..core.limits import Limit, Limits, own_options
from ..stepping.flow import flow, integrate
from ..stepping.orbit import orbit
from ..stepping.outcome import outcome, tell, watched
from . import observe, quasi_static
from .flow_end import flow_squares
from .stopping import stopping_point, velocity

Array = NDArray[np.float64]

#: |z| or |z|² from which a run has diverged
CEILING = quasi_static.CEILING


def solve(
    problem: ScalarNetwork | DiagonalLinearNetwork,
    method: Method,
    until: float | None = None,
    *,
    limit: str = "map",
    times: Any = None,
    points: int = 101,
    system: Any = None,
    **options: Any,
) -> Curve:
    """Solve gradient descent on a scalar or a diagonal linear network.

    Parameters
    ----------
    problem : ScalarNetwork or DiagonalLinearNetwork
    method : GradientDescent
        With a constant rate.
    until : float
        Number of steps; rate · steps for "flow".
    limit : str
        One of `LIMITS`.
    times, points : array_like, int
        Output times, or how many equal ones from 0.
    system : Map or Derivation, optional
        Solved instead of the derived one.

    Returns
    -------
    Curve
        "loss"; "sharpness" = λ_max(JJᵀ)/N at the iterate and "hessian" = λ_max of the Hessian,
        which oscillate; "flow_sharpness", the sharpness where gradient flow would end, which falls
        as long as "certificate" (M, of scalar networks) is at most 1; "product" = Π w. "edge" in
        ``provenance`` is 2/rate, "state" is "converged", "oscillating", "diverged", "left_branch"
        (the product fell to 0 or below) or "unfinished".

    Raises
    ------
    NotAvailable
        Batches, momentum, a schedule; a limit that only a ScalarNetwork has.
    NoLimit
        "normal-form" where the edge is subcritical.

    Warns
    -----
    ValidityWarning
        A run that was lost; "normal-form" far from the edge.
    """
    own_options(LIMITS, limit, options)
    check_method(method)
    own = system or derive(problem, method, limit=limit)
    return LIMITS[limit].road(problem, method, own, (until, times, points))


Grid = tuple[Any, Any, int]


def recorded(
    system: Any,
    problem: Any,
    method: Any,
    states: tuple[Any, ...],
    read: Callable[[Any], tuple[Array, Array]],
    grid: Grid,
) -> tuple[NDArray[np.int64], Array, int | None, str]:
    """Steps, quantities, the step at which it was lost, and the outcome of a run of a map.

    ``read`` tells (squares, products) or (A, B) from what was recorded.
    """
    steps, rate = whole_steps(*grid), float(method.rate)
    every, scalar = watched(steps), isinstance(problem, ScalarNetwork)
    inputs = () if scalar else (problem.inputs, problem.targets)
    with np.errstate(over="ignore", invalid="ignore"):
        found = orbit(system, states, (rate,), every, ceiling=CEILING, inputs=inputs)
        seen = read(found)
    first, second = seen
    values = (
        observe.scalar(first, second, rate) if scalar else observe.diagonal(problem, first, second)
    )
    state = _state(problem, found, states, system, values, every, rate)
    return steps, values[:, np.isin(every, steps)], found.lost, state


def _state(
    problem: Any, found: Any, states: Any, system: Any, values: Array, every: Any, rate: float
) -> str:
    if found.lost is not None:
        if isinstance(problem, ScalarNetwork):
            return quasi_static.lost_by(system, states, (rate,), found.lost)
        return "diverged"
    return outcome(every, np.sqrt(2 * values[0]), rate * values[2], None)


def _mapped(problem: Any, method: Any, system: Any, grid: Grid) -> Curve:
    scalar = isinstance(problem, ScalarNetwork)

    def read(found: Any) -> tuple[Array, Array]:
        if scalar:
            return found.arrays["squares"], found.values["product"]
        return found.arrays["A"], found.arrays["B"]

    states = observe.squares_of(problem)
    steps, values, lost, state = recorded(system, problem, method, states, read, grid)
    return curve(problem, method, steps.astype(float), values, steps, "map", state, lost)


def _quasi_static(problem: Any, method: Any, system: Any, grid: Grid) -> Curve:
    steps, rate = whole_steps(*grid), float(method.rate)
    every, x = watched(steps), flow_squares(problem.weights**2)
    start = float(np.prod(problem.weights))
    found, lost = quasi_static.follow(x, rate, start, every, system)
    product, shift = found.values["product"], found.values["shift"]
    values = observe.scalar(x + shift[:, None], product, rate)
    state = lost or outcome(every, np.abs(product - 1), rate * values[2], None)
    kept = values[:, np.isin(every, steps)]
    return curve(
        problem, method, steps.astype(float), kept, steps, "quasi-static", state, found.lost
    )


def _normal_form(problem: Any, method: Any, system: Any, grid: Grid) -> Curve:
    steps, eta = whole_steps(*grid), float(method.rate)
    found = stopping_point(problem, method)
    x = flow_squares(problem.weights**2)
    start = np.concatenate([[np.log(max(found.residual**2, 1e-300))], x])
    y = integrate(velocity(system, eta), start, steps * 1.0)
    values = {"loss": np.exp(y[:, 0]) / 2, "flow_sharpness": np.sum(1 / y[:, 1:], axis=1)}
    told = described(problem, method, "normal-form") | {"end": float(found)}
    return Curve(
        steps.astype(float),
        values,
        steps=steps,
        provenance=told,
        label=f"{method.label}, normal form",
    )


def _flowing(problem: Any, method: Any, system: Any, grid: Grid) -> Curve:
    time, rate = time_grid(*grid), float(method.rate)
    scalar = isinstance(problem, ScalarNetwork)
    inputs = () if scalar else (problem.inputs, problem.targets)
    states = flow(system, observe.squares_of(problem), (), time, inputs=inputs)
    if scalar:
        values = observe.scalar(states[1], states[0], rate)
    else:
        values = observe.diagonal(problem, *states)
    steps = np.rint(time / rate).astype(np.int64)
    return curve(problem, method, time, values, steps, "flow", None, None)


def curve(
    problem: Any,
    method: Any,
    time: Array,
    values: Array,
    steps: Any,
    limit: str,
    state: str | None,
    lost: int | None,
) -> Curve:
    """The curve of a network, with a warning where the run was lost."""
    names = observe.SCALAR if isinstance(problem, ScalarNetwork) else observe.DIAGONAL
    told = described(problem, method, limit)
    if state is not None:
        told |= {"state": state}
        tell(lost)
    if lost is not None:
        told |= {"diverged": {"0": lost}}
    words = {"map": "map of the squares", "quasi-static": "quasi-static map", "flow": "flow"}
    return Curve(
        time,
        dict(zip(names, values, strict=True)),
        steps=steps,
        provenance=told,
        label=f"{method.label}, {words[limit]}",
    )


def described(problem: Any, method: Any, limit: str) -> dict[str, Any]:
    """How a curve was made, and where its edge is."""
    fields = {name: np.asarray(value).tolist() for name, value in vars(problem).items()}
    return {
        "source": "solve",
        "version": VERSION,
        "problem": {"model": type(problem).__name__, **fields},
        "method": repr(method),
        "limit": limit,
        "time": "flow" if limit == "flow" else "steps",
        "edge": 2 / float(method.rate),
    }


def _scalar_only(road: Callable[..., Curve]) -> Callable[..., Curve]:
    def checked(problem: Any, method: Any, system: Any, grid: Grid) -> Curve:
        if not isinstance(problem, ScalarNetwork):
            remedy = f'a {type(problem).__name__} has the limits "map" and "flow"'
            raise NotAvailable("limit", road.__name__.strip("_").replace("_", "-"), remedy)
        return road(problem, method, system, grid)

    return checked


LIMITS: Limits = {
    "map": Limit("exact, closed in the squares of the weights", _mapped),
    "quasi-static": Limit(
        "scalar networks: every step projected back to the flow curve of the start",
        _scalar_only(_quasi_static),
    ),
    "normal-form": Limit(
        "scalar networks near the edge: e² and rate · sharpness − 2, averaged over two steps",
        _scalar_only(_normal_form),
    ),
    "flow": Limit("vanishing steps", _flowing),
}
