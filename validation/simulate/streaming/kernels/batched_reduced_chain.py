"""The exact chain of the distances q_j with a batch, at a cost of m + B numbers a step.

Let v_j = sqrt(lambda_j) q_j / sqrt(2R), the unit vector of the error in whitened coordinates. The
projections of B samples on it are standard normals z_b, the residuals sqrt(2R) z_b - eps_b. Given
those, whatever the weights h_b, the sum of the h_b x_b is Gaussian: with C = sum z_b h_b,
s^2 = sum h_b^2 and y_j standard normal, its part along delta in eigenspace j and the square of
its part across are

    u_j = sqrt(lambda_j) [v_j (C - s sum_i v_i y_i) + s y_j],
    beta_j ~ lambda_j s^2 chi^2(n_j - 1).

Without an error (R = 0) it is s y_j, the same formula with v = 0. Exact in law (derived here); a
rule on the norm of every sample needs the n_j - 1 other directions one by one and is not of this
form.
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from numba import njit

from .....solvers.kernels.interface import rate, rule
from .....solvers.kernels.normals import CACHED
from .batches import shrinkage

# <<< provided by the generated module

NORM = 1


@njit(cache=CACHED, nogil=True, error_model="numpy")
def scale_of(q, roots):
    """sqrt(2R), the length of roots q."""
    total = 0.0
    for j in range(q.size):
        value = roots[j] * q[j]
        total += value * value
    return math.sqrt(total)


@njit(cache=CACHED, nogil=True, error_model="numpy")
def weigh(scale, normals, base, noise, acts_on, t, p):
    """C and s of the batch whose projections begin at `base`."""
    along, square = 0.0, 0.0
    for b in range(noise.size):
        z = np.float64(normals[base + b])
        weight = scale * z - noise[b]
        if acts_on != NORM:
            weight = rule(weight, t, p)
        along += z * weight
        square += weight * weight
    return along, math.sqrt(square)


@njit(cache=CACHED, nogil=True, error_model="numpy")
def fill_parallel(out, q, roots, scale, along, s, normals, base):
    """out <- u_j, from the m standard normals y_j that begin at `base`."""
    inverse = 1.0 / scale if scale > 0.0 else 0.0
    overlap = 0.0
    for j in range(q.size):
        overlap += inverse * roots[j] * q[j] * np.float64(normals[base + j])
    for j in range(q.size):
        v = inverse * roots[j] * q[j]
        out[j] = roots[j] * (v * (along - s * overlap) + s * np.float64(normals[base + j]))


@njit(cache=CACHED, nogil=True, error_model="numpy")
def length_of_sum(parallel, roots, s, rests, base):
    """Length of the sum, from its parts along and across."""
    square = 0.0
    for j in range(roots.size):
        across = s * roots[j]
        square += parallel[j] * parallel[j] + across * across * rests[base + j]
    return math.sqrt(square)


@njit(cache=CACHED, nogil=True, error_model="numpy")
def move(q, parallel, roots, s, rests, base, w):
    """q_j <- sqrt((q_j - w u_j)^2 + w^2 beta_j)."""
    for j in range(q.size):
        ahead = q[j] - w * parallel[j]
        across = w * s * roots[j]
        q[j] = math.sqrt(ahead * ahead + across * across * rests[base + j])


@njit(cache=CACHED, nogil=True, error_model="numpy")
def advance(
    q, roots, trace, normals, rests, noise, first, dimension, acts_on, pool, batch, record, risks, p
):
    """Do `noise.size // batch` steps from step `first`; write the risk at the recorded steps.

    Parameters
    ----------
    q : (m,) float64, changed in place
    roots : (m,) float64
        sqrt(lambda_j).
    trace, dimension : float
        tr K and d.
    normals : (at least n (batch + m),) float32
        For each step the z_b and then the y_j.
    rests : (at least n m,) float64
        beta_j / (lambda_j s^2).
    noise : (n batch,) float64
    first, pool : int
        The rule acts on the residual of each sample or on the norm of their mean; `pool` is not
        needed to tell.
    record, risks : (T,) int64 and float64
    """
    m = q.size
    parallel, unit = np.empty(m), batch * math.sqrt(trace)
    position = np.searchsorted(record, first, side="right")
    for step in range(noise.size // batch):
        k = first + step
        t = k / dimension
        base, scale = step * (batch + m), scale_of(q, roots)
        now = noise[step * batch : (step + 1) * batch]
        along, s = weigh(scale, normals, base, now, acts_on, t, p)
        fill_parallel(parallel, q, roots, scale, along, s, normals, base + batch)
        w = rate(t, p) / (dimension * batch)
        if acts_on == NORM:
            n = length_of_sum(parallel, roots, s, rests, step * m) / unit
            w *= shrinkage(n, dimension, t, p)
        move(q, parallel, roots, s, rests, step * m, w)
        if position < record.size and record[position] == k + 1:
            risks[position] = 0.5 * scale_of(q, roots) ** 2
            position += 1


def warm_up():
    """Compile for the types of a run."""
    one, record, normals = np.ones(1), np.ones(1, dtype=np.int64), np.ones(2, dtype=np.float32)
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
        0,
        1,
        record,
        np.ones(1),
        np.ones(64),
    )
