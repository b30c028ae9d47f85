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
from ...kernels.interface import any_law, loops, pasted, scalar
from ...kernels.linear_noise import linearised, noise_strengths, rank_two
from ...stepping.adaptive import adaptive
from ...stepping.kennedy_carpenter import ERROR, GAMMA, STAGE_TIMES, STAGES
from ...stepping.stages import stage_state
from .stage import solve_stage

# <<< provided by the generated module


@loops
def forcing(rates, flows, halves, sources, strength, out):
    """Write G."""
    half_flows, half_sources = halves
    for i in range(rates.size):
        for j in range(rates.size):
            out[i, j] = (
                flows[i] * half_flows[j]
                + half_flows[i] * flows[j]
                + sources[i] * half_sources[j]
                + half_sources[i] * sources[j]
            )
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
    """Write the stage's Σ; tell whether its equations are of finite numbers, as LAPACK asks."""
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
    if not math.isfinite(np.sum(np.abs(matrix)) + np.sum(known)):
        return False
    row_sums = np.linalg.solve(matrix, known)
    for i in range(size):
        for j in range(size):
            rank_one = gain[i] * row_sums[j] + row_sums[i] * gain[j]
            out[i, j] += x * damping[i, j] * rank_one
    return True


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


@pasted
def attempt(now, new, t, h, room, model):
    """Take one step; return its risk, or NaN."""
    (rates, sources), rules, kept = model
    slopes, base, forced = room
    size, x, risk = rates.size, GAMMA * h, now[1][0]
    energies, covariance = new[0][:size], new[0][size:].reshape(size, size)
    before = base[size:].reshape(size, size)
    for stage in range(1, 6):
        stage_state(now[0], slopes, h, STAGES[stage], base)
        time = t + h * STAGE_TIMES[stage]
        risk, _, _ = solve_stage(risk, time, h, base[:size], energies, (rates, sources, *rules))
        if not math.isfinite(risk):
            return math.nan
        drift, gain = linear_terms(energies, risk, time, model[0], rules, kept, forced)
        if not solve_covariance(before, forced, drift, gain, rates, x, covariance):
            return math.nan
        slopes[stage] = (new[0] - base) / x
    new[1][0], new[1][1] = risk, np.sum(new[0][size:])
    return risk


@pasted
def error(now, new, h, room, model):
    """Return the larger relative error of R and of d Var R."""
    slopes, size = room[0], model[0][0].size
    error_risk, error_variance = 0.0, 0.0
    for j in range(6):
        error_risk += h * ERROR[j] * np.sum(slopes[j, :size])
        error_variance += h * ERROR[j] * np.sum(slopes[j, size:])
    scale = max(now[1][0], new[1][0]) + 1e-300
    spread = max(now[1][1], new[1][1]) + 1e-300
    return max(abs(error_risk) / scale, abs(error_variance) / spread)


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
    size, watched = modes[0].size, np.empty(2)
    room = (np.empty((6, state.size)), np.empty(state.size), np.empty((size, size)))
    watched[0] = opening(state, times[0], modes, rules, kept, room[0][0])
    watched[1] = np.sum(state[size:])
    model, ends, h = (modes, rules, kept), np.empty(0), 1e-6 * (times[-1] - times[0])
    out, _, report = adaptive(state, watched, times, h, room, model, rtol, most_steps, ends)
    return out.T, report


def warm_up():
    """Compile for the types in use: a single time means that no step is taken."""
    one = np.full(1, 0.5)
    rules = (any_law(), np.empty((1, 2, 3)), np.ones(2))
    integrate_both(np.zeros(2), (one, one), one, rules, np.ones(4), 1e-8, 1)
