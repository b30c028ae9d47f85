"""Adaptive explicit solution of dy_i/dt = −A(R, t) λ_i y_i + B(R, t) c_i, R = Σ y_i.

Tsitouras' 5(4) pair with its free interpolant (Comput. Math. Appl. 62, 2011). The error is measured
on R itself and on every weighted node, since a root mean square over m modes would dilute it by √m.
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from ...kernels.interface import any_law, loops, pasted, scalar
from ...kernels.tabulated import scaled_coefficients
from ...stepping.adaptive import adaptive
from ...stepping.stages import stage_state
from ...stepping.tsitouras import ERROR, STAGE_TIMES, STAGES, interpolation_weight

# <<< provided by the generated module


@loops
def total(vector):
    """Return Σ of a vector."""
    value = 0.0
    for i in range(vector.size):
        value += vector[i]
    return value


@loops
def slope(rates, sources, state, drift, noise, out):
    """Write −A λ y + B c; return its sum, the slope of the risk."""
    value = 0.0
    for i in range(rates.size):
        out[i] = noise * sources[i] - drift * rates[i] * state[i]
        value += out[i]
    return value


@pasted
def attempt(now, new, t, h, room, model):
    """Take one step; return its risk, or NaN where a stage leaves the domain R >= 0."""
    rates, sources, law, table, factors = model
    slopes, sums, risk = room[0], room[2], math.nan
    sums[0] = total(slopes[0])
    for stage in range(1, 7):
        stage_state(now[0], slopes, h, STAGES[stage], new[0])
        risk = total(new[0])
        if not 0.0 <= risk < math.inf:
            return math.nan
        stage_time = t + h * STAGE_TIMES[stage]
        drift, noise = scaled_coefficients(risk, stage_time, law, table, factors)
        sums[stage] = slope(rates, sources, new[0], drift, noise, slopes[stage])
    new[1][0] = risk
    return risk


@loops
def error_ratio(y, state, risk, new_risk, slopes, h, error):
    """Return the largest error of R and of a node over its size.

    A node's size is never less than 1 % of the risk: nodes below that do not count.
    """
    scale = max(risk, new_risk) + 1e-300
    for i in range(y.size):
        error[i] = 0.0
    for j in range(7):
        weight = h * ERROR[j]
        for i in range(y.size):
            error[i] += weight * slopes[j, i]
    total = 0.0
    worst = 0.0
    for i in range(y.size):
        total += error[i]
        worst = max(worst, abs(error[i]) / (max(abs(y[i]), abs(state[i])) + 0.01 * scale))
    return max(abs(total) / scale, worst)


@pasted
def error(now, new, h, room, model):
    """Return the largest relative error of a step."""
    return error_ratio(now[0], new[0], now[1][0], new[1][0], room[0], h, room[1])


@pasted
def first_step(y, risk, slopes, rates, drift, span, rtol):
    """Return a cautious first step from the fastest relative change."""
    change = 0.0
    steepest = 0.0
    for i in range(y.size):
        change += abs(slopes[0, i])
        steepest = max(steepest, rates[i])
    fastest = max(change / (risk + 1e-300), abs(drift) * steepest)
    return min(span / 32.0, 0.05 * rtol**0.2 / (fastest + 1e-300))


@pasted
def between(now, new, h, theta, room, model, out, place):
    """Write the risk at the fraction θ of an accepted step."""
    value = 0.0
    for stage in range(7):
        value += interpolation_weight(stage, theta) * room[2][stage]
    out[place, 0] = now[1][0] + h * value


@scalar
def integrate(rates, energies, sources, times, law, table, factors, rtol, most_steps):
    """Solve on a grid of times.

    Parameters
    ----------
    rates, energies, sources : (m,) arrays
        λ_i, y_i(0) and c_i.
    times : (T,) array
        Increasing, the first one being the start.
    law : tuple of four arrays
        Parameter values and mixture components of the generated coefficients.
    table : (1 + panels, 2, n) array
        As `scaled_coefficients` reads it; one row means no table.
    factors : (2,) array
        Factors on A and B.

    Returns
    -------
    risk : (T,) array
        Shorter where it stopped early.
    report : tuple
        Status, number of steps, and the time, step and risk where it stopped.
    """
    y, watched = np.empty(energies.size), np.empty(1)
    room = (np.empty((7, y.size)), np.empty(y.size), np.empty(7))
    risk = 0.0
    for i in range(y.size):
        y[i] = energies[i]
        risk += y[i]
    watched[0] = risk
    drift, noise = scaled_coefficients(risk, times[0], law, table, factors)
    slope(rates, sources, y, drift, noise, room[0][0])
    h = first_step(y, risk, room[0], rates, drift, times[-1] - times[0], rtol)
    model, ends = (rates, sources, law, table, factors), np.empty(0)
    out, _, report = adaptive(y, watched, times, h, room, model, rtol, most_steps, ends)
    return out[:, 0], report


@scalar
def integrate_cells(
    rates, energies, sources, times, p, weights, means, scales, table, factors, rtols, most_steps
):
    """Solve one spectrum for many cells, each with a row of `p` and of `factors`, and its rtol.

    Returns
    -------
    risks : (cells, T) array
        NaN behind where a cell stopped early.
    reports : (cells, 5) array
    """
    risks = np.full((rtols.size, times.size), np.nan)
    reports = np.empty((rtols.size, 5))
    for k in range(rtols.size):
        law = (p[k], weights, means, scales)
        risk, report = integrate(
            rates, energies, sources, times, law, table, factors[k], rtols[k], most_steps
        )
        for i in range(risk.size):
            risks[k, i] = risk[i]
        reports[k, 0], reports[k, 1], reports[k, 2] = report[0], report[1], report[2]
        reports[k, 3], reports[k, 4] = report[3], report[4]
    return risks, reports


def warm_up():
    """Compile for the types in use: a single time means that no step is taken."""
    one = np.full(1, 0.5)
    law = any_law()
    row, table, twos = law[0].reshape(1, -1), np.empty((1, 2, 3)), np.ones((1, 2))
    integrate_cells(one, one, one, one, row, *law[1:], table, twos, np.full(1, 1e-8), 1)
