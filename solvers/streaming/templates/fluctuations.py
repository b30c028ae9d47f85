"""Adaptive explicit solution of the mode energies together with their covariance.

With p = λ∘y and J = −A Λ + a 1ᵀ, a = B′c − A′p, the covariance over runs, times d, obeys

    Σ̇ = −A (ΛΣ + ΣΛ) + a wᵀ + w aᵀ + G,   w = Σ1,
    G = D diag(λ∘p) + E p pᵀ + F (c pᵀ + p cᵀ) + H c cᵀ,   d Var R = 1ᵀΣ1.

Where modes are correlated (signs, dense K) their second moments Y are the state in place of y, and
the first term of G is (D/2) λ_i A_ij Y_ij λ_j. Tsitouras' pair; the error is measured on R, on
every mode and on Var R.
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from ...kernels.interface import any_law, loops, pasted, scalar
from ...kernels.linear_noise import linearised, noise_strengths, rank_two
from ...stepping.adaptive import adaptive
from ...stepping.stages import stage_state
from ...stepping.tsitouras import ERROR, STAGE_TIMES, STAGES, interpolation_weight

# <<< provided by the generated module


@loops
def read_modes(state, shares, flows, row_sums):
    """Fill p/λ = y and w from a state; return R and d Var R."""
    size = shares.size
    first = state.size - size * size
    stride = 1 if first == size else size + 1
    risk, variance = 0.0, 0.0
    for i in range(size):
        flows[i] = shares[i] * state[i * stride]
        risk += flows[i]
        total = 0.0
        for j in range(size):
            total += state[first + i * size + j]
        row_sums[i] = total
        variance += total
    return risk, variance


@loops
def mean_slope(state, rates, sources, mixing, drift, noise, out):
    """Write the slope of y, or of Y d, into the first block of `out`."""
    size = rates.size
    if mixing.size == 0:
        for i in range(size):
            out[i] = noise * sources[i] - drift * rates[i] * state[i]
        return
    for i in range(size):
        for j in range(size):
            k = i * size + j
            pull = 0.5 * drift * (rates[i] + rates[j])
            out[k] = 2.0 * noise * mixing[i, j] - pull * state[k]


@loops
def covariance_slope(state, rates, sources, drift, work, out):
    """Write Σ̇ without its first noise term into the last block of `out`."""
    size = rates.size
    first = state.size - size * size
    flows, row_sums, gain, half_flows, half_sources = work
    for i in range(size):
        row = first + i * size
        for j in range(size):
            out[row + j] = (
                gain[i] * row_sums[j]
                + row_sums[i] * gain[j]
                + flows[i] * half_flows[j]
                + half_flows[i] * flows[j]
                + sources[i] * half_sources[j]
                + half_sources[i] * sources[j]
                - drift * (rates[i] + rates[j]) * state[row + j]
            )


@loops
def add_diagonal(state, strength, modes, flows, out):
    """Add D diag(λ∘p), or (D/2) λ_i A_ij Y_ij λ_j, to the last block of `out`."""
    rates, _, shares, mixing = modes
    size = rates.size
    first = state.size - size * size
    for i in range(size):
        if mixing.size == 0:
            out[first + i * (size + 1)] += strength * rates[i] * flows[i]
        else:
            for j in range(size):
                k = i * size + j
                out[first + k] += strength * shares[i] * mixing[i, j] * rates[j] * state[k]


@scalar
def slope(state, t, model, work, out):
    """Write the slope of a state; return R and d Var R (NaN outside R ≥ 0)."""
    modes, rules, kept = model
    rates, sources, shares, mixing = modes
    law, table, factors = rules
    flows, row_sums, gain, half_flows, half_sources = work
    risk, variance = read_modes(state, shares, flows, row_sums)
    if not 0.0 <= risk < math.inf:
        return math.nan, math.nan
    drift, noise, drift_slope, noise_slope = linearised(risk, t, law, table, factors)
    for i in range(rates.size):
        flows[i] *= rates[i]
        gain[i] = noise_slope * sources[i] - drift_slope * flows[i]
    strengths = noise_strengths(risk, t, law, kept)
    rank_two(strengths, flows, sources, half_flows, half_sources)
    mean_slope(state, rates, sources, mixing, drift, noise, out)
    covariance_slope(state, rates, sources, drift, work, out)
    add_diagonal(state, strengths[0], modes, flows, out)
    return risk, variance


@loops
def summed(vector, shares, totals, row):
    """Put what a vector of the state space holds of R and of d Var R into a row of `totals`."""
    size = shares.size
    first = vector.size - size * size
    stride = 1 if first == size else size + 1
    totals[row, 0], totals[row, 1] = 0.0, 0.0
    for i in range(size):
        totals[row, 0] += shares[i] * vector[i * stride]
    for k in range(first, vector.size):
        totals[row, 1] += vector[k]


@loops
def worst_mode(slopes, h, old, new, shares, scale):
    """Return the largest error of a mode over its size, or over 1 % of the risk."""
    size = shares.size
    stride = 1 if old.size == size + size * size else size + 1
    worst = 0.0
    for i in range(size):
        k = i * stride
        error = 0.0
        for j in range(7):
            error += h * ERROR[j] * slopes[j, k]
        largest = shares[i] * max(abs(old[k]), abs(new[k]))
        worst = max(worst, abs(shares[i] * error) / (largest + 0.01 * scale))
    return worst


@pasted
def error(now, new, h, room, model):
    """Return the largest relative error of R, Var R and a mode; fill `totals`."""
    slopes, totals, _ = room
    shares = model[0][2]
    error_risk, error_variance = 0.0, 0.0
    for j in range(7):
        summed(slopes[j], shares, totals, j)
        error_risk += h * ERROR[j] * totals[j, 0]
        error_variance += h * ERROR[j] * totals[j, 1]
    scale = max(now[1][0], new[1][0]) + 1e-300
    spread = max(now[1][1], new[1][1]) + 1e-300
    worst = worst_mode(slopes, h, now[0], new[0], shares, scale)
    return max(abs(error_risk) / scale, abs(error_variance) / spread, worst)


@pasted
def attempt(now, new, t, h, room, model):
    """Take one step; return R + d Var R, or NaN."""
    slopes, _, work = room
    values = (math.nan, math.nan)
    for stage in range(1, 7):
        stage_state(now[0], slopes, h, STAGES[stage], new[0])
        values = slope(new[0], t + h * STAGE_TIMES[stage], model, work, slopes[stage])
        if not math.isfinite(values[0] + values[1]):
            return math.nan
    new[1][0], new[1][1] = values
    return values[0] + values[1]


@pasted
def between(now, new, h, theta, room, model, out, place):
    """Write R and d Var R at the fraction θ of an accepted step."""
    totals = room[1]
    for column in range(2):
        value = now[1][column]
        for j in range(7):
            value += h * interpolation_weight(j, theta) * totals[j, column]
        out[place, column] = value


@scalar
def integrate(state, modes, times, rules, kept, rtol, most_steps):
    """Solve on a grid of times.

    Parameters
    ----------
    state : array
        y, or Y d by rows; then Σ by rows. It is used up.
    modes : tuple
        λ_i, c_i, the share of R in each (diagonal) entry of the first block, and A_ij, or an
        empty matrix where modes are independent.
    times : (T,) array
        Increasing, the first one being the start.
    rules : tuple
        Arrays of the generated coefficients, their table, and factors on A and B.
    kept : (4,) array
        Factors on D, E, F and H.

    Returns
    -------
    answer : (2, T) array
        R and d Var R; shorter where it stopped early.
    report : tuple
        Status, number of steps, and the time, step and risk where it stopped.
    """
    size, watched = modes[0].size, np.empty(2)
    work = (np.empty(size), np.empty(size), np.empty(size), np.empty(size), np.empty(size))
    room = (np.empty((7, state.size)), np.empty((7, 2)), work)
    model, ends = (modes, rules, kept), np.empty(0)
    watched[0], watched[1] = slope(state, times[0], model, work, room[0][0])
    h = 1e-6 * (times[-1] - times[0])
    out, _, report = adaptive(state, watched, times, h, room, model, rtol, most_steps, ends)
    return out.T, report


def warm_up():
    """Compile for the types in use: a single time means that no step is taken."""
    one = np.full(1, 0.5)
    rules = (any_law(), np.empty((1, 2, 3)), np.ones(2))
    integrate(np.zeros(2), (one, one, one, np.empty((0, 0))), one, rules, np.ones(4), 1e-8, 1)
