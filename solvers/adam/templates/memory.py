"""Adaptive explicit solution of modes that remember (theory/adam_memory.py), with one shared 𝒱.

The generated module defines, for one mode, `mode_rates(y, u, w, k, V, P, eta, c_1, c)` (as many
of u and w count as there are states) and `memory_rate(V, P, c_2)`. Tsitouras' 5(4) pair; the
error is that of R and of 𝒱.
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from ...kernels.interface import memory_rate, mode_rates, pasted, rate, scalar
from ...stepping.adaptive import adaptive
from ...stepping.stages import stage_state
from ...stepping.tsitouras import ERROR, STAGE_TIMES, STAGES, interpolation_weight

# <<< provided by the generated module


@scalar
def slope(flat, t, model, out):
    """Write the time derivative of (states × modes) and, behind them, of 𝒱; return R and 𝒱."""
    (floor, c_1, c_2), variances, sources, p = model
    modes = variances.size
    kinds = flat.size // modes - 1
    state, slopes = flat.reshape(kinds + 1, modes), out.reshape(kinds + 1, modes)
    risk, memory = state[0].sum(), state[kinds, 0]
    power, eta = floor + 2.0 * risk, rate(t, p)
    for i in range(modes):
        u = state[1, i] if kinds > 1 else 0.0
        w = state[2, i] if kinds > 2 else 0.0
        found = mode_rates(state[0, i], u, w, variances[i], memory, power, eta, c_1, sources[i])
        for j in range(kinds):
            slopes[j, i] = found[j]
        slopes[kinds, i] = 0.0
    slopes[kinds, 0] = memory_rate(memory, power, c_2)
    return risk, memory


@pasted
def attempt(now, new, t, h, room, model):
    """Take one step; return R + 𝒱, or NaN where 𝒱 leaves its domain."""
    slopes, values = room[0], (math.nan, math.nan)
    for stage in range(1, 7):
        stage_state(now[0], slopes, h, STAGES[stage], new[0])
        values = slope(new[0], t + h * STAGE_TIMES[stage], model, slopes[stage])
    new[1][0], new[1][1] = values
    return values[0] + values[1] if values[1] > 0.0 else math.nan


@pasted
def error(now, new, h, room, model):
    """Return the largest error of R and of a mode over R, and that of 𝒱 over 𝒱; keep what the
    stages hold of R and 𝒱."""
    slopes, totals = room
    modes = model[1].size
    largest, risk_error, memory_error = 0.0, 0.0, 0.0
    for j in range(7):
        totals[j, 0], totals[j, 1] = slopes[j, :modes].sum(), slopes[j, -modes]
        risk_error += h * ERROR[j] * totals[j, 0]
        memory_error += h * ERROR[j] * totals[j, 1]
    for i in range(modes):
        missed = 0.0
        for j in range(7):
            missed += h * ERROR[j] * slopes[j, i]
        largest = max(largest, abs(missed))
    total = max(now[1][0], new[1][0])
    return max(abs(risk_error), largest) / total + abs(memory_error) / max(now[1][1], 1e-300)


@pasted
def between(now, new, h, theta, room, model, out, place):
    """Write R and 𝒱 at the fraction θ of an accepted step."""
    totals = room[1]
    for column in range(2):
        value = now[1][column]
        for j in range(7):
            value += h * interpolation_weight(j, theta) * totals[j, column]
        out[place, column] = value


@scalar
def solve_memory(start, times, numbers, variances, sources, p, rtol, most_steps):
    """Solve on a grid of times.

    Parameters
    ----------
    start : (states + 1, m) array
        States of the modes; 𝒱 first in the last row.
    times : (T,) array
        Increasing, the first one being the start.
    numbers : (σ², c₁, c₂)
    variances, sources : (m,) arrays
    p : (k,) array
        Parameters of the rate.

    Returns
    -------
    answer : (2, T) array
        R and 𝒱; shorter where it stopped early.
    report : tuple
        Status, number of steps, and the time, step and risk where it stopped.
    """
    y, watched = start.copy().ravel(), np.empty(2)
    model, ends = (numbers, variances, sources, p), np.empty(0)
    room = (np.empty((7, y.size)), np.empty((7, 2)))
    watched[0], watched[1] = slope(y, times[0], model, room[0][0])
    h = 1e-6 * (times[-1] - times[0])
    out, _, report = adaptive(y, watched, times, h, room, model, rtol, most_steps, ends)
    return out.T, report


def warm_up():
    """Compile for the types of a run."""
    one = np.ones(1)
    solve_memory(np.ones((2, 1)), one, (1.0, 1.0, 1.0), one, one, np.ones(64), 1e-6, 1)
