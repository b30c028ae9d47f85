"""The exact chain of the distances q_j = |delta on eigenspace j|, one number per eigenvalue.

Within an eigenspace x is isotropic and the update commutes with rotations, so that (q_j) is a
Markov chain of its own: with a_j ~ N(0, lambda_j) and b_j ~ lambda_j chi^2(n_j - 1),

    residual = sum q_j a_j - eps,   |x|^2 = sum (a_j^2 + b_j),
    q_j <- sqrt((q_j - w a_j)^2 + w^2 b_j).

Exact in law for every dimension; the cost of a step does not depend on it. Derived in
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

NORM = 1


@njit(cache=CACHED, nogil=True, error_model="numpy")
def length_of(roots, normals, rests, base, trace):
    """|x| / sqrt(tr K) of the sample that begins at `base`."""
    square = 0.0
    for j in range(roots.size):
        z = np.float64(normals[base + j])
        square += roots[j] * roots[j] * (z * z + rests[base + j])
    return math.sqrt(square / trace)


@njit(cache=CACHED, nogil=True, error_model="numpy")
def factor(residual, length, dimension, acts_on, t, p):
    """The number by which the sample is multiplied: psi(l), or psi(n) l / n (0 at n = 0)."""
    if acts_on != NORM:
        return rule(residual, t, p)
    n = abs(residual) * length
    weight = 0.0 if n == 0.0 else rule(n, t, p) / n * residual
    adapt(n, dimension, p)
    return weight


@njit(cache=CACHED, nogil=True, error_model="numpy")
def risk_of(q, roots):
    """R = sum lambda_j q_j^2 / 2."""
    total = 0.0
    for j in range(q.size):
        value = roots[j] * q[j]
        total += value * value
    return 0.5 * total


@njit(cache=CACHED, nogil=True, error_model="numpy")
def advance(q, roots, trace, normals, rests, noise, first, dimension, acts_on, record, risks, p):
    """Do `noise.size` steps from step `first` and write the risk at the recorded steps.

    Parameters
    ----------
    q : (m,) float64, changed in place
    roots : (m,) float64
        sqrt(lambda_j).
    trace, dimension : float
        tr K and d.
    normals, rests : (at least n m,) float32 and float64
        a_j / sqrt(lambda_j) and b_j / lambda_j, the m of a step side by side.
    noise : (n,) float64
    first : int
    record, risks : (T,) int64 and float64
    """
    m = q.size
    length = 1.0
    position = np.searchsorted(record, first, side="right")
    for step in range(noise.size):
        k = first + step
        base = step * m
        residual = -noise[step]
        for j in range(m):
            residual += q[j] * (roots[j] * np.float64(normals[base + j]))
        if acts_on == NORM:
            length = length_of(roots, normals, rests, base, trace)
        t = k / dimension
        w = rate(t, p) / dimension * factor(residual, length, dimension, acts_on, t, p)
        for j in range(m):
            across = w * roots[j]
            parallel = q[j] - across * np.float64(normals[base + j])
            q[j] = math.sqrt(parallel * parallel + across * across * rests[base + j])
        if position < record.size and record[position] == k + 1:
            risks[position] = risk_of(q, roots)
            position += 1


def warm_up():
    """Compile for the types of a run."""
    one, record, normals = np.ones(1), np.ones(1, dtype=np.int64), np.ones(1, dtype=np.float32)
    advance(
        one,
        one.copy(),
        1.0,
        normals,
        one.copy(),
        one.copy(),
        0,
        1.0,
        0,
        record,
        np.ones(1),
        np.ones(64),
    )
