"""Implicit solution of the mode energies together with their covariance, where that is stiff.

The pair and the stages of the energies are those of the implicit solver of the risk ODE. A stage
of the covariance is, with x = γh and M_ij = 1/(1 + xA(λ_i + λ_j)),

    Σ = M ∘ (base + xG + x(a wᵀ + w aᵀ)),   w = Σ1,

linear equations for the m numbers w (derived here). Independent modes only.
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from ...kernels.interface import any_law, loops, scalar
from ...kernels.linear_noise import linearised, noise_strengths, rank_two
from .implicit import (
    DONE,
    EMBEDDED,
    GAMMA,
    LARGEST_RISK,
    NOT_A_NUMBER,
    STAGE_TIMES,
    STAGES,
    TOO_LARGE,
    TOO_MANY_STEPS,
    UNDERFLOW,
    solve_stage,
)

# <<< provided by the generated module


@loops
def stage_base(state, slopes, h, stage, out):
    """Put state + h Σ_{j < stage} a_{stage,j} k_j into `out`."""
    for i in range(state.size):
        out[i] = state[i]
    for j in range(stage):
        weight = h * STAGES[stage, j]
        for i in range(state.size):
            out[i] += weight * slopes[j, i]


@loops
def forcing(rates, flows, halves, sources, strength, out):
    """Write G."""
    half_flows, half_sources = halves
    for i in range(rates.size):
        for j in range(rates.size):
            out[i, j] = (
                flows[i] * half_flows[j] + half_flows[i] * flows[j]
                + sources[i] * half_sources[j] + half_sources[i] * sources[j]
            )  # fmt: skip
        out[i, i] += strength * rates[i] * flows[i]


@scalar
def linear_terms(energies, risk, t, modes, rules, kept, forced):
    """Write G; return A and a."""
    rates, sources = modes
    law, table, factors = rules
    drift, _, drift_slope, noise_slope = linearised(risk, t, law, table, factors)
    flows = rates * energies
    halves = (np.empty(rates.size), np.empty(rates.size))
    strengths = noise_strengths(risk, t, law, kept)
    rank_two(strengths, flows, sources, halves[0], halves[1])
    forcing(rates, flows, halves, sources, strengths[0], forced)
    return drift, noise_slope * sources - drift_slope * flows


@scalar
def solve_covariance(base, forced, drift, gain, rates, x, out):
    """Write the stage's Σ."""
    size = rates.size
    damping = np.empty((size, size))
    matrix, known = np.zeros((size, size)), np.zeros(size)
    for i in range(size):
        matrix[i, i] = 1.0
        for j in range(size):
            damping[i, j] = 1.0 / (1.0 + x * drift * (rates[i] + rates[j]))
            out[i, j] = damping[i, j] * (base[i, j] + x * forced[i, j])
            known[i] += out[i, j]
            matrix[i, i] -= x * damping[i, j] * gain[j]
    for i in range(size):
        for j in range(size):
            matrix[i, j] -= x * gain[i] * damping[i, j]
    row_sums = np.linalg.solve(matrix, known)
    for i in range(size):
        for j in range(size):
            rank_one = gain[i] * row_sums[j] + row_sums[i] * gain[j]
            out[i, j] += x * damping[i, j] * rank_one


@scalar
def opening(state, t, modes, rules, kept, out):
    """Write the slope of a state explicitly; return R."""
    rates, sources = modes
    law, table, factors = rules
    size = rates.size
    energies, covariance = state[:size], state[size:].reshape(size, size)
    slope = out[size:].reshape(size, size)
    risk = np.sum(energies)
    _, noise, _, _ = linearised(risk, t, law, table, factors)
    drift, gain = linear_terms(energies, risk, t, modes, rules, kept, slope)
    row_sums = np.sum(covariance, axis=1)
    for i in range(size):
        out[i] = noise * sources[i] - drift * rates[i] * energies[i]
        for j in range(size):
            slope[i, j] += gain[i] * row_sums[j] + row_sums[i] * gain[j]
            slope[i, j] -= drift * (rates[i] + rates[j]) * covariance[i, j]
    return risk


@scalar
def attempt_both(state, risk, t, h, modes, rules, kept, slopes, new):
    """Take one step from filled slopes[0]; return its risk, or NaN."""
    rates, sources = modes
    law, table, factors = rules
    size = rates.size
    base, forced, x = np.empty(state.size), np.empty((size, size)), GAMMA * h
    energies, covariance = new[:size], new[size:].reshape(size, size)
    for stage in range(1, 6):
        stage_base(state, slopes, h, stage, base)
        time = t + h * STAGE_TIMES[stage]
        risk, _, _ = solve_stage(
            risk, time, h, base[:size], rates, sources, law, table, factors, energies
        )
        if not math.isfinite(risk):
            return math.nan
        drift, gain = linear_terms(energies, risk, time, modes, rules, kept, forced)
        before = base[size:].reshape(size, size)
        solve_covariance(before, forced, drift, gain, rates, x, covariance)
        slopes[stage] = (new - base) / x
    return risk


@scalar
def error_of_both(slopes, h, size, values, new_values, rtol):
    """Return the larger error of R and of d Var R over its tolerance."""
    error_risk, error_variance = 0.0, 0.0
    for j in range(6):
        weight = (STAGES[5, j] if j < 5 else GAMMA) - EMBEDDED[j]
        error_risk += h * weight * np.sum(slopes[j, :size])
        error_variance += h * weight * np.sum(slopes[j, size:])
    scale = max(values[0], new_values[0]) + 1e-300
    spread = max(values[1], new_values[1]) + 1e-300
    return max(abs(error_risk) / scale, abs(error_variance) / spread) / rtol


@scalar
def integrate_both(state, modes, times, rules, kept, rtol, most_steps):
    """Solve on a grid of times; every one is a step's end.

    Parameters
    ----------
    state : array
        y, then Σ by rows. It is used up.
    modes : tuple
        λ_i and c_i.

    Returns
    -------
    answer : (2, T) array
        R and d Var R; shorter where it stopped early.
    report : tuple
        Status, number of steps, and the time, step and risk where it stopped.
    """
    size = modes[0].size
    new, slopes = np.empty(state.size), np.empty((6, state.size))
    out = np.empty((2, times.size))
    t, span = times[0], times[-1] - times[0]
    values = (opening(state, t, modes, rules, kept, slopes[0]), np.sum(state[size:]))
    out[:, 0] = values
    status = DONE if math.isfinite(np.sum(slopes[0])) else NOT_A_NUMBER
    h, steps, filled = 1e-6 * span, 0, 1
    while status == DONE and filled < times.size:
        landing = t + h * (1.0 + 1e-9) >= times[filled]
        taken = times[filled] - t if landing else h
        steps += 1
        risk = attempt_both(state, values[0], t, taken, modes, rules, kept, slopes, new)
        new_values = (risk, np.sum(new[size:]))
        ratio = error_of_both(slopes, taken, size, values, new_values, rtol)
        if ratio <= 1.0:
            t = times[filled] if landing else t + taken
            values = new_values
            state, new = new, state
            slopes[0] = slopes[5]
            if landing:
                out[:, filled] = values
                filled += 1
            growth = min(5.0, max(0.2, 0.9 * max(ratio, 1e-8) ** (-0.25)))
            h = min(max(h, taken * growth) if landing else taken * growth, span / 32.0)
            status = TOO_LARGE if risk > LARGEST_RISK else DONE
        else:  # too large an error, or not a number
            h = taken * (max(0.2, 0.9 * ratio ** (-0.25)) if ratio > 1.0 else 0.2)
        if status == DONE and filled < times.size:
            if h <= 4e-16 * max(abs(t), 1e-3 * span):
                status = UNDERFLOW if math.isfinite(risk) else NOT_A_NUMBER
            elif steps >= most_steps:
                status = TOO_MANY_STEPS
    return out[:, :filled], (status, steps, t, h, values[0])


def warm_up():
    """Compile for the types in use: a single time means that no step is taken."""
    one = np.full(1, 0.5)
    rules = (any_law(), np.empty((1, 2, 3)), np.ones(2))
    integrate_both(np.zeros(2), (one, one), one, rules, np.ones(4), 1e-8, 1)
