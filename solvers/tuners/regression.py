r"""Runs of a tuner on second-order regression: exact in (z, J), or in the parameters themselves.

The loss is :math:`|z|^2/(2D)` of all data, whatever the batch that the tuner sees; the step is what
the rule chose at the recorded step, and edge = step · sharpness.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.errors import InvalidInput
from ..core.curve import Curve
from ..core.runner import Crew
from ..second_order.drawn import Drawn
from ..second_order.form import Followed, Form, curve_of, sharpness_of
from ..second_order.motion import RUN_AWAY
from ..stepping.orbit import orbit
from ..stepping.outcome import outcome, watched
from .follow import fields_of, memory_of

Array = NDArray[np.float64]

QUANTITIES = ("loss", "sharpness", "step", "edge", "gradient")


def runs(task: Drawn, form: Form, count: int, crew: Crew, **made: Any) -> Curve:
    """The curve of `count` runs, each with its own curvature and batches."""
    return curve_of(task, QUANTITIES, crew.each(partial(run, task, form), count), **made)


def run(task: Drawn, form: Form, k: int) -> Followed:
    """The quantities at the recorded steps, the step of divergence, and the outcome."""
    steps = watched(task.record)
    # a step is known once it has been taken: every recorded one is followed by the next
    every = np.union1d(steps, steps + 1)
    tensor, outside = task.draw(k, int(every[-1]))
    if task.masks is not None:  # no batch is given for the step after the last
        outside = (np.vstack([task.masks, np.zeros(task.problem.data)]),)
    states, beside = form.start(task.problem)
    with np.errstate(over="ignore", invalid="ignore"):
        found = orbit(
            form.system,
            (*states, *memory_of(task.method), 0.0),
            (task.batches.batch, *(getattr(task.method, f) for f in fields_of(task.method))),
            every,
            ceiling=RUN_AWAY * max(float(task.problem.z0 @ task.problem.z0), 1e-300),
            inputs=(tensor, *beside, *outside),
        )
        here = np.isin(every, steps)
        z, J = form.read(task.problem, tensor, {n: a[here] for n, a in found.arrays.items()})
    taken = found.values["taken"][np.isin(every, steps + 1)]
    values = observed(z, J, taken)
    _check_minimum(task, values[0])
    lost = found.lost if found.lost is not None and found.lost <= steps[-1] else None
    state = outcome(steps, np.linalg.norm(z, axis=1), values[3], lost)
    if task.masks is not None:
        values[2:4, -1] = np.nan
    return values[:, np.isin(steps, task.record)], lost, state


def observed(z: Array, J: Array, taken: Array) -> Array:
    """The quantities, (5, T), of residuals (T, D), Jacobians (T, D, P) and steps (T,)."""
    D = z.shape[1]
    sharpness = sharpness_of(z, J)
    gradient = np.sum(np.einsum("tap,ta->tp", J, z) ** 2, axis=1) / D**2
    loss = np.sum(z**2, axis=1) / (2 * D)
    return np.stack([loss, sharpness, taken, taken * sharpness, gradient])


def _check_minimum(task: Drawn, losses: Array) -> None:
    """The loss of all data is what a minimum of a full batch bounds."""
    least = getattr(task.method, "minimum", None)
    if least is None or task.batched or not np.isfinite(losses).any():
        return
    lowest = np.nanmin(losses)
    if lowest < least:
        raise InvalidInput("minimum", least, f"the loss has reached {lowest:.6g}; give a lower one")
