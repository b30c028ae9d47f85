"""Adaptive explicit solution of modes that remember (theory/adam_memory.py), with one shared 𝒱.

The generated module defines, for one mode, `mode_rates(y, u, w, k, V, P, eta, c_1, c)` (as many
of u and w count as there are states) and `memory_rate(V, P, c_2)`. Tsitouras' 5(4) pair; the
error is that of R and of 𝒱.
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from ...kernels.interface import memory_rate, mode_rates, rate, scalar
from ...stepping.tsitouras import ERROR, INTERPOLANT, STAGE_TIMES, STAGES

# <<< provided by the generated module


@scalar
def derivative(state, t, numbers, variances, sources, p, out):
    """Write the time derivative of (states × modes) and, behind them, of 𝒱."""
    floor, c_1, c_2 = numbers
    kinds, modes = state.shape[0] - 1, state.shape[1]
    power = floor + 2.0 * state[0].sum()
    memory = state[kinds, 0]
    eta = rate(t, p)
    for i in range(modes):
        u = state[1, i] if kinds > 1 else 0.0
        w = state[2, i] if kinds > 2 else 0.0
        found = mode_rates(
            state[0, i], u, w, variances[i], memory, power, eta, c_1, sources[i]
        )
        for j in range(kinds):
            out[j, i] = found[j]
    out[kinds, 0] = memory_rate(memory, power, c_2)


@scalar
def solve_memory(start, times, numbers, variances, sources, p, rtol, most_steps):
    """Solve on a grid of times.

    Parameters
    ----------
    start : (states + 1, m) array
        States of the modes; 𝒱 first in the last row.
    times : (T,) array
    numbers : (σ², c₁, c₂)
    variances, sources : (m,) arrays
    p : (k,) array
        Parameters of the rate.

    Returns
    -------
    risk, memory : (T,) arrays
    report : tuple
        0 done or 3 underflow or 4 too many steps; steps; time, step and risk where it stopped.
    """
    y = start.copy()
    kinds = y.shape[0] - 1
    slopes = np.zeros((7, *y.shape))
    risk, memory = np.full(times.size, np.nan), np.full(times.size, np.nan)
    risk[0], memory[0] = y[0].sum(), y[kinds, 0]
    t, end, filled, steps = times[0], times[-1], 1, 0
    h = (end - t) * 1e-6
    derivative(y, t, numbers, variances, sources, p, slopes[0])
    while filled < times.size:
        h = min(h, end - t)
        if h <= 1e-15 * end or steps >= most_steps:
            return risk, memory, (3 if steps < most_steps else 4, steps, t, h, y[0].sum())
        steps += 1
        new = y.copy()
        for stage in range(1, 7):
            new = y.copy()
            for j in range(stage):
                new += h * STAGES[stage, j] * slopes[j]
            derivative(
                new, t + h * STAGE_TIMES[stage], numbers, variances, sources, p, slopes[stage]
            )
        error = np.zeros_like(y)
        for j in range(7):
            error += h * ERROR[j] * slopes[j]
        total = max(y[0].sum(), new[0].sum())
        ratio = max(
            abs(error[0].sum()), np.abs(error[0]).max()
        ) / total + abs(error[kinds, 0]) / max(y[kinds, 0], 1e-300)
        ratio /= rtol
        if not ratio <= 1.0 or not new[kinds, 0] > 0.0:
            h *= max(0.2, 0.9 * ratio**-0.2) if ratio > 1.0 and ratio < math.inf else 0.2
            continue
        while filled < times.size and times[filled] <= t + h * (1.0 + 1e-12):
            theta = min((times[filled] - t) / h, 1.0)
            risk[filled], memory[filled] = y[0].sum(), y[kinds, 0]
            for j in range(7):
                weight = 0.0
                for k in range(3, -1, -1):
                    weight = (weight + INTERPOLANT[j, k]) * theta
                risk[filled] += h * weight * slopes[j, 0].sum()
                memory[filled] += h * weight * slopes[j, kinds, 0]
            filled += 1
        t += h
        y, slopes[0] = new, slopes[6]
        h *= min(5.0, 0.9 * max(ratio, 1e-6) ** -0.2)
    return risk, memory, (0, steps, t, h, y[0].sum())


def warm_up():
    """Compile for the types of a run."""
    one = np.ones(1)
    solve_memory(np.ones((2, 1)), one, (1.0, 1.0, 1.0), one, one, np.ones(64), 1e-6, 1)
