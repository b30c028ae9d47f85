"""The limiting SDE of the moments of all modes, one path, from normals that are given.

    dY = (slope of the limit) dt + dM,   d⟨M⟩/dt = G/d   with G as for the fluctuations.

A mode's moments are Y = Z Zᵀ; the gradient's noise along its states is ξ = Z ω, the same number for
all of them in every direction that Z spans (one Brownian motion a direction). With
1 + θ = √(1 + e R/D), e = E − F²/H, and η = Σ ξ_δ,

    dM = −λ √(D/d) ½ (b ξ′ᵀ + ξ′ bᵀ) + √(H/d) (V + (F/H) U) dB,   ξ′ = ξ + θ Y_δ η/R,

has exactly the covariance G/d (derived here). Drift by the midpoint rule. Where noise takes a mode
below zero its root is that of 0: its mean, which is linear, stays that of the limit.
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from ...kernels.interface import MOMENTS, any_law, gains, scalar
from ...kernels.linear_noise import noise_strengths
from ...kernels.tabulated import scaled_coefficients
from .dynamics import add_products, fill, sourced, total

# <<< provided by the generated module


@scalar
def drift_of(y, rates, sources, t, rules, matrices, out):
    """Write the slope of the limit; return the risk."""
    law, table, factors = rules
    own, pulled, pushed = matrices
    risk = max(total(y[0]), 0.0)
    drift, noise = scaled_coefficients(risk, t, law, table, factors)
    fill(t, law[0], matrices)
    for a in range(pushed.size):
        for b in range(pushed.size):
            pulled[a, b] *= 0.5 * drift
    sourced(pushed, sources, noise, out)
    add_products(own, pulled, rates, y, out)
    return risk


@scalar
def root(y, i, place, z):
    """Fill the lower triangle Z with Z Zᵀ = Y of a mode; where noise has made that of no vectors,
    with no more than the squares of each state."""
    for a in range(z.shape[0]):
        left = max(y[place[a, a], i], 0.0)
        for b in range(a):
            value = y[place[a, b], i]
            for k in range(b):
                value -= z[a, k] * z[b, k]
            most = math.sqrt(left)
            z[a, b] = min(max(value / z[b, b], -most), most) if z[b, b] > 0.0 else 0.0
            left = max(left - z[a, b] * z[a, b], 0.0)
        z[a, a] = math.sqrt(left)


@scalar
def one_step(y, modes, t, h, normals, rules, kept, work):
    """Advance the moments by h."""
    rates, sources, pairs, place, d = modes
    change, middle, xi, z, b, matrices = work
    kinds, m, count = pairs.shape[0], rates.size, z.shape[0]
    drift_of(y, rates, sources, t, rules, matrices, change)
    for a in range(kinds):
        for i in range(m):
            middle[a, i] = y[a, i] + 0.5 * h * change[a, i]
    risk = drift_of(middle, rates, sources, t + 0.5 * h, rules, matrices, change)
    diagonal, pair, cross, strength = noise_strengths(risk, t + 0.5 * h, rules[0], kept)
    gains(t + 0.5 * h, rules[0][0], b)
    read = 0.0
    for i in range(m):
        root(middle, i, place, z)
        for a in range(count):
            xi[a, i] = 0.0
            for k in range(a + 1):
                xi[a, i] += z[a, k] * np.float64(normals[i * count + k])
        read += xi[0, i]
    slope = cross / strength if strength > 0.0 else 0.0
    excess = pair - slope * cross
    theta = math.sqrt(max(1.0 + excess * risk / diagonal, 0.0)) - 1.0 if diagonal > 0.0 else 0.0
    lift = theta * read / risk if risk > 0.0 else 0.0
    along = math.sqrt(max(diagonal, 0.0) * h / d)
    source = math.sqrt(max(strength, 0.0) * h / d) * np.float64(normals[m * count])
    pushed = matrices[2]
    for k in range(kinds):
        a, c = pairs[k, 0], pairs[k, 1]
        for i in range(m):
            first = xi[a, i] + lift * middle[place[0, a], i]
            second = xi[c, i] + lift * middle[place[0, c], i]
            noise = -along * rates[i] * 0.5 * (b[a] * second + b[c] * first)
            # U = −λ ½ (b_a Y_δc + b_c Y_δa)
            flow = b[a] * middle[place[0, c], i] + b[c] * middle[place[0, a], i]
            flow *= -0.5 * rates[i]
            noise += source * (sources[i] * pushed[k] + slope * flow)
            y[k, i] += h * change[k, i] + noise


@scalar
def advance(y, modes, averaged, steps, normals, first, seen, rules, kept, work):
    """Do a block of steps from step `first`.

    Parameters
    ----------
    y : (moments, m) float64, changed in place
    modes : tuple
        λ, c, the states of each moment, the moment of two states, and d.
    averaged : int
        Place of the average's second moment; 0 without one.
    steps : three (all steps,) arrays
        Time and size of each step, and where the moments after it are written (−1: nowhere).
    normals : (steps of the block, m · states + 1) float32
    seen : (T, 2) float64, written in part
    """
    starts, sizes, record = steps
    for i in range(normals.shape[0]):
        k = first + i
        one_step(y, modes, starts[k], sizes[k], normals[i], rules, kept, work)
        if record[k] >= 0:
            seen[record[k], 0] = total(y[0])
            seen[record[k], 1] = total(y[averaged])


def warm_up():
    """Compile for the types in use: no normals means that no step is taken."""
    one, y = np.full(1, 0.5), np.ones((MOMENTS, 1))
    pairs, place = np.zeros((MOMENTS, 2), dtype=np.int64), np.zeros((1, 1), dtype=np.int64)
    modes, square = (one, one, pairs, place, 1.0), (MOMENTS, MOMENTS)
    rules = (any_law(), np.empty((1, 2, 3)), np.ones(2))
    matrices = (np.empty(square), np.empty(square), np.empty(MOMENTS))
    work = (y.copy(), y.copy(), y.copy(), np.ones((1, 1)), one, matrices)
    steps = (one, one, np.empty(0, dtype=np.int64))
    normals = np.empty((0, 2), dtype=np.float32)
    advance(y, modes, 0, steps, normals, 0, np.ones((1, 2)), rules, np.ones(4), work)
