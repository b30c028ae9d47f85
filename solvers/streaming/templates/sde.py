"""The limiting SDE in the energies of the modes, one path, from normals that are given:

    dy_j = (−A λ_j y_j + B c_j) dt + dM_j,   R = Σ y_j,
    d ⟨M_j, M_k⟩/dt = [D λ_j² y_j δ_jk + E λ_j y_j λ_k y_k + F (c_j λ_k y_k + c_k λ_j y_j)
                       + H c_j c_k]/d.

The square root of diagonal plus rank two (derived here). With e = E − F²/H the rank two is
e u uᵀ + H (c + F u/H)(c + F u/H)ᵀ, u_j = λ_j y_j. The first term scales the diagonal noise along u
by 1 + θ = √(1 + e R/D), where Σ M_k/λ_k reads that component off and Cauchy–Schwarz for (ψ g, ψ²)
makes the root real. What remains is one more normal. So B fluctuates, and A with it:

    B̃ h = B h + √(H h/d) ω,   Ã h = A h − G,   G = θ Σ_k M_k/(λ_k R) + (F/H) (B̃ − B) h.

A step freezes the coefficients at a predicted midpoint. Mean and variance of each energy are then
those of the frozen equation, exactly; its law is that of a square, a (b + ξ)², which it is for
n_j = 1 (after L. Andersen's scheme for square-root diffusions, J. Comput. Finance 11, 2008), so
that y_j ≥ 0 and one normal a mode serves any n_j. B̃ is lognormal: positive, with its exact
mean and variance.
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from numba import njit

from ...kernels.interface import (
    any_law,
    loops,
    noise_cross,
    noise_diagonal,
    noise_pair,
    noise_source,
    rate,
    scalar,
)
from ...kernels.normals import CACHED
from ...kernels.tabulated import SMALLEST_RISK, chebyshev_panel, scaled_coefficients

# <<< provided by the generated module

#: a third of a step's time would go into counting references to arrays that are handed down
inlined = njit(cache=CACHED, nogil=True, error_model="numpy", forceinline=True)


@inlined
def noise_parts(risk, t, law, table):
    """Return D, E, F and H; the table holds D/η², E/η², F/η³ and H/η⁴."""
    p, weights, means, scales = law
    risk = max(risk, SMALLEST_RISK)
    panels = table.shape[0] - 1
    if panels > 0:
        position = (math.log(risk) - table[0, 0, 0]) / table[0, 0, 1]
        if 0.0 <= position < panels:
            eta = rate(t, p)
            square = eta * eta
            return (
                square * chebyshev_panel(table, position, 0),
                square * chebyshev_panel(table, position, 1),
                square * eta * chebyshev_panel(table, position, 2),
                square * square * chebyshev_panel(table, position, 3),
            )
    return (
        noise_diagonal(risk, t, p, weights, means, scales),
        noise_pair(risk, t, p, weights, means, scales),
        noise_cross(risk, t, p, weights, means, scales),
        noise_source(risk, t, p, weights, means, scales),
    )


@loops
def totals(y, rates):
    """Return R = Σ y and Σ λ y."""
    risk = 0.0
    loss = 0.0
    for j in range(y.size):
        risk += y[j]
        loss += rates[j] * y[j]
    return risk, loss


@inlined
def middle(y, rates, total_source, t, h, law, table, factors):
    """Return R at the middle of a step, predicted by the drift, and A and B there."""
    risk, loss = totals(y, rates)
    drift, source = scaled_coefficients(risk, t, law, table, factors)
    ahead = max(risk + 0.5 * h * (source * total_source - drift * loss), 0.25 * risk)
    drift, source = scaled_coefficients(ahead, t + 0.5 * h, law, table, factors)
    return ahead, drift, source


@loops
def relax(rates, pull, kept, share):
    """Write K = exp(−p) and (1 − K)/p for p = pull λ: no library call, so that it vectorises."""
    for j in range(rates.size):
        p = pull * rates[j]
        p = 1e-9 if abs(p) < 1e-9 else p
        q = min(p, 32.0) * (-1.0 / 16.0)
        k = 1.0 + q * (1.0 / 6.0)
        k = 1.0 + q * (1.0 / 5.0) * k
        k = 1.0 + q * (1.0 / 4.0) * k
        k = 1.0 + q * (1.0 / 3.0) * k
        k = 1.0 + q * (1.0 / 2.0) * k
        k = 1.0 + q * k
        k *= k
        k *= k
        k *= k
        kept[j] = k * k
        share[j] = (1.0 - k * k) / p


@loops
def diffuse(y, rates, sources, kept, share, gain, spread, pull, normals):
    """Move every mode by its own noise; return Σ_k M_k/λ_k as it was at the middle of the step."""
    read = 0.0
    for j in range(y.size):
        added = gain * sources[j] * share[j]
        carried = kept[j] * y[j]
        mean = carried + added
        half = spread * rates[j] * rates[j] * share[j] * (carried + 0.5 * added)
        half = min(half, mean * mean)  # binding only below the energy of one coordinate
        a = half / (mean + math.sqrt(mean * mean - half) + 1e-300)
        z = np.float64(normals[j])
        moved = 2.0 * math.sqrt(a * max(mean - a, 0.0)) * z + a * (z * z - 1.0)
        y[j] = max(mean + moved, 0.0)
        read += moved * (1.0 / rates[j] + 0.5 * pull)
    return read


@loops
def kick(y, rates, sources, strength, offset, centring):
    """Let A fluctuate: y ← y + λ G (y − what came after the middle), less the mean of that."""
    for j in range(y.size):
        change = (strength - centring * rates[j]) * y[j] - offset * sources[j]
        y[j] = max(y[j] + rates[j] * change, 0.0)


@inlined
def fluctuate(source, h, dimension, strength, normal):
    """Return B̃/B, lognormal of mean 1 and variance H/(B² d h)."""
    if strength <= 0.0 or source <= 0.0:
        return 1.0
    variance = math.log1p(strength / (source * source * dimension * h))
    return math.exp(math.sqrt(variance) * normal - 0.5 * variance)


@inlined
def step(y, modes, t, h, normals, law, tables, factors, work):
    """Advance the energies by h with frozen coefficients."""
    rates, sources, total_source, dimension, own = modes
    kept, share = work
    risk, drift, source = middle(y, rates, total_source, t, h, law, tables[0], factors)
    diagonal, pair, cross, strength = noise_parts(risk, t + 0.5 * h, law, tables[1])
    factor = fluctuate(source, h, dimension, strength, np.float64(normals[y.size]))
    spread = 0.5 * factors[1] * factor * diagonal * h / dimension
    pull = drift * h
    relax(rates, pull, kept, share)
    gain = factor * source * h
    read = diffuse(y, rates, sources, kept, share, gain, spread, pull, normals)
    slope = cross / strength if strength > 0.0 else 0.0
    excess = pair - slope * cross
    theta = math.sqrt(max(1.0 + excess * risk / diagonal, 0.0)) - 1.0 if diagonal > 0.0 else 0.0
    kicked = theta * read / max(risk, SMALLEST_RISK) + slope * (factor - 1.0) * source * h
    centring = 2.0 * theta * spread / max(risk, SMALLEST_RISK) - own * pair * h / dimension
    offset = 0.5 * h * source * kicked + cross * h / dimension
    if kicked != 0.0 or centring != 0.0:
        kick(y, rates, sources, kicked, offset, centring)


@scalar
def advance(y, modes, starts, sizes, record, normals, first, risks, law, tables, factors, work):
    """Do a block of steps from step `first`.

    Parameters
    ----------
    y : (m,) float64, changed in place
    modes : tuple
        λ, c, Σ c, d, and the weight of E in the drift (¼ for an SDE of a vector, else 0).
    starts, sizes, record : (all steps,) arrays
        Time and size of each step, and where the risk after it is written (−1: nowhere).
    normals : (steps of the block, m + 1) float32
    risks : (T,) float64, written in part
    law, tables, factors : see `scaled_coefficients` and `noise_parts`
    work : two (m,) float64
    """
    for i in range(normals.shape[0]):
        k = first + i
        step(y, modes, starts[k], sizes[k], normals[i], law, tables, factors, work)
        if record[k] >= 0:
            risks[record[k]] = totals(y, modes[0])[0]


@scalar
def coefficients_of(risks, t, law, table, factors):
    """Return A and B at each risk of an array."""
    drift = np.empty(risks.size)
    noise = np.empty(risks.size)
    for i in range(risks.size):
        drift[i], noise[i] = scaled_coefficients(risks[i], t, law, table, factors)
    return drift, noise


@scalar
def noise_parts_of(risks, t, law, table):
    """Return D, E, F and H (4, n) at each risk of an array."""
    parts = np.empty((4, risks.size))
    for i in range(risks.size):
        values = noise_parts(risks[i], t, law, table)
        for k in range(4):
            parts[k, i] = values[k]
    return parts


def warm_up():
    """Compile for the types in use: no normals means that no step is taken."""
    one, none = np.full(1, 0.5), np.empty(0)
    law = any_law()
    modes = (one, one, 1.0, 1.0, 0.0)
    normals, record = np.empty((0, 2), dtype=np.float32), np.empty(0, dtype=np.int64)
    tables = (np.empty((1, 2, 3)), np.empty((1, 4, 3)))
    advance(one, modes, one, one, record, normals, 0, one, law, tables, np.ones(2), (one, one))
    coefficients_of(none, 0.0, law, tables[0], np.ones(2))
    noise_parts_of(none, 0.0, law, tables[1])
