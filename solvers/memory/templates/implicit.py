"""Implicit solution of the moments of all modes, where they are stiff.

The pair of Kennedy and Carpenter. The modes meet only through R: a stage
(1 − γh (Λ + Aλ/2 Π)) Y = base + γh B c Σ is one small linear system a mode and one equation for R
(derived here). Every output time is a step's end.
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from ...kernels.interface import MOMENTS, any_law, pasted, scalar
from ...kernels.tabulated import scaled_coefficients
from ...stepping.adaptive import adaptive
from ...stepping.kennedy_carpenter import ERROR, GAMMA, STAGE_TIMES, STAGES
from ...stepping.secant import settle
from ...stepping.stages import stage_state
from .dynamics import add_products, fill, sourced, total

# <<< provided by the generated module


@scalar
def solve_small(matrix, vector):
    """Solve a small linear system in place (elimination with pivots)."""
    n = vector.size
    for k in range(n):
        best = k
        for i in range(k + 1, n):
            if abs(matrix[i, k]) > abs(matrix[best, k]):
                best = i
        if best != k:
            for j in range(k, n):
                matrix[k, j], matrix[best, j] = matrix[best, j], matrix[k, j]
            vector[k], vector[best] = vector[best], vector[k]
        for i in range(k + 1, n):
            factor = matrix[i, k] / matrix[k, k]
            if factor != 0.0:
                for j in range(k, n):
                    matrix[i, j] -= factor * matrix[k, j]
                vector[i] -= factor * vector[k]
    for k in range(n - 1, -1, -1):
        for j in range(k + 1, n):
            vector[k] -= matrix[k, j] * vector[j]
        vector[k] /= matrix[k, k]


@scalar
def defect(risk, equation):
    """Fill `flat` with the moments that the stage has if its risk were `risk`; return its risk −
    risk, and A and B."""
    t, x, base, flat, model, small = equation
    rates, sources, _, rules, matrices = model
    law, table, factors = rules
    own, pulled, pushed = matrices
    drift, noise = scaled_coefficients(risk, t, law, table, factors)
    fill(t, law[0], matrices)
    matrix, vector = small
    kinds, m = pushed.size, rates.size
    for i in range(m):
        for a in range(kinds):
            for b in range(kinds):
                matrix[a, b] = -x * (own[a, b] + 0.5 * drift * rates[i] * pulled[a, b])
            matrix[a, a] += 1.0
            vector[a] = base[a * m + i] + x * noise * sources[i] * pushed[a]
        solve_small(matrix, vector)
        for a in range(kinds):
            flat[a * m + i] = vector[a]
    return total(flat[:m]) - risk, (drift, noise)


@pasted
def attempt(now, new, t, h, room, model):
    """Take one step; return its risk, or NaN where a stage does not settle."""
    slopes, base, small = room[0], room[1], room[2]
    risk, m = now[1][0], model[0].size
    x = GAMMA * h
    for stage in range(1, 6):
        stage_state(now[0], slopes, h, STAGES[stage], base)
        time = t + h * STAGE_TIMES[stage]
        risk, _ = settle(risk, (time, x, base, new[0], model, small))
        if not math.isfinite(risk):
            return math.nan
        for i in range(base.size):
            slopes[stage, i] = (new[0][i] - base[i]) / x
    for a in range(new[1].size):
        new[1][a] = total(new[0][a * m : (a + 1) * m])
    return risk


@pasted
def error(now, new, h, room, model):
    """Return the largest error of R, of a node over its size, and of every moment's total."""
    slopes, pairs, m = room[0], model[2], model[0].size
    scale = max(now[1][0], new[1][0]) + 1e-300
    worst = 0.0
    for a in range(pairs.shape[0]):
        missed = 0.0
        for i in range(m):
            one = 0.0
            for j in range(6):
                one += ERROR[j] * slopes[j, a * m + i]
            missed += h * one
            if a == 0:
                largest = max(abs(now[0][i]), abs(new[0][i]))
                worst = max(worst, abs(h * one) / (largest + 0.01 * scale))
        first, second = pairs[a, 0], pairs[a, 1]
        size = math.sqrt(
            max(now[1][first], new[1][first], 0.0) * max(now[1][second], new[1][second], 0.0)
        )
        if size > 0.0:
            worst = max(worst, abs(missed) / size)
    return worst


@scalar
def integrate(rates, sources, state, pairs, times, law, table, factors, rtol, most_steps):
    """Solve on a grid of times; arguments and results as in the explicit solver."""
    kinds, m = pairs.shape[0], rates.size
    watched = np.empty(kinds)
    small = (np.empty((kinds, kinds)), np.empty(kinds))
    room = (np.empty((6, state.size)), np.empty(state.size), small)
    matrices = (np.empty((kinds, kinds)), np.empty((kinds, kinds)), np.empty(kinds))
    model = (rates, sources, pairs, (law, table, factors), matrices)
    for a in range(kinds):
        watched[a] = total(state[a * m : (a + 1) * m])
    drift, noise = scaled_coefficients(watched[0], times[0], law, table, factors)
    own, pulled, pushed = matrices
    fill(times[0], law[0], matrices)
    for a in range(kinds):
        for b in range(kinds):
            pulled[a, b] *= 0.5 * drift
    change = room[0][0].reshape(kinds, m)
    sourced(pushed, sources, noise, change)
    add_products(own, pulled, rates, state.reshape(kinds, m), change)
    h, ends = 1e-6 * (times[-1] - times[0]), np.empty(0)
    out, _, report = adaptive(state, watched, times, h, room, model, rtol, most_steps, ends)
    return out, report


def warm_up():
    """Compile for the types in use: a single time means that no step is taken."""
    one, state = np.full(1, 0.5), np.full(MOMENTS, 0.5)
    pairs, table = np.zeros((MOMENTS, 2), dtype=np.int64), np.empty((1, 2, 3))
    integrate(one, one, state, pairs, one, any_law(), table, np.ones(2), 1e-8, 1)
