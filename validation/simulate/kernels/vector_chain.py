"""The real algorithm on independent coordinates x_i = sqrt(lambda_i) z_i, z standard normal.

State phi_i = sqrt(lambda_i) delta_i, so that the residual is z . phi - eps and R = |phi|^2 / 2.
Each group of steps fills one float32 buffer of normals; the step then updates the float64
state in loops that vectorise.
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from numba import njit

from ....solvers.kernels.interface import rate, rule
from ....solvers.kernels.normals import CACHED, fill_normals

# <<< provided by the generated module

RESIDUAL, NORM, COORDINATE = 0, 1, 2
SAFE_MATH = {"reassoc", "contract", "nsz", "arcp"}
STREAM = np.uint32(0)


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
def norm_factor(residual, length, root_trace, t, p):
    """psi(n) / n times the residual, n = |gradient| / sqrt(tr K); 0 where the gradient is 0."""
    n = abs(residual) * length / root_trace
    if n == 0.0:
        return 0.0
    return rule(n, t, p) / n * residual


@njit(cache=CACHED, nogil=True, error_model="numpy")
def advance(
    phi, roots, variances, noise, first, dimension, acts_on, key, record, risks, buffer,
    steps_in_group, p,
):  # fmt: skip
    """Do `noise.size` steps from step `first` and write the risk at the recorded steps.

    Parameters
    ----------
    phi : (m,) float64, changed in place
    roots, variances : (m,) float64
        sqrt(lambda_i) and lambda_i.
    noise : (n,) float64
        Label noise of the steps.
    first : int
        A multiple of `steps_in_group`.
    dimension : float
        d (coordinates in which the data do not vary may be left out of the state).
    record, risks : (T,) int64 and float64
        Increasing step numbers; the risk after that many steps.
    buffer : float32
    steps_in_group : int
        Steps that share one filling of the buffer.
    p : parameters of the rule and the rate
    """
    m = phi.size
    root_trace = math.sqrt(variances.sum())
    position = np.searchsorted(record, first, side="right")
    for j in range(noise.size):
        k = first + j
        place = k % steps_in_group
        if place == 0:
            fill_normals(key, np.uint64(k // steps_in_group), STREAM, buffer)
        z = buffer[place * m : (place + 1) * m]
        t = k / dimension
        h = rate(t, p) / dimension
        residual = inner(phi, z) - noise[j]
        if acts_on == COORDINATE:
            move_coordinates(phi, roots, z, residual, h, t, p)
        elif acts_on == NORM:
            length = math.sqrt(weighted_square(variances, z))
            move(phi, variances, z, h * norm_factor(residual, length, root_trace, t, p))
        else:
            move(phi, variances, z, h * rule(residual, t, p))
        if position < record.size and record[position] == k + 1:
            risks[position] = half_square(phi)
            position += 1


def warm_up():
    """Compile for the types of a run."""
    one, record = np.ones(1), np.ones(1, dtype=np.int64)
    buffer = np.empty(256, dtype=np.float32)
    key, p = np.uint64(0), np.ones(64)
    advance(
        one, one.copy(), one.copy(), one.copy(), 0, 1.0, 0, key, record, np.ones(1), buffer,
        1, p,
    )  # fmt: skip
