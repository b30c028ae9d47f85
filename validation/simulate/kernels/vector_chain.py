"""The real algorithm on independent coordinates x_i = sqrt(lambda_i) z_i, z standard normal.

State phi_i = sqrt(lambda_i) delta_i, so that the residual is z . phi - eps and R = |phi|^2 / 2.
The normals come in blocks, float32; the state is float64, in loops that vectorise.
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from numba import njit

from ....solvers.kernels.interface import rate, rule
from ....solvers.kernels.normals import CACHED

# <<< provided by the generated module

RESIDUAL, NORM, COORDINATE = 0, 1, 2
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
def inner_and_square(phi, variances, z):
    """z . phi and |x|^2 = sum of lambda_i z_i^2."""
    total = 0.0
    square = 0.0
    for i in range(phi.size):
        zi = np.float64(z[i])
        total += phi[i] * zi
        square += variances[i] * zi * zi
    return total, square


@njit(cache=CACHED, nogil=True, fastmath=SAFE_MATH)
def move(phi, variances, z, w):
    """delta <- delta - w x, in the coordinates of the state."""
    for i in range(phi.size):
        phi[i] -= w * variances[i] * np.float64(z[i])


@njit(cache=CACHED, nogil=True, error_model="numpy", fastmath=SAFE_MATH)
def move_coordinates(phi, roots, z, residual, h, t, p):
    """delta_i <- delta_i - h psi(residual x_i): the rule acts on the gradient itself."""
    for i in range(phi.size):
        phi[i] -= h * roots[i] * rule(residual * roots[i] * np.float64(z[i]), t, p)


@njit(cache=CACHED, nogil=True, error_model="numpy")
def norm_factor(residual, length, t, p):
    """psi(n) / n times the residual, n = |residual| length; 0 where the gradient is 0."""
    n = abs(residual) * length
    if n == 0.0:
        return 0.0
    return rule(n, t, p) / n * residual


@njit(cache=CACHED, nogil=True, error_model="numpy")
def step(phi, roots, variances, z, eps, h, t, acts_on, trace, p):
    """One step of the algorithm on the sample sqrt(lambda) z."""
    if acts_on == COORDINATE:
        residual = inner(phi, z) - eps
        move_coordinates(phi, roots, z, residual, h, t, p)
    elif acts_on == NORM:
        projection, square = inner_and_square(phi, variances, z)
        length = math.sqrt(square / trace)
        move(phi, variances, z, h * norm_factor(projection - eps, length, t, p))
    else:
        residual = inner(phi, z) - eps
        move(phi, variances, z, h * rule(residual, t, p))


@njit(cache=CACHED, nogil=True, error_model="numpy")
def advance(phi, roots, variances, normals, noise, first, dimension, acts_on, record, risks, p):
    """Do `noise.size` steps from step `first` and write the risk at the recorded steps.

    Parameters
    ----------
    phi : (m,) float64, changed in place
    roots, variances : (m,) float64
        sqrt(lambda_i) and lambda_i.
    normals : (at least n m,) float32
    noise : (n,) float64
        Label noise of the steps.
    first : int
    dimension : float
        d (coordinates in which the data do not vary may be left out of the state).
    record, risks : (T,) int64 and float64
        Increasing step numbers; the risk after that many steps.
    p : parameters of the rule and the rate
    """
    m = phi.size
    trace = variances.sum()
    position = np.searchsorted(record, first, side="right")
    for j in range(noise.size):
        k = first + j
        t = k / dimension
        h = rate(t, p) / dimension
        z = normals[j * m : (j + 1) * m]
        step(phi, roots, variances, z, noise[j], h, t, acts_on, trace, p)
        if position < record.size and record[position] == k + 1:
            risks[position] = half_square(phi)
            position += 1


def warm_up():
    """Compile for the types of a run."""
    one, record = np.ones(1), np.ones(1, dtype=np.int64)
    normals, p = np.empty(256, dtype=np.float32), np.ones(64)
    advance(one, one.copy(), one.copy(), normals, one.copy(), 0, 1.0, 0, record, np.ones(1), p)
