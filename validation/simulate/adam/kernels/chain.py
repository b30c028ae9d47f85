"""Adam on streamed samples: m and v beside delta, no bias correction, nothing added to sqrt(v).

The step is stated in theory/adam/algorithm.py, and a test holds the loop to it.
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from numba import njit

from .....solvers.kernels.interface import rate
from .....solvers.kernels.normals import CACHED

# <<< provided by the generated module

SAFE_MATH = {"reassoc", "contract", "nsz", "arcp"}


@njit(cache=CACHED, nogil=True, fastmath=SAFE_MATH)
def projection(delta, scales, row):
    """x . delta for the sample x = scales * row."""
    total = 0.0
    for i in range(delta.size):
        total += delta[i] * scales[i] * np.float64(row[i])
    return total


@njit(cache=CACHED, nogil=True, error_model="numpy", fastmath=SAFE_MATH)
def step(delta, m, v, scales, rows, residuals, h, beta1, beta2):
    """Average the gradient of a batch and its square, and move coordinates by h m / sqrt(v)."""
    for i in range(delta.size):
        total = 0.0
        for b in range(residuals.size):
            total += residuals[b] * np.float64(rows[b, i])
        g = total * scales[i] / residuals.size
        m[i] = beta1 * m[i] + (1.0 - beta1) * g
        v[i] = beta2 * v[i] + (1.0 - beta2) * g * g
        if v[i] > 0.0:
            delta[i] -= h * m[i] / math.sqrt(v[i])


@njit(cache=CACHED, nogil=True, error_model="numpy")
def advance(delta, m, v, scales, rows, noise, first, dimension, betas, moving, record, states, p):
    """Do `noise.shape[0]` steps from step `first`; write delta at the recorded steps.

    Parameters
    ----------
    delta, m, v : (d,) float64, changed in place
    scales : (d,) float64
    rows : (n B, d) float32
        The samples are scales * rows, those of a batch one after the other.
    noise : (n, B) float64
    betas : (2,) float64
    moving : bool
        False: only the averages move, and nothing is recorded.
    record, states : (T,) int64 and (T, d) float64
    p : parameters of the rate
    """
    position = np.searchsorted(record, first, side="right")
    batch = noise.shape[1]
    residuals = np.empty(batch)
    for j in range(noise.shape[0]):
        k = first + j
        h = rate(k / dimension, p) / dimension if moving else 0.0
        own = rows[j * batch : (j + 1) * batch]
        for b in range(batch):
            residuals[b] = projection(delta, scales, own[b]) - noise[j, b]
        step(delta, m, v, scales, own, residuals, h, betas[0], betas[1])
        if moving and position < record.size and record[position] == k + 1:
            states[position] = delta
            position += 1


def warm_up():
    """Compile for the types of a run."""
    one, record, row = np.ones(1), np.ones(1, dtype=np.int64), np.ones((1, 1), dtype=np.float32)
    advance(
        one,
        one.copy(),
        one.copy(),
        one.copy(),
        row,
        np.ones((1, 1)),
        0,
        1.0,
        np.ones(2),
        False,
        record,
        np.ones((1, 1)),
        np.ones(64),
    )
