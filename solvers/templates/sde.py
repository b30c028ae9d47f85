"""One path of the limiting SDE in modes, each with one number: z_j with y_j = z_j²/2 and R = Σ y_j.

In n_j coordinates of equal λ_j, dz = −(A/2) λ_j z dt + s_j dW with s_j² = 2 B c_j/n_j: the
published diffusion. A step freezes A and B at a predicted midpoint and is exact for the frozen
Ornstein–Uhlenbeck process: the radial coordinate is Gaussian, the other n_j − 1 add a χ². The exact
diffusion takes the squared one-step mean, (A λ_j z_j/2)²/d, out of the covariance: a rank-one
correction (derived here, after arXiv 2411.12135 and 2406.11733).
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from ..kernels.interface import scalar
from ..kernels.tabulated import scaled_coefficients

# <<< provided by the generated module


@scalar
def half_square(z):
    """Return the risk Σ z²/2."""
    total = 0.0
    for j in range(z.size):
        total += z[j] * z[j]
    return 0.5 * total


@scalar
def midpoint(z, rates, total_source, t, h, law, table, factors):
    """Return A and B at the middle of a step, the risk there predicted by the drift."""
    risk = 0.0
    loss = 0.0
    for j in range(z.size):
        energy = 0.5 * z[j] * z[j]
        risk += energy
        loss += rates[j] * energy
    drift, noise = scaled_coefficients(risk, t, law, table, factors)
    ahead = risk + 0.5 * h * (noise * total_source - drift * loss)
    return scaled_coefficients(max(ahead, 0.25 * risk), t + 0.5 * h, law, table, factors)


@scalar
def remove_mean(z, normals, contraction, deviation, pull, h, dimension):
    """Take the squared one-step mean out of the covariance: normals ← (I − v vᵀ)^½ normals."""
    square = 0.0
    along = 0.0
    for j in range(z.size):
        if deviation[j] > 0.0:
            v = pull[j] * z[j] * math.sqrt(contraction[j] * h / dimension) / deviation[j]
            pull[j] = v
            square += v * v
            along += v * normals[j]
        else:
            pull[j] = 0.0
    # square > 1 only beyond the validity of the limit: then nothing is left along v
    scale = 1.0 / square if square > 1.0 else 1.0 / (1.0 + math.sqrt(1.0 - square))
    for j in range(z.size):
        normals[j] -= pull[j] * along * scale


@scalar
def advance(generator, z, rates, variances, counts, drift, noise, h, dimension, exact, work):
    """Step every mode with frozen A and B."""
    normals, contraction, deviation, pull = work
    for j in range(z.size):
        pull[j] = 0.5 * drift * rates[j]
        x = 2.0 * pull[j] * h
        share = -math.expm1(-x) / x if x > 1e-12 else 1.0
        contraction[j] = math.exp(-0.5 * x)
        deviation[j] = math.sqrt(noise * variances[j] * h * share)
        normals[j] = generator.standard_normal()
    if exact:
        remove_mean(z, normals, contraction, deviation, pull, h, dimension)
    for j in range(z.size):
        radial = contraction[j] * z[j] + deviation[j] * normals[j]
        if counts[j] > 1.0:
            chi_square = 2.0 * generator.standard_gamma(0.5 * (counts[j] - 1.0))
            radial = math.sqrt(radial * radial + deviation[j] * deviation[j] * chi_square)
        z[j] = radial


@scalar
def path(
    generator, start, rates, sources, counts, dimension, exact, times, substeps, law, table, factors
):
    """Return the risk of one path at the times; `substeps[k]` steps lead from time k to time k +
    1."""
    size = start.size
    z = np.empty(size)
    variances = np.empty(size)
    work = (np.empty(size), np.empty(size), np.empty(size), np.empty(size))
    total_source = 0.0
    for j in range(size):
        z[j] = math.sqrt(2.0 * start[j])
        variances[j] = 2.0 * sources[j] / counts[j]
        total_source += sources[j]
    risk = np.empty(times.size)
    risk[0] = half_square(z)
    for k in range(times.size - 1):
        h = (times[k + 1] - times[k]) / substeps[k]
        for i in range(substeps[k]):
            t = times[k] + i * h
            drift, noise = midpoint(z, rates, total_source, t, h, law, table, factors)
            advance(generator, z, rates, variances, counts, drift, noise, h, dimension, exact, work)
        risk[k + 1] = half_square(z)
    return risk


@scalar
def coefficients_of(risks, t, law, table, factors):
    """Return A and B at each risk of an array."""
    drift = np.empty(risks.size)
    noise = np.empty(risks.size)
    for i in range(risks.size):
        drift[i], noise[i] = scaled_coefficients(risks[i], t, law, table, factors)
    return drift, noise


def warm_up():
    """Compile for the types in use: a single time means that no step is taken."""
    one = np.full(1, 0.5)
    law = (np.full(256, 0.5), one, one, one)
    tail = (law, np.empty((1, 2, 3)), np.ones(2))
    path(np.random.default_rng(0), one, one, one, one, 1.0, True, one, np.ones(0, np.int64), *tail)
    coefficients_of(np.empty(0), 0.0, *tail)
