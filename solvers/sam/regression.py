r"""Runs of SAM on second-order regression: exact in (z, J), or in the parameters themselves.

What is recorded is the same for both. The maps count with the loss :math:`|z|^2/(2D)`: a step has
the size rate/B along :math:`\tilde J^\top P\tilde z`, and the reach radius/B along
:math:`J^\top Pz`, or the length radius where it is normalised.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.map import Map
from ...theory.schedules.schedule import evaluate
from ..core.curve import Curve
from ..core.runner import Crew
from ..core.runs import ensemble
from ..second_order.drawn import Drawn
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


Start = Callable[[Task, Array], tuple[tuple[Any, ...], tuple[Any, ...]]]
Read = Callable[[Task, Array, Any], tuple[Array, Array]]


@dataclass(frozen=True, eq=False)
class Form:
    """A lowering of the algorithm: its map, and how states and (z, J) are told from each other.

    Attributes
    ----------
    start : callable
        (task, Q) → the states at the start, and the arrays that stay beside Q.
    read : callable
        (task, Q, recorded arrays) → z (T, D) and J (T, D, P).
    """

    system: Map
    start: Start
    read: Read


def in_residuals(system: Map) -> Form:
    """The exact recursion in (z, J)."""
    return Form(
        system,
        lambda task, Q: ((task.problem.z0, task.problem.G), ()),
        lambda task, Q, kept: (kept["residual"], kept["jacobian"]),
    )


def runs(task: Task, form: Form, count: int, crew: Crew, **made: Any) -> Curve:
    """The curve of `count` runs, each with its own curvature and batches."""
    found = crew.each(partial(_run, task, form), count)
    states, problem = [one[2] for one in found], task.problem
    told: dict[str, Any] = {"state": states[0]} if count == 1 else {"states": states}
    return ensemble(
        task.record.astype(float),
        QUANTITIES,
        [(values, step) for values, step, _ in found],
        f"{task.method.label}, D = {problem.data}, P = {problem.parameters}",
        task.described() | told | made,
        steps=task.record,
        kind="simulation" if made.get("source") == "simulate" else "theory",
    )


def _run(task: Task, form: Form, k: int) -> tuple[Array, int | None, str]:
    """The quantities at the recorded steps, the step of divergence, and the outcome."""
    tensor, outside = task.drawn(k)
    states, beside = form.start(task, tensor)
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
        z, J = form.read(task, tensor, found.arrays)
    values = observed(z, J, task.rates(steps), task.method)
    state = outcome(steps, np.linalg.norm(z, axis=1), values[2], found.lost)
    return values[:, np.isin(steps, task.record)], found.lost, state


def observed(z: Array, J: Array, rates: Array, method: Any) -> Array:
    """The quantities, (4, T), of residuals (T, D) and Jacobians (T, D, P)."""
    D = z.shape[1]
    sharpness = np.full(len(z), np.nan)
    there = np.isfinite(z).all(axis=1) & np.isfinite(J).all(axis=(1, 2))
    sharpness[there] = np.linalg.eigvalsh(J[there] @ J[there].transpose(0, 2, 1))[:, -1] / D
    gradient = np.linalg.norm(np.einsum("tap,ta->tp", J, z), axis=1) / D
    own = np.maximum(gradient, 1e-300) if method.normalised else None
    product = np.full(len(z), np.nan)
    if there.any():
        reach = None if own is None else own[there]
        product[there] = sam_product(rates[there], method.radius, sharpness[there], reach)
    return np.stack([np.sum(z**2, axis=1) / (2 * D), sharpness, product, gradient])
