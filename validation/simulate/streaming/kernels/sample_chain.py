"""The real algorithm on given samples: blocks of correlated Gaussian rows, or rows of data.

State delta; the residual of sample x is x . delta - eps. The step is stated in
theory/streaming/algorithm.py, and a test holds the loop to it.
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
def project(delta, x):
    """x . delta."""
    total = 0.0
    for i in range(delta.size):
        total += delta[i] * np.float64(x[i])
    return total


@njit(cache=CACHED, nogil=True, fastmath=SAFE_MATH)
def square_length(x):
    """|x|^2."""
    total = 0.0
    for i in range(x.size):
        xi = np.float64(x[i])
        total += xi * xi
    return total


@njit(cache=CACHED, nogil=True, fastmath=SAFE_MATH)
def move(delta, x, w):
    """delta <- delta - w x."""
    for i in range(delta.size):
        delta[i] -= w * np.float64(x[i])


@njit(cache=CACHED, nogil=True, error_model="numpy", fastmath=SAFE_MATH)
def move_coordinates(delta, x, residual, h, t, p):
    """delta_i <- delta_i - h psi(residual x_i): the rule acts on the gradient itself."""
    for i in range(delta.size):
        delta[i] -= h * rule(residual * np.float64(x[i]), t, p)


@njit(cache=CACHED, nogil=True, error_model="numpy")
def norm_factor(residual, length, root_trace, dimension, t, p):
    """psi(n) / n times the residual, n = |gradient| / sqrt(tr K); 0 where the gradient is 0."""
    n = abs(residual) * length / root_trace
    factor = 0.0 if n == 0.0 else rule(n, t, p) / n * residual
    adapt(n, dimension, p)
    return factor


@njit(cache=CACHED, nogil=True, error_model="numpy")
def advance(delta, samples, chosen, noise, first, acts_on, root_trace, record, states, p):
    """Do `chosen.size` steps from step `first` and copy the state at the recorded steps.

    Parameters
    ----------
    delta : (d,) float64, changed in place
    samples : (n, d) float32 or float64
    chosen : (steps,) int64
        The row of `samples` that each step sees.
    noise : (steps,) float64
    root_trace : float
        sqrt(tr K), the unit of the gradient norm.
    record, states : (T,) int64 and (T, d) float64
    """
    d = delta.size
    position = np.searchsorted(record, first, side="right")
    for j in range(chosen.size):
        k = first + j
        x = samples[chosen[j]]
        t = k / d
        h = rate(t, p) / d
        residual = project(delta, x) - noise[j]
        if acts_on == COORDINATE:
            move_coordinates(delta, x, residual, h, t, p)
        elif acts_on == NORM:
            length = math.sqrt(square_length(x))
            move(delta, x, h * norm_factor(residual, length, root_trace, d, t, p))
        else:
            move(delta, x, h * rule(residual, t, p))
        if position < record.size and record[position] == k + 1:
            states[position] = delta
            position += 1


def warm_up():
    """Compile for the types of a run: float32 Gaussian rows and float64 data."""
    one, record, chosen = np.ones(1), np.ones(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    for kind in (np.float32, np.float64):
        samples = np.ones((1, 1), dtype=kind)
        advance(one, samples, chosen, one.copy(), 0, 0, 1.0, record, np.ones((1, 1)), np.ones(64))
