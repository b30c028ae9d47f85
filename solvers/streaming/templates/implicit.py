"""Implicit solution of dy_i/dt = −A(R, t) λ_i y_i + B(R, t) c_i, R = Σ y_i, where it is stiff.

An L-stable diagonally implicit pair of order 4(3) (ESDIRK4(3)6L[2]SA; C. A. Kennedy and
M. H. Carpenter, Appl. Numer. Math. 44, 2003). The modes meet only through R, so each stage
y_i = (base_i + γh B c_i)/(1 + γh A λ_i) is one equation for one number, R, whatever m (derived
here). Every output time is a step's end.
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from ...kernels.interface import any_law, scalar
from ...kernels.tabulated import scaled_coefficients

# <<< provided by the generated module

DONE, NOT_A_NUMBER, TOO_LARGE, UNDERFLOW, TOO_MANY_STEPS = 0, 1, 2, 3, 4
LARGEST_RISK = 1e290
GAMMA = 0.25
STAGE_TIMES = np.array([0.0, 0.5, 0.332, 0.62, 0.85, 1.0])
STAGES = np.array(
    [
        [0.0, 0.0, 0.0, 0.0, 0.0],
        [0.25, 0.0, 0.0, 0.0, 0.0],
        [8611 / 62500, -1743 / 31250, 0.0, 0.0, 0.0],
        [5012029 / 34652500, -654441 / 2922500, 174375 / 388108, 0.0, 0.0],
        [
            15267082809 / 155376265600,
            -71443401 / 120774400,
            730878875 / 902184768,
            2285395 / 8070912,
            0.0,
        ],
        [82889 / 524892, 0.0, 15625 / 83664, 69875 / 102672, -2260 / 8211],
    ]
)
EMBEDDED = np.array(
    [
        4586570599 / 29645900160, 0.0, 178811875 / 945068544, 814220225 / 1159782912,
        -3700637 / 11593932, 61727 / 225920,
    ]
)  # fmt: skip


@scalar
def stage_defect(risk, t, h, base, rates, sources, law, table, factors, state):
    """Fill `state` with the modes that the stage has if its risk were `risk`; return Σ state −
    risk, A and B."""
    drift, noise = scaled_coefficients(risk, t, law, table, factors)
    total = 0.0
    for i in range(base.size):
        state[i] = (base[i] + GAMMA * h * noise * sources[i]) / (1.0 + GAMMA * h * drift * rates[i])
        total += state[i]
    return total - risk, drift, noise


@scalar
def solve_stage(guess, t, h, base, rates, sources, law, table, factors, state):
    """Find the stage's risk by the secant method; return it with A and B, or NaN where it does not
    settle."""
    older = guess
    defect, drift, noise = stage_defect(
        older, t, h, base, rates, sources, law, table, factors, state
    )
    newer = older + defect
    if newer <= 0.0:
        newer = 0.5 * older
    for _ in range(60):
        previous = defect
        defect, drift, noise = stage_defect(
            newer, t, h, base, rates, sources, law, table, factors, state
        )
        if not math.isfinite(defect):
            return math.nan, drift, noise
        if abs(defect) <= 1e-15 * newer + 1e-290:
            return newer, drift, noise
        slope = (defect - previous) / (newer - older) if newer != older else -1.0
        step = -defect / slope if slope != 0.0 else defect
        older = newer
        newer = newer + step
        if newer <= 0.0:
            newer = 0.1 * older
        if abs(newer - older) <= 3e-16 * newer:
            defect, drift, noise = stage_defect(
                newer, t, h, base, rates, sources, law, table, factors, state
            )
            return newer, drift, noise
    return math.nan, drift, noise


@scalar
def attempt(y, risk, t, h, rates, sources, slopes, base, state, law, table, factors):
    """Take one step from filled slopes[0]; return its risk, or NaN."""
    for stage in range(1, 6):
        for i in range(y.size):
            value = 0.0
            for j in range(stage):
                value += STAGES[stage, j] * slopes[j, i]
            base[i] = y[i] + h * value
        stage_time = t + h * STAGE_TIMES[stage]
        risk, drift, noise = solve_stage(
            risk, stage_time, h, base, rates, sources, law, table, factors, state
        )
        if not math.isfinite(risk):
            return math.nan
        for i in range(y.size):
            slopes[stage, i] = noise * sources[i] - drift * rates[i] * state[i]
    return risk


@scalar
def error_ratio(y, state, risk, new_risk, slopes, h, rtol):
    """Return the largest error of R and of a node over its tolerance (as in the explicit
    solver)."""
    scale = max(risk, new_risk) + 1e-300
    total = 0.0
    worst = 0.0
    for i in range(y.size):
        error = 0.0
        for j in range(6):
            weight = STAGES[5, j] if j < 5 else GAMMA
            error += (weight - EMBEDDED[j]) * slopes[j, i]
        error *= h
        total += error
        worst = max(worst, abs(error) / (max(abs(y[i]), abs(state[i])) + 0.01 * scale))
    return max(abs(total) / scale, worst) / rtol


@scalar
def integrate(rates, energies, sources, times, law, table, factors, rtol, most_steps):
    """Solve on a grid of times; arguments and results as in the explicit solver."""
    y = np.empty(energies.size)
    state = np.empty(energies.size)
    base = np.empty(energies.size)
    slopes = np.empty((6, energies.size))
    out = np.empty(times.size)
    risk = 0.0
    for i in range(y.size):
        y[i] = energies[i]
        risk += y[i]
    out[0] = risk
    t = times[0]
    span = times[-1] - t
    h = 1e-6 * span
    drift, noise = scaled_coefficients(risk, t, law, table, factors)
    for i in range(y.size):
        slopes[0, i] = noise * sources[i] - drift * rates[i] * y[i]
    status = DONE if math.isfinite(drift + noise + risk) else NOT_A_NUMBER
    steps = 0
    filled = 1
    while status == DONE and filled < times.size:
        landing = t + h * (1.0 + 1e-9) >= times[filled]
        taken = times[filled] - t if landing else h
        steps += 1
        new_risk = attempt(
            y, risk, t, taken, rates, sources, slopes, base, state, law, table, factors
        )
        ratio = error_ratio(y, state, risk, new_risk, slopes, taken, rtol)
        if ratio <= 1.0:
            t = times[filled] if landing else t + taken
            risk = new_risk
            y, state = state, y
            for i in range(y.size):
                slopes[0, i] = slopes[5, i]
            if landing:
                out[filled] = risk
                filled += 1
            else:
                h = taken
            h = min(
                max(h, taken * min(5.0, max(0.2, 0.9 * max(ratio, 1e-8) ** (-0.25)))), span / 32.0
            )
            if risk > LARGEST_RISK:
                status = TOO_LARGE
        elif ratio > 1.0:
            h = taken * max(0.2, 0.9 * ratio ** (-0.25))
        else:  # not a number, or a stage that did not settle
            h = 0.2 * taken
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
