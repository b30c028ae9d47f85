"""Adaptive explicit solution of dy_i/dt = −A(R, t) λ_i y_i + B(R, t) c_i, R = Σ y_i.

Tsitouras' 5(4) pair with its free interpolant (Comput. Math. Appl. 62, 2011) and a PI step
control. The error is measured on R itself and on every weighted node, since a root mean square
over m modes would dilute it by √m.
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from ...kernels.interface import any_law, loops, scalar
from ...kernels.tabulated import scaled_coefficients
from ...stepping.tsitouras import ERROR, INTERPOLANT, STAGE_TIMES, STAGES

# <<< provided by the generated module

DONE, NOT_A_NUMBER, TOO_LARGE, UNDERFLOW, TOO_MANY_STEPS = 0, 1, 2, 3, 4
LARGEST_RISK = 1e290


@loops
def stage_state(y, slopes, h, stage, state):
    """Put y + h Σ_j a_{stage,j} k_j into `state` and return its sum, the risk of that stage."""
    for i in range(y.size):
        state[i] = y[i]
    for j in range(stage):
        weight = h * STAGES[stage, j]
        if weight != 0.0:
            for i in range(y.size):
                state[i] += weight * slopes[j, i]
    total = 0.0
    for i in range(y.size):
        total += state[i]
    return total


@loops
def slope(rates, sources, state, drift, noise, out):
    """Write −A λ y + B c."""
    for i in range(rates.size):
        out[i] = noise * sources[i] - drift * rates[i] * state[i]


@scalar
def attempt(y, risk, t, h, rates, sources, slopes, state, law, table, factors):
    """Take one step from filled slopes[0]; return its risk, or NaN where a stage leaves the domain
    R > 0."""
    for stage in range(1, 7):
        risk = stage_state(y, slopes, h, stage, state)
        if not 0.0 <= risk < math.inf:
            return math.nan
        stage_time = t + h * STAGE_TIMES[stage]
        drift, noise = scaled_coefficients(risk, stage_time, law, table, factors)
        slope(rates, sources, state, drift, noise, slopes[stage])
    return risk


@loops
def error_ratio(y, state, risk, new_risk, slopes, h, rtol, error):
    """Return the largest error of R and of a node over its tolerance.

    A node's tolerance is relative to itself, but never finer than 1 % of the risk's: nodes below
    that do not count.
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
    return max(abs(total) / scale, worst) / rtol


@scalar
def first_step(y, risk, slopes, rates, drift, span, rtol):
    """Return a cautious first step from the fastest relative change."""
    change = 0.0
    steepest = 0.0
    for i in range(y.size):
        change += abs(slopes[0, i])
        steepest = max(steepest, rates[i])
    fastest = max(change / (risk + 1e-300), abs(drift) * steepest)
    return min(span / 32.0, 0.05 * rtol**0.2 / (fastest + 1e-300))


@loops
def interpolate(risk, slopes, h, theta):
    """Return the risk at the fraction θ of an accepted step."""
    value = 0.0
    for j in range(7):
        row = INTERPOLANT[j]
        weight = theta * (row[0] + theta * (row[1] + theta * (row[2] + theta * row[3])))
        total = 0.0
        for i in range(slopes.shape[1]):
            total += slopes[j, i]
        value += weight * total
    return risk + h * value


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
    y = np.empty(energies.size)
    state = np.empty(energies.size)
    error = np.empty(energies.size)
    slopes = np.empty((7, energies.size))
    out = np.empty(times.size)
    risk = 0.0
    for i in range(y.size):
        y[i] = energies[i]
        risk += y[i]
    out[0] = risk
    t = times[0]
    end = times[-1]
    span = end - t
    drift, noise = scaled_coefficients(risk, t, law, table, factors)
    slope(rates, sources, y, drift, noise, slopes[0])
    h = first_step(y, risk, slopes, rates, drift, span, rtol)
    status = DONE
    steps = 0
    filled = 1
    last_ratio = 1e-4
    if not math.isfinite(drift + noise + risk):
        status = NOT_A_NUMBER
    while status == DONE and filled < times.size:
        if t + h * (1.0 + 1e-9) >= end:
            h = end - t
        steps += 1
        new_risk = attempt(y, risk, t, h, rates, sources, slopes, state, law, table, factors)
        ratio = error_ratio(y, state, risk, new_risk, slopes, h, rtol, error)
        if ratio <= 1.0:
            reached = end if h == end - t else t + h
            while filled < times.size and times[filled] <= reached:
                out[filled] = interpolate(risk, slopes, h, (times[filled] - t) / h)
                filled += 1
            t = reached
            risk = new_risk
            y, state = state, y
            for i in range(y.size):
                slopes[0, i] = slopes[6, i]
            growth = 0.9 * max(ratio, 1e-10) ** (-0.14) * last_ratio**0.08
            h *= min(5.0, max(0.2, growth))
            h = min(h, span / 32.0)
            last_ratio = max(ratio, 1e-4)
            if risk > LARGEST_RISK:
                status = TOO_LARGE
        elif ratio > 1.0:
            h *= max(0.2, 0.9 * ratio ** (-0.2))
        else:  # not a number
            h *= 0.2
        if status == DONE and filled < times.size:
            if h <= 4e-16 * max(abs(t), 1e-3 * span):
                status = UNDERFLOW if math.isfinite(new_risk) else NOT_A_NUMBER
            elif steps >= most_steps:
                status = TOO_MANY_STEPS
    return out[:filled], (status, steps, t, h, risk)


def warm_up():
    """Compile for the types in use: a single time means that no step is taken."""
    one = np.full(1, 0.5)
    law = any_law()
    integrate(one, one, one, one, law, np.empty((1, 2, 3)), np.ones(2), 1e-8, 1)
