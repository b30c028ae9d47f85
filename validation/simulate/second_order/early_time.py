"""Two steps of second-order regression, measured on antithetic pairs of curvatures.

The pair Q and −Q sees the same batches, so that all terms of odd order in Q cancel exactly. They
are the larger ones: without the pairing the second order would drown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....solvers.core import random
from ....solvers.second_order.algorithm import check_dense
from ....solvers.second_order.arguments import Request, Seed
from ....solvers.second_order.curvature import DenseCurvature
from ....solvers.second_order.early_time import EarlyTime, all_modes
from ....solvers.second_order.motion import State
from ....theory.core.checks import count
from ....theory.methods.base import Method
from ....theory.methods.sampling import draw_masks
from ....theory.second_order.problem import QuadraticRegression

Array = NDArray[np.float64]

#: label of a run's key for its batches
_BATCHES = 0


@dataclass(frozen=True, eq=False)
class EarlyTimeRuns:
    """Means and standard errors over antithetic pairs, named as in `EarlyTime`.

    ``singular_shift`` and ``kernel_*`` hold all orders in q and the finite P, so that they meet the
    formulas as q and 1/P go to zero.
    """

    mean: EarlyTime
    error: EarlyTime
    runs: int


def early_time_runs(
    problem: QuadraticRegression, method: Method, runs: int = 200, seed: Seed = None
) -> EarlyTimeRuns:
    """Measure what `early_time` predicts.

    Parameters
    ----------
    problem : QuadraticRegression
    method : GradientDescent or SGD
    runs : int
        Antithetic pairs, each with its own curvature and batches.
    seed : int, SeedSequence or None

    Returns
    -------
    EarlyTimeRuns

    Raises
    ------
    InvalidInput, NotAvailable
        A curvature above 4 GiB; a schedule, or momentum.

    Examples
    --------
    >>> import limitlab as ll
    >>> problem = ll.QuadraticRegression(2, 50, 0.3, [[2, 0.5], [0.5, 1]], [1, -0.5])
    >>> found = ll.early_time_runs(problem, ll.GradientDescent(0.1), runs=4, seed=1)
    >>> found.runs
    4
    """
    ask = Request.of(problem, method, seed)
    check_dense(problem)
    g = ask.constant_rate("both steps have one size") / ask.batches.batch
    samples = np.stack(
        [_pair(ask, g, random.child(ask.sequence, k)) for k in range(count("runs", runs, 2))]
    )
    s = np.linalg.svd(problem.G, compute_uv=False)
    mean, error = samples.mean(axis=0), samples.std(axis=0, ddof=1) / np.sqrt(runs)
    return EarlyTimeRuns(EarlyTime(s, *mean), EarlyTime(np.zeros_like(s), *error), runs)


def _pair(ask: Request, g: float, sequence: np.random.SeedSequence) -> Array:
    problem = ask.problem
    shape = problem.data, problem.parameters
    curvature = DenseCurvature.draw(sequence, shape, problem.q)
    rng = np.random.default_rng(random.child(sequence, _BATCHES))
    masks = draw_masks(ask.batches, 2, rng)
    both = (curvature, curvature.opposite())
    return np.mean([two_steps(problem, g, one, masks) for one in both], axis=0)


def two_steps(problem: Any, g: float, curvature: DenseCurvature, masks: Array) -> Array:
    """Measure all quantities of `EarlyTime` but the first for one curvature, (6, modes)."""
    U, s, V = np.linalg.svd(problem.G, full_matrices=False)
    state = State.start(problem.z0, problem.G)
    jacobians = [state.J]
    for mask in masks:
        state.move(curvature, state.batch_force(g, mask))
        jacobians.append(state.J)
    overlaps = np.array([np.einsum("ka,kp,ap->a", U, J, V) for J in jacobians])
    kernels = np.array([np.sum((U.T @ J) ** 2, axis=1) for J in jacobians])
    return np.stack(
        [
            *_differences(overlaps),
            np.linalg.svd(jacobians[1], compute_uv=False) - s,
            _flow_second(problem, curvature)[: s.size],
            *_differences(kernels),
        ]
    )


def _differences(f: Array) -> tuple[Array, Array]:
    return f[1] - f[0], f[2] - 2 * f[1] + f[0]


def _flow_second(problem: Any, curvature: DenseCurvature) -> Array:
    """Second time derivative of the eigenvalues of JJᵀ under θ' = −Jᵀz, for this curvature."""
    z, J = problem.z0, problem.G
    U, s = all_modes(J)
    v = J.T @ z
    velocity = -curvature.apply(v)
    acceleration = -curvature.apply(velocity.T @ z - J.T @ (J @ v))
    first = U.T @ (velocity @ J.T + J @ velocity.T) @ U
    second = acceleration @ J.T + 2 * velocity @ velocity.T + J @ acceleration.T
    gaps = s[:, None] ** 2 - s[None, :] ** 2
    repulsion = np.divide(first**2, gaps, out=np.zeros_like(first), where=gaps != 0)
    return np.einsum("ka,kl,la->a", U, second, U) + 2 * repulsion.sum(axis=1)
