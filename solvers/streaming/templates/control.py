r"""Risk at the horizon under a schedule, and its exact gradient.

The mode equations dy_i/dt = −η a λ_i y_i + η² b c_i with log a and log b cubic splines in
(log R, log c). One step is an exponential midpoint rule: coefficients at the start give the risk
half a step on, coefficients there move every mode exactly. The gradient is that of this discrete
map, by its adjoint (derived here).
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from ...kernels.interface import scalar

# <<< provided by the generated module


@scalar
def weights_at(place, count):
    """Return the first node, and the values and slopes of the four cubic B-splines, at a place
    counted in nodes; beyond the ends the logarithm goes on as a straight line."""
    inside = min(max(place, 1.0), count - 2.0 - 1e-9)
    first = int(inside) - 1
    f = inside - int(inside)
    g = 1.0 - f
    value = (
        np.array([g**3, 4.0 - 6.0 * f**2 + 3.0 * f**3, 4.0 - 6.0 * g**2 + 3.0 * g**3, f**3]) / 6.0
    )
    slope = np.array([-(g**2), -4.0 * f + 3.0 * f**2, 4.0 * g - 3.0 * g**2, f**2]) / 2.0
    return first, value + (place - inside) * slope, slope


@scalar
def coefficients_at(table, grid, log_risk, log_threshold):
    """Return a, b and their derivatives in R and in log c: (2, 3).

    Parameters
    ----------
    table : (2, n, m) array
        Spline coefficients of log a and log b.
    grid : (4,) array
        Start and spacing in log R, and in log c.
    """
    i, row, row_slope = weights_at((log_risk - grid[0]) / grid[1], table.shape[1])
    j, column, column_slope = weights_at((log_threshold - grid[2]) / grid[3], table.shape[2])
    out = np.zeros((2, 3))
    for k in range(2):
        for p in range(4):
            along = 0.0
            turn = 0.0
            for q in range(4):
                along += column[q] * table[k, i + p, j + q]
                turn += column_slope[q] * table[k, i + p, j + q]
            out[k, 0] += row[p] * along
            out[k, 1] += row_slope[p] * along
            out[k, 2] += row[p] * turn
        out[k, 0] = math.exp(out[k, 0])
        out[k, 1] *= out[k, 0] / grid[1] * math.exp(-log_risk)
        out[k, 2] *= out[k, 0] / grid[3]
    return out


@scalar
def moved(rate, a, y, source, h):
    """Return e^(−aλh) y + source (1 − e^(−aλh))/(aλ), the decay, the weight of the source, and the
    derivative in a."""
    decay = math.exp(-a * rate * h)
    weight = -math.expm1(-a * rate * h) / (a * rate) if a * rate * h > 1e-12 else h
    slope = -rate * h * decay * y + source * (h * decay - weight) / a
    return decay * y + source * weight, decay, weight, slope


@scalar
def advance(y, rates, sources, table, grid, h, eta, log_c, out):
    """Write the modes after one step."""
    risk = max(y.sum(), 1e-300)
    start = coefficients_at(table, grid, math.log(risk), log_c)
    half = 0.0
    for i in range(y.size):
        b = eta * eta * start[1, 0] * sources[i]
        half += moved(rates[i], eta * start[0, 0], y[i], b, 0.5 * h)[0]
    middle = coefficients_at(table, grid, math.log(max(half, 1e-300)), log_c)
    for i in range(y.size):
        b = eta * eta * middle[1, 0] * sources[i]
        out[i] = moved(rates[i], eta * middle[0, 0], y[i], b, h)[0]


@scalar
def pull_back(y, adjoint, rates, sources, table, grid, h, eta, log_c):
    """Turn the adjoint after a step into that before it; return the derivatives in η and log c."""
    risk = max(y.sum(), 1e-300)
    start = coefficients_at(table, grid, math.log(risk), log_c)
    half = 0.0
    for i in range(y.size):
        b = eta * eta * start[1, 0] * sources[i]
        half += moved(rates[i], eta * start[0, 0], y[i], b, 0.5 * h)[0]
    middle = coefficients_at(table, grid, math.log(max(half, 1e-300)), log_c)
    drift = 0.0
    noise = 0.0
    for i in range(y.size):
        b = eta * eta * middle[1, 0] * sources[i]
        _, decay, weight, slope = moved(rates[i], eta * middle[0, 0], y[i], b, h)
        drift += adjoint[i] * slope
        noise += adjoint[i] * weight * sources[i]
        adjoint[i] *= decay
    through = drift * eta * middle[0, 1] + noise * eta**2 * middle[1, 1]
    in_eta = drift * middle[0, 0] + 2.0 * eta * noise * middle[1, 0]
    in_c = drift * eta * middle[0, 2] + noise * eta**2 * middle[1, 2]
    drift = 0.0
    noise = 0.0
    for i in range(y.size):
        b = eta * eta * start[1, 0] * sources[i]
        _, decay, weight, slope = moved(rates[i], eta * start[0, 0], y[i], b, 0.5 * h)
        drift += through * slope
        noise += through * weight * sources[i]
        adjoint[i] += through * decay
    at_start = drift * eta * start[0, 1] + noise * eta**2 * start[1, 1]
    for i in range(y.size):
        adjoint[i] += at_start
    in_eta += drift * start[0, 0] + 2.0 * eta * noise * start[1, 0]
    in_c += drift * eta * start[0, 2] + noise * eta**2 * start[1, 2]
    return in_eta, in_c


@scalar
def horizon(energies, rates, sources, table, grid, widths, etas, log_cs):
    """Return log R at the end and its derivatives in every step's η and log c.

    Parameters
    ----------
    energies, rates, sources : (m,) arrays
    widths, etas, log_cs : (n,) arrays
        Length, rate and log threshold of each step.
    """
    n = widths.size
    path = np.empty((n + 1, energies.size))
    path[0] = energies
    for k in range(n):
        advance(path[k], rates, sources, table, grid, widths[k], etas[k], log_cs[k], path[k + 1])
    final = max(path[n].sum(), 1e-300)
    adjoint = np.full(energies.size, 1.0 / final)
    in_eta = np.empty(n)
    in_c = np.empty(n)
    for k in range(n - 1, -1, -1):
        in_eta[k], in_c[k] = pull_back(
            path[k], adjoint, rates, sources, table, grid, widths[k], etas[k], log_cs[k]
        )
    return math.log(final), in_eta, in_c


def warm_up():
    """Compile for the array types in use."""
    one, empty = np.ones(1), np.empty(0)
    horizon(one, one, one, np.zeros((2, 4, 4)), np.ones(4), empty, empty, empty)
