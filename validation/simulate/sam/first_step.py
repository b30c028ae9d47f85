"""The first step of SAM, measured on antithetic pairs of curvatures.

The pair Q and −Q sees the same batches, so that all terms of odd order in Q cancel exactly.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....solvers.core import random
from ....solvers.second_order.algorithm import check_dense
from ....solvers.second_order.curvature import DenseCurvature
from ....theory.core.checks import count
from ....theory.methods.sampling import batches_of, draw_masks
from ....theory.sam.step import constant_rate

Array = NDArray[np.float64]

_BATCHES = 0


def first_step_runs(problem: Any, method: Any, runs: int = 200, seed: Any = None) -> Array:
    """Measure 2 s_a u_aᵀ(J₁ − J₀)v_a/D, the change of s_a²/D to first order, for every pair.

    Parameters
    ----------
    problem : QuadraticRegression
    method : SAM
        Not normalised, with a constant rate.
    runs : int
        Antithetic pairs, each with its own curvature and batch.

    Returns
    -------
    (runs, modes) array
    """
    check_dense(problem)
    constant_rate(method, "the step has one size")
    sequence, (U, s, V) = random.seed_sequence(seed), np.linalg.svd(problem.G, full_matrices=False)
    scale = 2 * s / problem.data
    pairs = (_pair(problem, method, random.child(sequence, k)) for k in range(count("runs", runs)))
    return np.array([scale * np.einsum("ka,kp,ap->a", U, change, V) for change in pairs])


def _pair(problem: Any, method: Any, sequence: np.random.SeedSequence) -> Array:
    """J₁ − J₀, averaged over Q and −Q."""
    drawn = batches_of(method, problem.data)
    rng = np.random.default_rng(random.child(sequence, _BATCHES))
    mask = draw_masks(drawn, 1, rng)[0]
    shape = problem.data, problem.parameters
    one = DenseCurvature.draw(sequence, shape, problem.q)
    return np.mean([_change(problem, method, Q, mask) for Q in (one, one.opposite())], axis=0)


def _change(problem: Any, method: Any, Q: DenseCurvature, mask: Array) -> Array:
    z, J = problem.z0, problem.G
    batch = batches_of(method, problem.data).batch
    climb = method.radius / batch * (mask * z) @ J
    bend = Q.apply(climb)
    up = z + J @ climb + bend @ climb / 2
    return Q.apply(-float(method.rate) / batch * (mask * up) @ (J + bend))
