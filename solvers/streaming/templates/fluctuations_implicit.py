"""Implicit solution of the mode energies together with their covariance, where that is stiff.

The pair and the stages of the energies are those of the implicit solver of the risk ODE. A stage
of the covariance is, with x = γh and M_ij = 1/(1 + xA(λ_i + λ_j)),

    Σ = M ∘ (base + xG + x(a wᵀ + w aᵀ)),   w = Σ1,

linear equations for the m numbers w (derived here). Where modes are correlated their second moments
Y are the state in place of y: the diagonal of a stage of Y is a stage of y, which gives R, A and B,
and with them every other entry is known.
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
def energies_of(vector, shares, out):
    """Fill y from the first block of a state, base or slope; return R."""
    size = shares.size
    stride = 1 if vector.size == size + size * size else size + 1
    risk = 0.0
    for i in range(size):
        out[i] = shares[i] * vector[i * stride]
        risk += out[i]
    return risk


@loops
def put_moments(base, energies, modes, drift, noise, x, out):
    """Write the first block of a stage, of which y is known."""
    rates, _, _, mixing = modes
    size = rates.size
    for i in range(size):
        if mixing.size == 0:
            out[i] = energies[i]
        else:
            for j in range(size):
                k, damping = i * size + j, 0.5 * x * drift * (rates[i] + rates[j])
                out[k] = (base[k] + 2.0 * x * noise * mixing[i, j]) / (1.0 + damping)


@loops
def forcing(state, modes, flows, halves, strength, out):
    """Write G."""
    rates, sources, shares, mixing = modes
    half_flows, half_sources = halves
    for i in range(rates.size):
        for j in range(rates.size):
            out[i, j] = (
                flows[i] * half_flows[j]
                + half_flows[i] * flows[j]
                + sources[i] * half_sources[j]
                + half_sources[i] * sources[j]
            )
            if mixing.size > 0:
                moment = state[i * rates.size + j]
                out[i, j] += strength * shares[i] * mixing[i, j] * rates[j] * moment
        if mixing.size == 0:
            out[i, i] += strength * rates[i] * flows[i]


@scalar
def linear_terms(state, energies, risk, t, modes, rules, kept, forced):
    """Write G; return A and a."""
    rates, sources, _, _ = modes
    law, table, factors = rules
    drift, _, drift_slope, noise_slope = linearised(risk, t, law, table, factors)
    flows = rates * energies
    halves = (np.empty(rates.size), np.empty(rates.size))
    strengths = noise_strengths(risk, t, law, kept)
    rank_two(strengths, flows, sources, halves[0], halves[1])
    forcing(state, modes, flows, halves, strengths[0], forced)
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
    rates, sources, shares, mixing = modes
    law, table, factors = rules
    size, energies = rates.size, np.empty(rates.size)
    first = state.size - size * size
    covariance = state[first:].reshape(size, size)
    slope = out[first:].reshape(size, size)
    risk = energies_of(state, shares, energies)
    _, noise, _, _ = linearised(risk, t, law, table, factors)
    drift, gain = linear_terms(state, energies, risk, t, modes, rules, kept, slope)
    row_sums = np.sum(covariance, axis=1)
    for i in range(size):
        if mixing.size == 0:
            out[i] = noise * sources[i] - drift * rates[i] * state[i]
        for j in range(size):
            pull = drift * (rates[i] + rates[j])
            if mixing.size > 0:
                k = i * size + j
                out[k] = 2.0 * noise * mixing[i, j] - 0.5 * pull * state[k]
            slope[i, j] += gain[i] * row_sums[j] + row_sums[i] * gain[j]
            slope[i, j] -= pull * covariance[i, j]
    return risk


@pasted
def attempt(now, new, t, h, room, model):
    """Take one step; return its risk, or NaN."""
    modes, rules, kept = model
    slopes, base, forced, before, energies = room
    rates, sources, shares, _ = modes
    size, x, risk = rates.size, GAMMA * h, now[1][0]
    first = base.size - size * size
    covariance, earlier = new[0][first:].reshape(size, size), base[first:].reshape(size, size)
    energies_of(now[0], shares, energies)
    for stage in range(1, 6):
        stage_state(now[0], slopes, h, STAGES[stage], base)
        energies_of(base, shares, before)
        time = t + h * STAGE_TIMES[stage]
        risk, drift, noise = solve_stage(risk, time, h, before, energies, (rates, sources, *rules))
        if not math.isfinite(risk):
            return math.nan
        put_moments(base, energies, modes, drift, noise, x, new[0])
        drift, gain = linear_terms(new[0], energies, risk, time, modes, rules, kept, forced)
        if not solve_covariance(earlier, forced, drift, gain, rates, x, covariance):
            return math.nan
        slopes[stage] = (new[0] - base) / x
    new[1][0], new[1][1] = risk, np.sum(new[0][first:])
    return risk


@pasted
def error(now, new, h, room, model):
    """Return the larger relative error of R and of d Var R."""
    slopes, shares, spare = room[0], model[0][2], room[3]
    error_risk, error_variance = 0.0, 0.0
    for j in range(6):
        error_risk += h * ERROR[j] * energies_of(slopes[j], shares, spare)
        error_variance += h * ERROR[j] * np.sum(slopes[j, slopes.shape[1] - shares.size**2 :])
    scale = max(now[1][0], new[1][0]) + 1e-300
    spread = max(now[1][1], new[1][1]) + 1e-300
    return max(abs(error_risk) / scale, abs(error_variance) / spread)


@scalar
def integrate_both(state, modes, times, rules, kept, rtol, most_steps):
    """Solve on a grid of times; every one is a step's end.

    Parameters
    ----------
    state : array
        y, or Y d by rows; then Σ by rows. It is used up.
    modes : tuple
        λ_i, c_i, the share of R in each (diagonal) entry of the first block, and A_ij, or an
        empty matrix where modes are independent.

    Returns
    -------
    answer : (2, T) array
        R and d Var R; shorter where it stopped early.
    report : tuple
        Status, number of steps, and the time, step and risk where it stopped.
    """
    size, watched = modes[0].size, np.empty(2)
    spare = (np.empty(size), np.empty(size))
    room = (np.empty((6, state.size)), np.empty(state.size), np.empty((size, size)), *spare)
    watched[0] = opening(state, times[0], modes, rules, kept, room[0][0])
    watched[1] = np.sum(state[state.size - size * size :])
    model, ends, h = (modes, rules, kept), np.empty(0), 1e-6 * (times[-1] - times[0])
    out, _, report = adaptive(state, watched, times, h, room, model, rtol, most_steps, ends)
    return out.T, report


def warm_up():
    """Compile for the types in use: a single time means that no step is taken."""
    one = np.full(1, 0.5)
    rules = (any_law(), np.empty((1, 2, 3)), np.ones(2))
    modes = (one, one, one, np.empty((0, 0)))
    integrate_both(np.zeros(2), modes, one, rules, np.ones(4), 1e-8, 1)
