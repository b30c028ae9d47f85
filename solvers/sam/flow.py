r"""SAM with vanishing steps, for one curvature: the flow of (z, J), and of (z, T).

.. math:: \dot z=-J\tilde J^\top\tilde z,\qquad\dot J=-Q(\tilde J^\top\tilde z,\cdot),

time rate/D · steps for second-order regression as elsewhere, rate · steps for the two-eigenvalue
model. It ends slightly flatter or slightly *sharper* than gradient flow: what lowers the sharpness
at late times is the finite step.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.errors import NotAvailable, SolveFailed
from ...theory.core.map import Map
from ...theory.core.time_grid import time_grid
from ...theory.sam.step import constant_rate
from ..core.compile import load, writable
from ..core.curve import Curve
from .regression import QUANTITIES, Task, described, observed

Array = NDArray[np.float64]

#: relative accuracy, and absolute relative to the size of the start
_RTOL = 1e-10


def regression(task: Task, system: Map, time: Array) -> Curve:
    """The flow on all of the data, from the curvature of run 0."""
    method, problem = task.method, task.problem
    rate = constant_rate(method, "the flow has one rate")
    if task.batched:
        raise NotAvailable("batch", method.batch, 'the limit "flow" is of all data; leave it out')
    tensor, _ = task.drawn(0)
    D, P = problem.data, problem.parameters
    velocity = _velocity(system, task, tensor)
    y = integrate(velocity, np.concatenate([problem.z0, problem.G.ravel()]), time)
    z, J = y[:, :D], y[:, D:].reshape(-1, D, P)
    values = observed(z, J, np.full(time.size, rate), method)
    return Curve(
        time,
        dict(zip(QUANTITIES, values, strict=True)),
        steps=np.rint(time * D / rate).astype(np.int64),
        label=f"{method.label}, flow",
        provenance=described(task) | {"source": "solve", "limit": "flow", "time": "flow"},
    )


def _velocity(system: Map, task: Task, tensor: Array) -> Any:
    D, P = task.problem.data, task.problem.parameters
    module, numbers, x = load(system.source, "stepping/orbit"), writable(task.numbers), np.zeros(0)
    z, J, Q = np.zeros(D), np.zeros((D, P)), writable(tensor)
    sizes = {str(n): length for n, length in zip(J_shape(system), (D, P), strict=True)}
    work = [np.zeros([sizes[str(n)] for n in base.shape]) for base in system.work]
    arrays = (z, J, *work, Q, np.zeros_like(z), np.zeros_like(J))

    def velocity(t: float, y: Array) -> Array:
        z[:], J[:] = y[:D], y[D:].reshape(D, P)
        module.advance(0, x, numbers, arrays)
        return np.concatenate([z, J.ravel()])

    return velocity


def J_shape(system: Map) -> tuple[Any, ...]:
    """D and P as the symbols of a map."""
    return tuple(system.arrays[1].shape)


def integrate(velocity: Any, start: Array, time: Array) -> Array:
    """The states at the given times, (T, n).

    Raises
    ------
    SolveFailed
        The flow runs away in finite time.
    """
    from scipy.integrate import solve_ivp

    scale = _RTOL * float(np.abs(start).max())
    found = solve_ivp(
        velocity, (0.0, float(time[-1])), start, "DOP853", t_eval=time, rtol=_RTOL, atol=scale
    )
    if not found.success:
        raise SolveFailed(found.message, float(found.t[-1]) if found.t.size else 0.0, 0.0, np.nan)
    return found.y.T


def grid(until: Any, times: Any, points: int) -> Array:
    """The times of the flow."""
    return time_grid(until, times, points)
