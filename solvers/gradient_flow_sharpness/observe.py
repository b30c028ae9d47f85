r"""What is recorded of a network: loss, sharpness, Hessian, the sharpness at the end of its flow.

Scalar network: :math:`J_i=\pi/w_i`, Hessian :math:`JJ^\top+(\pi-1)\,\partial^2\pi`; only the
sharpness at the end of the flow is monotone: that of the iterate oscillates.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.gradient_flow_sharpness.problem import DiagonalLinearNetwork
from .flow_end import certificate, diagonal_end, diagonal_sharpness, flow_squares

Array = NDArray[np.float64]

SCALAR = ("loss", "sharpness", "flow_sharpness", "hessian", "certificate", "product")
DIAGONAL = ("loss", "sharpness", "flow_sharpness", "hessian")


def scalar(squares: Array, product: Array, rate: float) -> Array:
    """The quantities of squares (T, D) and products (T,), rows of NaN kept; (6, T)."""
    found = np.full((len(SCALAR), len(product)), np.nan)
    there = np.isfinite(squares).all(axis=1) & (np.nan_to_num(product) > 0)
    s, p = squares[there], product[there]
    if len(p):
        found[:, there] = [
            (p - 1) ** 2 / 2,
            np.sum(p[:, None] ** 2 / s, axis=1),
            np.sum(1 / flow_squares(s), axis=1),
            _top(s, p),
            certificate(s, p, rate),
            p,
        ]
    return found


def _top(squares: Array, product: Array) -> Array:
    """λ_max of the Hessian: π/(w_iw_j) (2π − 1) off the diagonal, π²/w_i² on it."""
    w = np.sqrt(squares)
    outer = product[:, None, None] / (w[:, :, None] * w[:, None, :])
    on = np.eye(w.shape[1])
    factor = product[:, None, None] + (product - 1)[:, None, None] * (1 - on)
    return np.linalg.eigvalsh(outer * factor)[:, -1]


def diagonal(problem: DiagonalLinearNetwork, A: Array, B: Array) -> Array:
    """The quantities of the squares A, B (T, d); (4, T)."""
    found = np.full((len(DIAGONAL), len(A)), np.nan)
    there = np.isfinite(A).all(axis=1) & np.isfinite(B).all(axis=1)
    found[:, there] = np.array(
        [_diagonal(problem, a, b) for a, b in zip(A[there], B[there], strict=True)]
    ).T
    return found


def _diagonal(problem: DiagonalLinearNetwork, a: Array, b: Array) -> tuple[float, ...]:
    X, N = problem.inputs, problem.data
    residual = X @ (a - b) - problem.targets
    U, V = diagonal_end(problem, np.sqrt(a), np.sqrt(b))
    J = 2 * np.hstack([X * np.sqrt(a), -X * np.sqrt(b)])
    pull = 2 * X.T @ residual / N
    hessian = J.T @ J / N + np.diag(np.concatenate([pull, -pull]))
    return (
        float(residual @ residual) / (2 * N),
        diagonal_sharpness(X, a + b),
        diagonal_sharpness(X, U**2 + V**2),
        float(np.linalg.eigvalsh(hessian)[-1]),
    )


def squares_of(problem: Any) -> tuple[Any, ...]:
    """The states of the closed map at the start."""
    if isinstance(problem, DiagonalLinearNetwork):
        return problem.u**2, problem.v**2
    return float(np.prod(problem.weights)), problem.weights**2
