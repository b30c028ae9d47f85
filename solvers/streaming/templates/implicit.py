"""Implicit solution of dy_i/dt = −A(R, t) λ_i y_i + B(R, t) c_i, R = Σ y_i, where it is stiff.

The pair of Kennedy and Carpenter (stepping/kennedy_carpenter.py); arguments, results and the
measure of the error are those of the explicit solver.
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from ...kernels.interface import any_law, pasted, scalar
from ...kernels.tabulated import scaled_coefficients
from ...stepping.adaptive import adaptive
from ...stepping.kennedy_carpenter import ERROR, STAGE_TIMES, STAGES
from ...stepping.stages import stage_state
from .stage import solve_stage

# <<< provided by the generated module


@pasted
def attempt(now, new, t, h, room, model):
    """Take one step; return its risk, or NaN where a stage does not settle."""
    rates, sources, law, table, factors = model
    slopes, base = room
    risk = now[1][0]
    for stage in range(1, 6):
        stage_state(now[0], slopes, h, STAGES[stage], base)
        stage_time = t + h * STAGE_TIMES[stage]
        risk, drift, noise = solve_stage(risk, stage_time, h, base, new[0], model)
        if not math.isfinite(risk):
            return math.nan
        for i in range(base.size):
            slopes[stage, i] = noise * sources[i] - drift * rates[i] * new[0][i]
    new[1][0] = risk
    return risk


@pasted
def error(now, new, h, room, model):
    """Return the largest error of R and of a node over its size (as in the explicit solver)."""
    slopes = room[0]
    scale = max(now[1][0], new[1][0]) + 1e-300
    total, worst = 0.0, 0.0
    for i in range(slopes.shape[1]):
        missed = 0.0
        for j in range(6):
            missed += ERROR[j] * slopes[j, i]
        missed *= h
        total += missed
        worst = max(worst, abs(missed) / (max(abs(now[0][i]), abs(new[0][i])) + 0.01 * scale))
    return max(abs(total) / scale, worst)


@scalar
def integrate(rates, energies, sources, times, law, table, factors, rtol, most_steps):
    """Solve on a grid of times; arguments and results as in the explicit solver."""
    y, watched = np.empty(energies.size), np.empty(1)
    room = (np.empty((6, y.size)), np.empty(y.size))
    risk = 0.0
    for i in range(y.size):
        y[i] = energies[i]
        risk += y[i]
    watched[0] = risk
    drift, noise = scaled_coefficients(risk, times[0], law, table, factors)
    for i in range(y.size):
        room[0][0, i] = noise * sources[i] - drift * rates[i] * y[i]
    model, ends = (rates, sources, law, table, factors), np.empty(0)
    h = 1e-6 * (times[-1] - times[0])
    out, _, report = adaptive(y, watched, times, h, room, model, rtol, most_steps, ends)
    return out[:, 0], report


def warm_up():
    """Compile for the types in use: a single time means that no step is taken."""
    one = np.full(1, 0.5)
    law = any_law()
    integrate(one, one, one, one, law, np.empty((1, 2, 3)), np.ones(2), 1e-8, 1)
