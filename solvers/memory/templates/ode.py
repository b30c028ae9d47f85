"""Adaptive explicit solution of the moments of all modes (Tsitouras' pair).

The error is measured on R, on the energy of every node that matters, and on the total of every
moment over the largest that its states allow.
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from ...kernels.interface import MOMENTS, any_law, pasted, scalar
from ...kernels.tabulated import scaled_coefficients
from ...stepping.adaptive import adaptive
from ...stepping.stages import stage_state
from ...stepping.tsitouras import ERROR, STAGE_TIMES, STAGES, interpolation_weight
from .dynamics import add_products, fill, sourced, total

# <<< provided by the generated module


@scalar
def slope(flat, t, model, out):
    """Write the slope of a state; return its risk, NaN outside R ≥ 0."""
    rates, sources, _, rules, matrices = model
    kinds = matrices[2].size
    state, change = flat.reshape(kinds, rates.size), out.reshape(kinds, rates.size)
    risk = total(state[0])
    if not 0.0 <= risk < math.inf:
        return math.nan
    law, table, factors = rules
    drift, noise = scaled_coefficients(risk, t, law, table, factors)
    own, pulled, pushed = matrices
    fill(t, law[0], matrices)
    for a in range(kinds):
        for b in range(kinds):
            pulled[a, b] *= 0.5 * drift
    sourced(pushed, sources, noise, change)
    add_products(own, pulled, rates, state, change)
    return risk


@pasted
def attempt(now, new, t, h, room, model):
    """Take one step; return its risk, or NaN."""
    slopes, risk = room[0], math.nan
    for stage in range(1, 7):
        stage_state(now[0], slopes, h, STAGES[stage], new[0])
        risk = slope(new[0], t + h * STAGE_TIMES[stage], model, slopes[stage])
        if not math.isfinite(risk):
            return math.nan
    rows = new[0].reshape(new[1].size, model[0].size)
    for a in range(new[1].size):
        new[1][a] = total(rows[a])
    return risk


@scalar
def largest_error(now, new, h, slopes, totals, pairs, m):
    """Return the largest relative error of a step; keep what the stages hold of the totals."""
    kinds = pairs.shape[0]
    scale = max(now[1][0], new[1][0]) + 1e-300
    worst = 0.0
    for a in range(kinds):
        missed = 0.0
        for j in range(7):
            totals[j, a] = total(slopes[j, a * m : (a + 1) * m])
            missed += h * ERROR[j] * totals[j, a]
        first, second = pairs[a, 0], pairs[a, 1]
        size = math.sqrt(
            max(now[1][first], new[1][first], 0.0) * max(now[1][second], new[1][second], 0.0)
        )
        if size > 0.0:
            worst = max(worst, abs(missed) / size)
    for i in range(m):
        missed = 0.0
        for j in range(7):
            missed += h * ERROR[j] * slopes[j, i]
        largest = max(abs(now[0][i]), abs(new[0][i]))
        worst = max(worst, abs(missed) / (largest + 0.01 * scale))
    return worst


@pasted
def error(now, new, h, room, model):
    """Return the largest relative error of a step."""
    return largest_error(now, new, h, room[0], room[1], model[2], model[0].size)


@pasted
def between(now, new, h, theta, room, model, out, place):
    """Write the totals at the fraction θ of an accepted step."""
    totals = room[1]
    for a in range(now[1].size):
        value = now[1][a]
        for j in range(7):
            value += h * interpolation_weight(j, theta) * totals[j, a]
        out[place, a] = value


@scalar
def integrate(rates, sources, state, pairs, times, law, table, factors, rtol, most_steps):
    """Solve on a grid of times.

    Parameters
    ----------
    rates, sources : (m,) arrays
        λ_i and c_i.
    state : (moments · m,) array
        The moments at the start, one kind after another; the last ones at the end.
    pairs : (moments, 2) int array
        Of each moment the places of the squares of its two states.
    times : (T,) array
        Increasing, the first one being the start.
    law, table, factors
        As `scaled_coefficients` takes them.

    Returns
    -------
    totals : (T, moments) array
        Shorter where it stopped early.
    report : tuple
        Status, number of steps, and the time, step and risk where it stopped.
    """
    kinds, m = pairs.shape[0], rates.size
    watched = np.empty(kinds)
    room = (np.empty((7, state.size)), np.empty((7, kinds)))
    matrices = (np.empty((kinds, kinds)), np.empty((kinds, kinds)), np.empty(kinds))
    model = (rates, sources, pairs, (law, table, factors), matrices)
    for a in range(kinds):
        watched[a] = total(state[a * m : (a + 1) * m])
    slope(state, times[0], model, room[0][0])
    h = 1e-6 * (times[-1] - times[0])
    ends = np.empty(0)
    out, _, report = adaptive(state, watched, times, h, room, model, rtol, most_steps, ends)
    return out, report


@scalar
def matrices_at(t, p, matrices):
    """Fill Λ, Π and Σ at a time, for what is done with them outside compiled loops."""
    fill(t, p, matrices)


@scalar
def coefficients_at(risk, t, law, table):
    """Return A and B at a risk and a time."""
    return scaled_coefficients(risk, t, law, table, np.ones(2))


def warm_up():
    """Compile for the types in use: a single time means that no step is taken."""
    one, state = np.full(1, 0.5), np.full(MOMENTS, 0.5)
    pairs, table = np.zeros((MOMENTS, 2), dtype=np.int64), np.empty((1, 2, 3))
    integrate(one, one, state, pairs, one, any_law(), table, np.ones(2), 1e-8, 1)
    square = (MOMENTS, MOMENTS)
    matrices_at(0.0, any_law()[0], (np.empty(square), np.empty(square), np.empty(MOMENTS)))
    coefficients_at(0.5, 0.0, any_law(), table)
