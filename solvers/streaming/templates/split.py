"""Mean path μ and fluctuation energies f of sign methods, for starts that are localised.

    dμ_i/dt = −η E s_i,     df_i/dt = −A λ_i f_i + B (c_i − λ_i (w_iᵀ E s)²/d),
    R = ½ μᵀ K μ + Σ f_i,   ρ_i = (K μ)_i/√(2 R K_ii).

With A = 2 η g, the first-order mean sign is ½ √(2R) A ρ_i/η, and the exact one of a single sample
½ √(2R) ∫_0^{ρ_i} A(R (1 − u²)) du/η: a series in arcsin ρ, fitted once a stage. Votes and batches
saturate through S_n(x) ∝ ∫_0^x (1 − v²)^{n/2 − 1} dv, S_n(1) = 1. Derived in
theory/streaming/split.py, to which tests/solvers/streaming/test_split_stated.py holds the loops.
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from ...kernels.interface import any_law, loops, pasted, rate, scalar
from ...kernels.tabulated import scaled_coefficients
from ...stepping.adaptive import adaptive
from ...stepping.stages import stage_state
from ...stepping.tsitouras import ERROR, STAGE_TIMES, STAGES, interpolation_weight

# <<< provided by the generated module

TERMS = 32
UNSCALED = np.ones(2)
#: n of S_n up to which it is a recurrence; beyond, nodes and weights of its integral
RECURRED = 200
PLACES, SHARES = np.polynomial.legendre.leggauss(40)
ANGLES = (np.arange(TERMS) + 0.5) * (np.pi / TERMS)
# values at the Chebyshev points → coefficients of the series
FIT = np.cos(np.outer(np.arange(TERMS), ANGLES)) * (2.0 / TERMS)
FIT[0] *= 0.5


@scalar
def saturated(x, order):
    """Return S_n(x), from the recurrence of ∫ cos^(n − 1), or for many samples by quadrature."""
    sine = min(max(x, -1.0), 1.0)
    if order > RECURRED:
        return slope_of_saturation(order) * integral_of_powers(sine, order)
    cosine = math.sqrt(1.0 - sine * sine)
    odd = (order - 1) % 2
    part = sine if odd else math.asin(sine)
    whole = 1.0 if odd else 0.5 * math.pi
    power = cosine * cosine if odd else cosine
    for j in range(odd + 2, order, 2):
        part = (power * sine + (j - 1) * part) / j
        whole = (j - 1) * whole / j
        power *= cosine * cosine
    return part / whole


@scalar
def integral_of_powers(sine, order):
    """Return ∫_0^x (1 − v²)^{n/2 − 1} dv for a large n: nothing is left beyond 9/√n."""
    end = min(abs(sine), 9.0 / math.sqrt(order))
    total = 0.0
    for k in range(PLACES.size):
        v = 0.5 * end * (1.0 + PLACES[k])
        total += SHARES[k] * math.exp((0.5 * order - 1.0) * math.log1p(-v * v))
    return math.copysign(0.5 * end * total, sine)


@scalar
def slope_of_saturation(order):
    """Return S_n'(0) = 1/∫_0^1 (1 − v²)^{n/2 − 1} dv = 2 Γ((n + 1)/2)/(√π Γ(n/2))."""
    if order > RECURRED:
        half = 0.5 * order
        ratio = 1.0 - 1.0 / (8.0 * half) + 1.0 / (128.0 * half**2) + 5.0 / (1024.0 * half**3)
        return 2.0 * math.sqrt(half / math.pi) * (ratio - 21.0 / (32768.0 * half**4))
    odd = (order - 1) % 2
    whole = 1.0 if odd else 0.5 * math.pi
    for j in range(odd + 2, order, 2):
        whole = (j - 1) * whole / j
    return 1.0 / whole


@scalar
def integral_series(risk, t, widest, law, table):
    """Return the Chebyshev series of ½ √(2R) ∫_0^θ A(R cos² ϑ) cos ϑ dϑ on 0 <= θ <= `widest`."""
    height = 0.5 * math.sqrt(2.0 * risk)
    integrand = np.zeros(TERMS + 2)
    for k in range(TERMS):
        cosine = math.cos(0.5 * widest * (1.0 + math.cos(ANGLES[k])))
        drift, _ = scaled_coefficients(risk * cosine * cosine, t, law, table, UNSCALED)
        for j in range(TERMS):
            integrand[j] += FIT[j, k] * height * drift * cosine
    integrand[0] *= 2.0
    series = np.zeros(TERMS + 1)
    for j in range(1, TERMS + 1):
        series[j] = 0.25 * widest * (integrand[j - 1] - integrand[j + 1]) / j
        series[0] += series[j] if j % 2 else -series[j]
    return series


@scalar
def evaluate(series, z):
    """Return a Chebyshev series at −1 <= z <= 1 (Clenshaw's recurrence)."""
    ahead = 0.0
    current = 0.0
    for j in range(series.size - 1, 0, -1):
        ahead, current = current, 2.0 * z * current - ahead + series[j]
    return z * current - ahead + series[0]


@scalar
def exact_signs(risk, t, law, table, out):
    """Turn ρ_i in `out` into the exact mean signs of one sample times η."""
    widest = 0.0
    for i in range(out.size):
        widest = max(widest, abs(out[i]))
    widest = math.asin(widest) + 1e-300
    series = integral_series(risk, t, widest, law, table)
    for i in range(out.size):
        value = evaluate(series, 2.0 * math.asin(abs(out[i])) / widest - 1.0)
        out[i] = math.copysign(value, out[i])


@scalar
def mean_signs(pull, variances, risk, t, drift, law, table, rule, out):
    """Write η E s_i for every coordinate, from (K μ)_i."""
    curved, order = rule
    height = 1.0 if curved else 0.5 * math.sqrt(2.0 * risk) * drift
    for i in range(out.size):
        power = math.sqrt(2.0 * risk * variances[i]) + 1e-300
        out[i] = height * min(max(pull[i] / power, -1.0), 1.0)
    if curved:
        exact_signs(risk, t, law, table, out)
    eta = rate(t, law[0])
    if order > 0 and eta > 0.0:
        full = eta * slope_of_saturation(order)
        for i in range(out.size):
            out[i] = eta * saturated(out[i] / full, order)


@loops
def row_times(matrix, row, vector):
    """Return one entry of matrix @ vector."""
    total = 0.0
    for j in range(vector.size):
        total += matrix[row, j] * vector[j]
    return total


@scalar
def pulls(state, geometry, out):
    """Write (K μ)_i and return the risk ½ μᵀ K μ + Σ f."""
    variances, counts, covariance = geometry[2], geometry[3], geometry[4]
    n = counts.size
    path = state[:n]
    risk = 0.0
    for i in range(n):
        dense = covariance.size > 0
        out[i] = row_times(covariance, i, path) if dense else variances[i] * path[i]
        risk += 0.5 * counts[i] * path[i] * out[i] + state[n + i]
    return risk


@scalar
def slope(state, t, model, pull, out):
    """Write (K μ)_i and the slope of (μ, f); return the risk, NaN where it is not one."""
    geometry, law, table, rule = model
    rates, sources, variances, _, covariance, left, dimension = geometry
    n = rates.size
    risk = pulls(state, geometry, pull)
    if not 0.0 <= risk < math.inf:
        return math.nan
    drift, noise = scaled_coefficients(risk, t, law, table, UNSCALED)
    eta = max(rate(t, law[0]), 1e-300)
    signs = out[:n]
    mean_signs(pull, variances, risk, t, drift, law, table, rule, signs)
    for i in range(n):
        if covariance.size > 0:
            overlap = rates[i] / dimension * (row_times(left, i, signs) / eta) ** 2
        else:
            overlap = sources[i] * (signs[i] / eta) ** 2
        out[n + i] = noise * (sources[i] - overlap) - drift * rates[i] * state[n + i]
    for i in range(n):
        out[i] = -signs[i]
    return risk


@pasted
def attempt(now, new, t, h, room, model):
    """Take one step; return its risk, or NaN."""
    slopes, pull, risk = room[0], room[1], math.nan
    for stage in range(1, 7):
        stage_state(now[0], slopes, h, STAGES[stage], new[0])
        risk = slope(new[0], t + h * STAGE_TIMES[stage], model, pull, slopes[stage])
        if not math.isfinite(risk):
            return math.nan
    new[1][0] = risk
    return risk


@pasted
def error(now, new, h, room, model):
    """Return the largest relative error: of R, of √K_ii μ_i, of f_i.

    Parts below 1 % of the whole do not count on their own.
    """
    slopes, pull = room[0], room[1]
    variances, counts = model[0][2], model[0][3]
    n, risk = counts.size, max(now[1][0], new[1][0])
    total = 0.0
    worst = 0.0
    for i in range(2 * n):
        missed = 0.0
        for j in range(7):
            missed += h * ERROR[j] * slopes[j, i]
        if i < n:
            total += counts[i] * pull[i] * missed
            floor = 0.01 * math.sqrt(2.0 * risk / variances[i])
        else:
            total += missed
            floor = 0.01 * risk
        worst = max(worst, abs(missed) / (max(abs(now[0][i]), abs(new[0][i])) + floor + 1e-300))
    return max(abs(total) / (risk + 1e-300), worst)


@pasted
def between(now, new, h, theta, room, model, out, place):
    """Write the risk at the fraction θ of an accepted step."""
    slopes, other, state = room[0], room[2], room[3]
    for i in range(state.size):
        state[i] = now[0][i]
    for j in range(7):
        weight = interpolation_weight(j, theta)
        for i in range(state.size):
            state[i] += h * weight * slopes[j, i]
    out[place, 0] = pulls(state, model[0], other)


@scalar
def integrate(path, times, geometry, law, table, rule, rtol, most_steps):
    """Solve from the mean path `path` on a grid of times.

    Parameters
    ----------
    path : (n,) array
        μ(0), one entry for each group of equal coordinates.
    times : (T,) array
        Increasing, the first one being the start.
    geometry : tuple
        λ, c, K_ii and how many coordinates are alike, (n,) each; K and, as rows, the left
        vectors, (0, 0) where K is diagonal; d.
    law, table
        As in the ODE's template.
    rule : (bool, int)
        Whether a single sample's sign counts exactly; n of S_n, or 0.

    Returns
    -------
    risk, report
        As from the ODE's template.
    """
    n, watched = path.size, np.empty(1)
    y = np.zeros(2 * n)
    for i in range(n):
        y[i] = path[i]
    room = (np.empty((7, 2 * n)), np.empty(n), np.empty(n), np.empty(2 * n))
    model, ends = (geometry, law, table, rule), np.empty(0)
    watched[0] = slope(y, times[0], model, room[1], room[0][0])
    h = 1e-4 * (times[-1] - times[0])
    out, _, report = adaptive(y, watched, times, h, room, model, rtol, most_steps, ends)
    return out[:, 0], report


def warm_up():
    """Compile for the types in use: a single time means that no step is taken."""
    one = np.full(1, 0.5)
    law = any_law()
    none = np.empty((0, 0))
    geometry = (one, one, one, one, none, none, 1.0)
    integrate(one, one, geometry, law, np.empty((1, 2, 3)), (True, 0), 1e-8, 1)
