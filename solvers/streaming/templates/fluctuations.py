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
from ...kernels.interface import any_law, loops, scalar
from ...kernels.linear_noise import linearised, noise_strengths, rank_two
from ...stepping.tsitouras import ERROR, INTERPOLANT, STAGE_TIMES, STAGES

# <<< provided by the generated module

DONE, NOT_A_NUMBER, TOO_LARGE, UNDERFLOW, TOO_MANY_STEPS = 0, 1, 2, 3, 4
LARGEST_RISK = 1e290


@loops
def stage_state(state, slopes, h, stage, out):
    """Put state + h Σ_j a_{stage,j} k_j into `out`."""
    for i in range(state.size):
        out[i] = state[i]
    for j in range(stage):
        weight = h * STAGES[stage, j]
        if weight != 0.0:
            for i in range(state.size):
                out[i] += weight * slopes[j, i]


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
                gain[i] * row_sums[j] + row_sums[i] * gain[j]
                + flows[i] * half_flows[j] + half_flows[i] * flows[j]
                + sources[i] * half_sources[j] + half_sources[i] * sources[j]
                - drift * (rates[i] + rates[j]) * state[row + j]
            )  # fmt: skip


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
def slope(state, t, modes, rules, kept, work, out):
    """Write the slope of a state; return R and d Var R (NaN outside R ≥ 0)."""
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


@scalar
def error_ratio(slopes, h, old, new, shares, values, new_values, totals, rtol):
    """Return the largest error of R, Var R and a mode over its tolerance; fill `totals`."""
    error_risk, error_variance = 0.0, 0.0
    for j in range(7):
        summed(slopes[j], shares, totals, j)
        error_risk += h * ERROR[j] * totals[j, 0]
        error_variance += h * ERROR[j] * totals[j, 1]
    scale = max(values[0], new_values[0]) + 1e-300
    spread = max(values[1], new_values[1]) + 1e-300
    worst = worst_mode(slopes, h, old, new, shares, scale)
    return max(abs(error_risk) / scale, abs(error_variance) / spread, worst) / rtol


@scalar
def attempt(state, t, h, modes, rules, kept, work, slopes, new):
    """Take one step from filled slopes[0]; return its R and d Var R, or NaN."""
    values = (math.nan, math.nan)
    for stage in range(1, 7):
        stage_state(state, slopes, h, stage, new)
        values = slope(new, t + h * STAGE_TIMES[stage], modes, rules, kept, work, slopes[stage])
        if not math.isfinite(values[0] + values[1]):
            return math.nan, math.nan
    return values


@scalar
def between(value, totals, column, h, theta):
    """Return R or d Var R at the fraction θ of an accepted step."""
    for j in range(7):
        row = INTERPOLANT[j]
        weight = theta * (row[0] + theta * (row[1] + theta * (row[2] + theta * row[3])))
        value += h * weight * totals[j, column]
    return value


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
    size = modes[0].size
    work = (np.empty(size), np.empty(size), np.empty(size), np.empty(size), np.empty(size))
    new, slopes, totals = np.empty(state.size), np.empty((7, state.size)), np.empty((7, 2))
    out = np.empty((2, times.size))
    t, end = times[0], times[-1]
    values = slope(state, t, modes, rules, kept, work, slopes[0])
    out[:, 0] = values
    status = DONE if math.isfinite(np.sum(slopes[0])) else NOT_A_NUMBER
    h, steps, filled, last_ratio = 1e-6 * (end - t), 0, 1, 1e-4
    while status == DONE and filled < times.size:
        h = end - t if t + h * (1.0 + 1e-9) >= end else h
        steps += 1
        new_values = attempt(state, t, h, modes, rules, kept, work, slopes, new)
        ratio = error_ratio(slopes, h, state, new, modes[2], values, new_values, totals, rtol)
        if ratio <= 1.0:
            reached = end if h == end - t else t + h
            while filled < times.size and times[filled] <= reached:
                theta = (times[filled] - t) / h
                out[0, filled] = between(values[0], totals, 0, h, theta)
                out[1, filled] = between(values[1], totals, 1, h, theta)
                filled += 1
            t, values = reached, new_values
            state, new = new, state
            slopes[0] = slopes[6]
            growth = 0.9 * max(ratio, 1e-10) ** (-0.14) * last_ratio**0.08
            h = min(h * min(5.0, max(0.2, growth)), (end - times[0]) / 32.0)
            last_ratio = max(ratio, 1e-4)
            status = TOO_LARGE if values[0] > LARGEST_RISK else DONE
        else:  # too large an error, or not a number
            h *= max(0.2, 0.9 * ratio ** (-0.2)) if ratio > 1.0 else 0.2
        if status == DONE and filled < times.size:
            if h <= 4e-16 * max(abs(t), 1e-3 * (end - times[0])):
                status = UNDERFLOW if math.isfinite(new_values[0]) else NOT_A_NUMBER
            elif steps >= most_steps:
                status = TOO_MANY_STEPS
    return out[:, :filled], (status, steps, t, h, values[0])


def warm_up():
    """Compile for the types in use: a single time means that no step is taken."""
    one = np.full(1, 0.5)
    rules = (any_law(), np.empty((1, 2, 3)), np.ones(2))
    integrate(np.zeros(2), (one, one, one, np.empty((0, 0))), one, rules, np.ones(4), 1e-8, 1)
