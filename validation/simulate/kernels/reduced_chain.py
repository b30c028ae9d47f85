"""The exact chain of the distances q_j = |delta on eigenspace j|, one number per eigenvalue.

Within an eigenspace x is isotropic and the update commutes with rotations, so that (q_j) is a
Markov chain of its own: with a_j ~ N(0, lambda_j) and b_j ~ lambda_j chi^2(n_j - 1),

    residual = sum q_j a_j - eps,   |x|^2 = sum (a_j^2 + b_j),
    q_j <- sqrt((q_j - w a_j)^2 + w^2 b_j).

Exact in law for every dimension; the cost of a step does not depend on it (derived here).
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from numba import njit

from ....solvers.kernels.interface import rate, rule
from ....solvers.kernels.normals import (
    CACHED,
    box_muller,
    fill_normals,
    fill_uniforms,
    philox,
    uniform,
)

# <<< provided by the generated module

NORM = 1
ALONG, ACROSS, UNIFORMS, RETRIES = np.uint32(0), np.uint32(1), np.uint32(2), np.uint32(3)


@njit(cache=CACHED, nogil=True, error_model="numpy")
def accepts(x, v, u, shape):
    """The test of Marsaglia and Tsang for shape * v with v = (1 + x / (3 sqrt shape))^3."""
    square = x * x
    if u < 1.0 - 0.0331 * square * square:
        return True
    return v > 0.0 and math.log(u) < 0.5 * square + shape * (1.0 - v + math.log(v))


@njit(cache=CACHED, nogil=True, error_model="numpy")
def retry(shape, scale, key, group, index):
    """Further candidates of one number, each from a stream of its own, until one is accepted."""
    k0, k1 = np.uint32(key), np.uint32(key >> np.uint64(32))
    g0, g1 = np.uint32(group), np.uint32(group >> np.uint64(32))
    stream = RETRIES
    while True:
        r0, r1, r2, _ = philox(np.uint32(index), g0, g1, stream, k0, k1)
        x = np.float64(box_muller(r0, r1)[0])
        root = 1.0 + scale * x
        v = root * root * root
        if v > 0.0 and accepts(x, v, uniform(r2), shape):
            return v
        stream = np.uint32(stream + np.uint32(1))


@njit(cache=CACHED, nogil=True, error_model="numpy")
def fill_chi_squares(freedoms, steps, key, group, candidates, uniforms, out):
    """Fill out[k * m + j] with chi-square numbers of freedoms[j] = 0, 1, 2, ... degrees.

    Above one degree by the exact rejection method of Marsaglia and Tsang (ACM TOMS 26, 2000).
    A function of (key, group) only: a retry has a counter of its own.
    """
    fill_normals(key, group, ACROSS, candidates)
    fill_uniforms(key, group, UNIFORMS, uniforms)
    m = freedoms.size
    for j in range(m):
        shape = 0.5 * freedoms[j] - 1.0 / 3.0
        scale = 1.0 / math.sqrt(9.0 * max(shape, 0.5))
        for i in range(j, steps * m, m):
            x = np.float64(candidates[i])
            root = 1.0 + scale * x
            v = root * root * root
            if freedoms[j] < 2.0:
                out[i] = freedoms[j] * x * x
            elif v > 0.0 and accepts(x, v, uniforms[i], shape):
                out[i] = 2.0 * shape * v
            else:
                out[i] = 2.0 * shape * retry(shape, scale, key, group, i)


@njit(cache=CACHED, nogil=True, error_model="numpy")
def factor(residual, square, trace, acts_on, t, p):
    """The number by which the sample is multiplied: psi(l), or psi(n) l / n (0 at n = 0)."""
    if acts_on != NORM:
        return rule(residual, t, p)
    n = abs(residual) * math.sqrt(square / trace)
    if n == 0.0:
        return 0.0
    return rule(n, t, p) / n * residual


@njit(cache=CACHED, nogil=True, error_model="numpy")
def risk_of(q, roots):
    """R = sum lambda_j q_j^2 / 2."""
    total = 0.0
    for j in range(q.size):
        value = roots[j] * q[j]
        total += value * value
    return 0.5 * total


@njit(cache=CACHED, nogil=True, error_model="numpy")
def advance(
    q, roots, freedoms, noise, first, dimension, trace, acts_on, key, record, risks,
    normals, candidates, uniforms, rests, steps_in_group, p,
):  # fmt: skip
    """Do `noise.size` steps from step `first` and write the risk at the recorded steps.

    Parameters
    ----------
    q : (m,) float64, changed in place
    roots, freedoms : (m,) float64
        sqrt(lambda_j) and n_j - 1.
    noise : (n,) float64
    first : int
        A multiple of `steps_in_group`.
    dimension, trace : float
        d and tr K.
    record, risks : (T,) int64 and float64
    normals, candidates, uniforms, rests
        Buffers for the random numbers of `steps_in_group` steps.
    """
    m = q.size
    position = np.searchsorted(record, first, side="right")
    for step in range(noise.size):
        k = first + step
        base = (k % steps_in_group) * m
        if base == 0:
            group = np.uint64(k // steps_in_group)
            fill_normals(key, group, ALONG, normals)
            fill_chi_squares(freedoms, steps_in_group, key, group, candidates, uniforms, rests)
        projection = 0.0
        square = 0.0
        for j in range(m):
            along = roots[j] * np.float64(normals[base + j])
            projection += q[j] * along
            square += along * along + roots[j] * roots[j] * rests[base + j]
        t = k / dimension
        size = factor(projection - noise[step], square, trace, acts_on, t, p)
        w = rate(t, p) / dimension * size
        for j in range(m):
            parallel = q[j] - w * roots[j] * np.float64(normals[base + j])
            across = w * roots[j]
            q[j] = math.sqrt(parallel * parallel + across * across * rests[base + j])
        if position < record.size and record[position] == k + 1:
            risks[position] = risk_of(q, roots)
            position += 1


def warm_up():
    """Compile for the types of a run."""
    one, record = np.ones(1), np.ones(1, dtype=np.int64)
    normals, candidates = np.empty(256, dtype=np.float32), np.empty(256, dtype=np.float32)
    advance(
        one, one.copy(), one.copy(), one.copy(), 0, 1.0, 1.0, 0, np.uint64(0), record,
        np.ones(1), normals, candidates, np.empty(256), np.empty(256), 1, np.ones(64),
    )  # fmt: skip
