"""The real algorithm on independent coordinates x_i = sqrt(lambda_i) z_i, z standard normal.

State phi_i = sqrt(lambda_i) delta_i, so that the residual is z . phi - eps and R = |phi|^2 / 2.
The normals come in blocks, float32; the state is float64, in loops that vectorise. One pass over
the state moves it and projects it on the next sample: memory, not arithmetic, bounds a long one.
The step is stated in theory/streaming/algorithm.py, and a test holds the loop to it.
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from numba import njit

from .....solvers.kernels.interface import adapt, rate, rule
from .....solvers.kernels.normals import CACHED

# <<< provided by the generated module

NORM, COORDINATE = 1, 2
SAFE_MATH = {"reassoc", "contract", "nsz", "arcp"}


@njit(cache=CACHED, nogil=True, fastmath=SAFE_MATH)
def half_square(phi):
    """The risk, |phi|^2 / 2."""
    total = 0.0
    for i in range(phi.size):
        total += phi[i] * phi[i]
    return 0.5 * total


@njit(cache=CACHED, nogil=True, fastmath=SAFE_MATH)
def inner(phi, z):
    """z . phi."""
    total = 0.0
    for i in range(phi.size):
        total += phi[i] * np.float64(z[i])
    return total


@njit(cache=CACHED, nogil=True, fastmath=SAFE_MATH)
def weighted_square(variances, z):
    """|x|^2 = sum of lambda_i z_i^2."""
    total = 0.0
    for i in range(variances.size):
        zi = np.float64(z[i])
        total += variances[i] * zi * zi
    return total


@njit(cache=CACHED, nogil=True, forceinline=True, fastmath=SAFE_MATH)
def move(phi, variances, z, w, ahead):
    """delta <- delta - w x in the coordinates of the state; returns ahead . phi."""
    total = 0.0
    for i in range(phi.size):
        moved = phi[i] - w * variances[i] * np.float64(z[i])
        phi[i] = moved
        total += moved * np.float64(ahead[i])
    return total


@njit(cache=CACHED, nogil=True, forceinline=True, fastmath=SAFE_MATH)
def move_measured(phi, variances, z, w, ahead):
    """Like `move`; returns ahead . phi and the |x|^2 of the sample ahead."""
    total = 0.0
    square = 0.0
    for i in range(phi.size):
        moved = phi[i] - w * variances[i] * np.float64(z[i])
        phi[i] = moved
        zi = np.float64(ahead[i])
        total += moved * zi
        square += variances[i] * zi * zi
    return total, square


@njit(cache=CACHED, nogil=True, forceinline=True, error_model="numpy", fastmath=SAFE_MATH)
def move_coordinates(phi, roots, z, residual, h, t, p, ahead):
    """delta_i <- delta_i - h psi(residual x_i), the rule on the gradient; returns ahead . phi."""
    total = 0.0
    for i in range(phi.size):
        moved = phi[i] - h * roots[i] * rule(residual * roots[i] * np.float64(z[i]), t, p)
        phi[i] = moved
        total += moved * np.float64(ahead[i])
    return total


@njit(cache=CACHED, nogil=True, forceinline=True, error_model="numpy")
def norm_factor(residual, length, dimension, t, p):
    """psi(n) / n times the residual, n = |residual| length; 0 where the gradient is 0."""
    n = abs(residual) * length
    factor = 0.0 if n == 0.0 else rule(n, t, p) / n * residual
    adapt(n, dimension, p)
    return factor


@njit(cache=CACHED, nogil=True, forceinline=True, error_model="numpy")
def step(phi, roots, variances, z, residual, length, dimension, h, t, acts_on, p, ahead):
    """One step on the sample sqrt(lambda) z; the next one's projection and, if used, |x|^2."""
    if acts_on == COORDINATE:
        return move_coordinates(phi, roots, z, residual, h, t, p, ahead), 0.0
    if acts_on == NORM:
        w = h * norm_factor(residual, length, dimension, t, p)
        return move_measured(phi, variances, z, w, ahead)
    return move(phi, variances, z, h * rule(residual, t, p), ahead), 0.0


@njit(cache=CACHED, nogil=True, error_model="numpy")
def advance(phi, roots, variances, normals, noise, first, dimension, acts_on, record, risks, p):
    """Do `noise.size` steps from step `first` and write the risk at the recorded steps.

    Parameters
    ----------
    phi : (m,) float64, changed in place
    roots, variances : (m,) float64
        sqrt(lambda_i) and lambda_i.
    normals : (at least n m,) float32
        The m of a step side by side.
    noise : (n,) float64
        Label noise of the steps.
    first : int
    dimension : float
        d (coordinates in which the data do not vary may be left out of the state).
    record, risks : (T,) int64 and float64
        Increasing step numbers; the risk after that many steps.
    p : parameters of the rule and the rate, which a running threshold changes
    """
    m = phi.size
    trace = variances.sum()
    position = np.searchsorted(record, first, side="right")
    ahead = normals[:m]
    projection, square = inner(phi, ahead), weighted_square(variances, ahead)
    for j in range(noise.size):
        k = first + j
        t = k / dimension
        h = rate(t, p) / dimension
        z = ahead
        if j + 1 < noise.size:
            ahead = normals[(j + 1) * m : (j + 2) * m]
        residual, length = projection - noise[j], math.sqrt(square / trace)
        projection, square = step(
            phi, roots, variances, z, residual, length, dimension, h, t, acts_on, p, ahead
        )
        if position < record.size and record[position] == k + 1:
            risks[position] = half_square(phi)
            position += 1


def warm_up():
    """Compile for the types of a run."""
    one, record = np.ones(1), np.ones(1, dtype=np.int64)
    normals, p = np.empty(256, dtype=np.float32), np.ones(64)
    advance(one, one.copy(), one.copy(), normals, one.copy(), 0, 1.0, 0, record, np.ones(1), p)
