r"""Runs of SAM on second-order regression: exact in (z, J), or in the parameters themselves.

What is recorded is the same for both. The maps count with the loss :math:`|z|^2/(2D)`: a step has
the size rate/B along :math:`\tilde J^\top P\tilde z`, and the reach radius/B along
:math:`J^\top Pz`, or the length radius where it is normalised.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.schedules.schedule import evaluate
from ..core.curve import Curve
from ..core.runner import Crew
from ..second_order.drawn import Drawn
from ..second_order.form import Followed, Form, curve_of, sharpness_of
from ..second_order.motion import RUN_AWAY
from ..stepping.orbit import orbit
from ..stepping.outcome import outcome, watched
from .edge import sam_product

Array = NDArray[np.float64]

QUANTITIES = ("loss", "sharpness", "edge_product", "gradient")


@dataclass(frozen=True, eq=False)
class Task(Drawn):
    """What every run shares, checked."""

    @property
    def numbers(self) -> tuple[float]:
        """ρ, or the length of a normalised displacement."""
        own = self.method.radius
        return (own if self.method.normalised else own / self.batches.batch,)

    def rates(self, steps: Any) -> Array:
        """The rate at these steps."""
        return np.broadcast_to(evaluate(self.method.rate, np.asarray(steps)), np.shape(steps))

    def drawn(self, k: int) -> tuple[Array, tuple[Array, ...]]:
        """Q of run k, and the step sizes with the masks."""
        tensor, masks = self.draw(k, int(self.record[-1]))
        return tensor, (self.rates(np.arange(int(self.record[-1]))) / self.batches.batch, *masks)


def runs(task: Task, form: Form, count: int, crew: Crew, **made: Any) -> Curve:
    """The curve of `count` runs, each with its own curvature and batches."""
    return curve_of(task, QUANTITIES, crew.each(partial(_run, task, form), count), **made)


def _run(task: Task, form: Form, k: int) -> Followed:
    """The quantities at the recorded steps, the step of divergence, and the outcome."""
    tensor, outside = task.drawn(k)
    states, beside = form.start(task.problem)
    steps = watched(task.record)
    ceiling = RUN_AWAY * max(float(task.problem.z0 @ task.problem.z0), 1e-300)
    with np.errstate(over="ignore", invalid="ignore"):
        found = orbit(
            form.system,
            states,
            task.numbers,
            steps,
            ceiling=ceiling,
            inputs=(tensor, *beside, *outside),
        )
        z, J = form.read(task.problem, tensor, found.arrays)
    values = observed(z, J, task.rates(steps), task.method)
    state = outcome(steps, np.linalg.norm(z, axis=1), values[2], found.lost)
    return values[:, np.isin(steps, task.record)], found.lost, state


def observed(z: Array, J: Array, rates: Array, method: Any) -> Array:
    """The quantities, (4, T), of residuals (T, D) and Jacobians (T, D, P)."""
    D = z.shape[1]
    sharpness = sharpness_of(z, J)
    there = np.isfinite(sharpness)
    gradient = np.linalg.norm(np.einsum("tap,ta->tp", J, z), axis=1) / D
    own = np.maximum(gradient, 1e-300) if method.normalised else None
    product = np.full(len(z), np.nan)
    if there.any():
        reach = None if own is None else own[there]
        product[there] = sam_product(rates[there], method.radius, sharpness[there], reach)
    return np.stack([np.sum(z**2, axis=1) / (2 * D), sharpness, product, gradient])
