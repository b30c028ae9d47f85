"""The covariance over runs of the moments of all modes, beside the moments (Tsitouras' pair).

With M the slope of the moments at given A and B, g what a change of R does to it, and e the
indicator of the energies,

    Σ̇ = MΣ + ΣMᵀ + g wᵀ + w gᵀ + G,  w = Σ e,  d Var R = eᵀ Σ e,
    G = D λ² T(Y) δ_ij + E U Uᵀ + F (U Vᵀ + V Uᵀ) + H V Vᵀ,

U = −½ λ Π Y, V = c Σ and, for what a gradient does, b, to the states, T_ab,cd = ¼ (b_b b_d Y_ac +
b_b b_c Y_ad + b_a b_d Y_bc + b_a b_c Y_bd): the covariance of ½ λ (z_a b_b + z_b b_a) h x (derived
here). D, E, F and H are those of one gradient without memory.
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from ...kernels.interface import MOMENTS, any_law, gains, loops, pasted, scalar
from ...kernels.linear_noise import linearised, noise_strengths
from ...stepping.adaptive import adaptive
from ...stepping.stages import stage_state
from ...stepping.tsitouras import ERROR, STAGE_TIMES, STAGES, interpolation_weight
from .dynamics import add_products, fill, sourced, total

# <<< provided by the generated module

#: d times a variance over the square of its mean that counts as none
NOTHING = 1e-6


@loops
def multiplied(own, pulled, rates, block, out):
    """Write M Σ, the rows of Σ one kind after another."""
    m = rates.size
    for a in range(own.shape[0]):
        for i in range(m):
            row = out[a * m + i]
            for k in range(row.size):
                row[k] = 0.0
            for b in range(own.shape[0]):
                factor = own[a, b] + pulled[a, b] * rates[i]
                if factor != 0.0:
                    other = block[b * m + i]
                    for k in range(row.size):
                        row[k] += factor * other[k]


@loops
def symmetrised(out, first, second, slope_flows, half_flows, slope_sources, half_sources):
    """Add the transpose, and g wᵀ + u rᵀ + v sᵀ with their transposes."""
    for r in range(out.shape[0]):
        for k in range(r + 1):
            value = out[r, k] + out[k, r]
            value += first[r] * second[k] + second[r] * first[k]
            value += slope_flows[r] * half_flows[k] + half_flows[r] * slope_flows[k]
            value += slope_sources[r] * half_sources[k] + half_sources[r] * slope_sources[k]
            out[r, k] = value
            out[k, r] = value


@scalar
def add_diagonal(strength, rates, b, pairs, place, state, out):
    """Add D λ² T(Y) to the blocks of single modes."""
    m = rates.size
    for one in range(pairs.shape[0]):
        a, c = pairs[one, 0], pairs[one, 1]
        for other in range(pairs.shape[0]):
            e, f = pairs[other, 0], pairs[other, 1]
            for k in range(4):
                left, right = (a, c) if k < 2 else (c, a)
                near, far = (e, f) if k % 2 == 0 else (f, e)
                factor = 0.25 * strength * b[right] * b[far]
                if factor != 0.0:
                    row = state[place[left, near]]
                    for i in range(m):
                        out[one * m + i, other * m + i] += factor * rates[i] * rates[i] * row[i]


@scalar
def slope(flat, t, model, work, out):
    """Write the slope of the moments and of their covariance; return R, NaN outside R ≥ 0."""
    rates, sources, (pairs, place), (law, table, factors), matrices, kept = model
    kinds, m = pairs.shape[0], rates.size
    n = kinds * m
    state, block = flat[:n].reshape(kinds, m), flat[n:].reshape(n, n)
    change, spread = out[:n].reshape(kinds, m), out[n:].reshape(n, n)
    flows, pushes, gain, sums, half_flows, half_pushes, b = work
    own, pulled, pushed = matrices
    risk = total(state[0])
    if not 0.0 <= risk < math.inf:
        return math.nan
    drift, noise, drift_slope, noise_slope = linearised(risk, t, law, table, factors)
    strengths = noise_strengths(risk, t, law, kept)
    fill(t, law[0], matrices)
    gains(t, law[0], b)
    sourced(pushed, sources, 1.0, pushes.reshape(kinds, m))
    flows[:] = 0.0
    for a in range(kinds):
        for c in range(kinds):
            if pulled[a, c] != 0.0:
                for i in range(m):
                    flows[a * m + i] -= 0.5 * pulled[a, c] * rates[i] * state[c, i]
    for r in range(n):
        gain[r] = noise_slope * pushes[r] - drift_slope * flows[r]
        sums[r] = total(block[r, :m])
        half_flows[r] = 0.5 * strengths[1] * flows[r] + strengths[2] * pushes[r]
        half_pushes[r] = 0.5 * strengths[3] * pushes[r]
        change[r // m, r % m] = noise * pushes[r]
    for a in range(kinds):
        for c in range(kinds):
            pulled[a, c] *= 0.5 * drift
    add_products(own, pulled, rates, state, change)
    multiplied(own, pulled, rates, block, spread)
    symmetrised(spread, gain, sums, flows, half_flows, pushes, half_pushes)
    add_diagonal(strengths[0], rates, b, pairs, place, state, spread)
    return risk


@scalar
def watch(flat, m, kinds, averaged, seen):
    """Write R, d Var R, and the same two of the average's moment."""
    n = kinds * m
    block = flat[n:].reshape(n, n)
    for k in range(2):
        a = 0 if k == 0 else averaged
        seen[2 * k] = total(flat[a * m : (a + 1) * m])
        value = 0.0
        for i in range(m):
            value += total(block[a * m + i, a * m : (a + 1) * m])
        seen[2 * k + 1] = value


@pasted
def attempt(now, new, t, h, room, model):
    """Take one step; return its risk, or NaN."""
    slopes, risk = room[0], math.nan
    for stage in range(1, 7):
        stage_state(now[0], slopes, h, STAGES[stage], new[0])
        risk = slope(new[0], t + h * STAGE_TIMES[stage], model, room[2], slopes[stage])
        if not math.isfinite(risk):
            return math.nan
    watch(new[0], model[0].size, model[2][0].shape[0], room[3], new[1])
    return risk


@pasted
def error(now, new, h, room, model):
    """Return the largest relative error of what is watched; keep what the stages hold of it."""
    slopes, totals, _, averaged = room
    worst = 0.0
    for j in range(7):
        watch(slopes[j], model[0].size, model[2][0].shape[0], averaged, totals[j])
    for k in range(4):
        missed = 0.0
        for j in range(7):
            missed += h * ERROR[j] * totals[j, k]
        size = max(abs(now[1][k]), abs(new[1][k]))
        if k % 2 == 1:  # a variance that grows from 0 like a high power has no relative error yet
            size += NOTHING * new[1][k - 1] * new[1][k - 1]
        if size > 0.0:
            worst = max(worst, abs(missed) / size)
    return worst


@pasted
def between(now, new, h, theta, room, model, out, place):
    """Write what is watched at the fraction θ of an accepted step."""
    totals = room[1]
    for k in range(4):
        value = now[1][k]
        for j in range(7):
            value += h * interpolation_weight(j, theta) * totals[j, k]
        out[place, k] = value


@scalar
def integrate(rates, sources, state, layout, averaged, times, rules, kept, rtol, most_steps):
    """Solve on a grid of times.

    Parameters
    ----------
    rates, sources : (m,) arrays
    state : array
        The moments, one kind after another, then their covariance by rows; its end at the end.
    layout : two int arrays
        The states of each moment, (moments, 2), and the moment of two states.
    averaged : int
        Place of the average's second moment; 0 without one.
    times : (T,) array
    rules : tuple
        Arrays of the coefficients, their table, and factors on A and B.
    kept : (4,) array
        Factors on D, E, F and H.

    Returns
    -------
    seen : (T, 4) array
        R, d Var R, and the same of the average's moment; shorter where it stopped early.
    report : tuple
    """
    kinds, m = layout[0].shape[0], rates.size
    n = kinds * m
    work = (
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.empty(layout[1].shape[0]),
    )
    matrices = (np.empty((kinds, kinds)), np.empty((kinds, kinds)), np.empty(kinds))
    room = (np.empty((7, state.size)), np.empty((7, 4)), work, averaged)
    model = (rates, sources, layout, rules, matrices, kept)
    watched, ends = np.empty(4), np.empty(0)
    watch(state, m, kinds, averaged, watched)
    slope(state, times[0], model, work, room[0][0])
    h = 1e-6 * (times[-1] - times[0])
    out, _, report = adaptive(state, watched, times, h, room, model, rtol, most_steps, ends)
    return out, report


def warm_up():
    """Compile for the types in use: a single time means that no step is taken."""
    one, state = np.full(1, 0.5), np.full(MOMENTS + MOMENTS**2, 0.5)
    layout = (np.zeros((MOMENTS, 2), dtype=np.int64), np.zeros((8, 8), dtype=np.int64))
    rules = (any_law(), np.empty((1, 2, 3)), np.ones(2))
    integrate(one, one, state, layout, 0, one, rules, np.ones(4), 1e-8, 1)
