"""Recursions on one dense curvature: how they start, and how z and J are read from their states.

The algorithm runs exact in (z, J), or in the parameters themselves; what is recorded is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.map import Map
from ..core.curve import Curve
from ..core.runs import ensemble
from .drawn import Drawn

Array = NDArray[np.float64]
#: the quantities at the recorded steps, the step of divergence, and the outcome
Followed = tuple[Array, int | None, str]


@dataclass(frozen=True, eq=False)
class Form:
    """A lowering of the algorithm.

    Attributes
    ----------
    system : Map
    start : callable
        (problem) → the arrays at the start, and those that stay beside Q.
    read : callable
        (problem, Q, recorded arrays) → z (T, D) and J (T, D, P).
    """

    system: Map
    start: Callable[[Any], tuple[tuple[Array, ...], tuple[Array, ...]]]
    read: Callable[[Any, Array, Any], tuple[Array, Array]]


def in_residuals(system: Map) -> Form:
    """The exact recursion in (z, J)."""
    return Form(
        system,
        lambda problem: ((problem.z0, problem.G), ()),
        lambda problem, Q, kept: (kept["residual"], kept["jacobian"]),
    )


def in_parameters(system: Map) -> Form:
    """The algorithm in θ, from θ = 0; the model is evaluated at every recorded θ."""
    return Form(
        system,
        lambda problem: ((np.zeros(problem.parameters),), (problem.z0, problem.G)),
        lambda problem, Q, kept: _at(problem, Q, kept["theta"]),
    )


def _at(problem: Any, Q: Array, theta: Array) -> tuple[Array, Array]:
    bent = np.stack([Q @ x for x in theta])
    z = problem.z0 + theta @ problem.G.T + np.einsum("tap,tp->ta", bent, theta) / 2
    return z, problem.G + bent


def sharpness_of(z: Array, J: Array) -> Array:
    """λ_max(JJᵀ)/D of (T, D, P) Jacobians; NaN where a run has been lost."""
    sharpness = np.full(len(z), np.nan)
    there = np.isfinite(z).all(axis=1) & np.isfinite(J).all(axis=(1, 2))
    kernels = J[there] @ J[there].transpose(0, 2, 1)
    sharpness[there] = np.linalg.eigvalsh(kernels)[:, -1] / z.shape[1]
    return sharpness


def curve_of(
    task: Drawn, quantities: Sequence[str], found: Sequence[Followed], **made: Any
) -> Curve:
    """The curve of the runs that were done."""
    states, problem = [one[2] for one in found], task.problem
    told: dict[str, Any] = {"state": states[0]} if len(states) == 1 else {"states": states}
    return ensemble(
        task.record.astype(float),
        quantities,
        [(values, step) for values, step, _ in found],
        f"{task.method.label}, D = {problem.data}, P = {problem.parameters}",
        task.described() | told | made,
        steps=task.record,
        kind="simulation" if made.get("source") == "simulate" else "theory",
    )
