"""The Volterra equation of the risk, by symmetric product integration.

    R(t) = Σ y_i(0) e^(−λ_i G(t)) + Σ c_i ∫ e^(−λ_i (G(t) − G(s))) B(R, s) ds,   G = ∫ A(R, s) ds.

On a step G takes the trapezoid, B/A is linear in G, and the exponentials are integrated exactly, so
that fast modes set no limit on the step. The new risk is the root of one equation in one number.
The step is symmetric: its error has even powers of the step only. Derived here.
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from ...kernels.interface import any_law, pasted, scalar
from ...kernels.tabulated import scaled_coefficients
from ...stepping.adaptive import adaptive
from ...stepping.secant import settle

# <<< provided by the generated module

#: as `tsitouras.CONTROL`, for an error that is of third order in the step
CONTROL = (True, 1e-9, -1.0 / 3.0, 0.0, -1.0 / 3.0, 3.0, 16.0)
SMALL = 0.1


@scalar
def ramps(z):
    """Return e^(−z), and ∫ e^(−z(1−s)) (1−s) ds and ∫ e^(−z(1−s)) s ds over 0 < s < 1."""
    change = math.expm1(-z)
    if abs(z) < SMALL:
        rising = 0.0
        for k in range(10, 1, -1):
            rising = (1.0 - z * rising) / k
        total = 1.0 - z * rising
    else:
        rising = (z + change) / (z * z)
        total = -change / z
    return 1.0 + change, total - rising, rising


@scalar
def inflow(old, new, taken, h):
    """Return ∫B over a step as its two ends see it: (B/A) ΔG, or B h where A vanishes.

    `old` and `new` are (A, B) at the ends; `taken` is ΔG.
    """
    if old[0] > 0.0 and new[0] > 0.0:
        return old[1] / old[0] * taken, new[1] / new[0] * taken
    return old[1] * h, new[1] * h


@scalar
def defect(risk, equation):
    """Return by how much the equation at the end of a step misses `risk`; also A, B and G there."""
    t, h, covered, old, memory, modes, rules = equation
    rates, energies, sources = modes
    law, table, factors = rules
    new = scaled_coefficients(risk, t, law, table, factors)
    taken = 0.5 * h * (old[0] + new[0])
    reached = covered + taken
    first, last = inflow(old, new, taken, h)
    total = 0.0
    for i in range(rates.size):
        if energies[i] > 0.0:
            total += energies[i] * math.exp(-rates[i] * reached)
        if sources[i] > 0.0:
            kept, falling, rising = ramps(rates[i] * taken)
            total += sources[i] * (kept * memory[i] + falling * first + rising * last)
    return total - risk, (new[0], new[1], reached)


@scalar
def solve_step(guess, t, h, covered, old, memory, modes, rules):
    """Find the risk at the end `t` of a step, NaN where it does not settle; (A, B) and G there."""
    risk, found = settle(guess, (t, h, covered, old, memory, modes, rules))
    return risk, (found[0], found[1]), found[2]


@scalar
def remember(rates, memory, old, new, taken, h, out):
    """Write ∫ e^(−λ (G(t) − G(s))) B ds at the end of a step, from its value at the beginning."""
    first, last = inflow(old, new, taken, h)
    for i in range(rates.size):
        kept, falling, rising = ramps(rates[i] * taken)
        out[i] = kept * memory[i] + falling * first + rising * last


@scalar
def opening(modes, t, rules):
    """Return risk and (A, B) at the start."""
    law, table, factors = rules
    risk = 0.0
    for i in range(modes[1].size):
        risk += modes[1][i]
    return risk, scaled_coefficients(risk, t, law, table, factors)


@pasted
def attempt(now, new, t, h, room, model):
    """Take one step whole, and in two halves, which count; return the sum of both risks, or NaN."""
    modes, rules = model
    rates, memory, middle, rough, half = modes[0], now[0], room[1], room[2], 0.5 * h
    risk, old, covered = now[1][0], (now[1][1], now[1][2]), now[1][3]
    rough[0], _, _ = solve_step(risk, t + h, h, covered, old, memory, modes, rules)
    fine, inner, reached = solve_step(risk, t + half, half, covered, old, memory, modes, rules)
    remember(rates, memory, old, inner, reached - covered, half, middle)
    fine, final, end = solve_step(fine, t + h, half, reached, inner, middle, modes, rules)
    remember(rates, middle, inner, final, end - reached, half, new[0])
    new[1][0], new[1][1], new[1][2], new[1][3] = fine, final[0], final[1], end
    return rough[0] + fine


@pasted
def error(now, new, h, room, model):
    """Return the relative change of the risk on halving a step."""
    return abs(room[2][0] - new[1][0]) / (max(now[1][0], new[1][0]) + 1e-300)


@pasted
def between(now, new, h, theta, room, model, out, place):
    """Write what is watched at the end of a step: no output lies within one."""
    for i in range(out.shape[1]):
        out[place, i] = new[1][i]


@scalar
def choose_mesh(modes, times, rules, tolerance, most_steps):
    """Choose steps whose halving changes the risk by less than a relative `tolerance`.

    Returns
    -------
    mesh : (n,) array
        Contains every output time; shorter where it stopped early.
    report : tuple
        Status, number of steps, and the time, step and risk where it stopped.
    """
    size, watched, ends = modes[0].size, np.zeros(4), np.empty(most_steps + 1)
    watched[0], (watched[1], watched[2]) = opening(modes, times[0], rules)
    room = (np.zeros((1, 0)), np.empty(size), np.empty(1))
    ends[0] = times[0]
    model, h = (modes, rules), 1e-4 * (times[-1] - times[0])
    _, accepted, report = adaptive(
        np.zeros(size), watched, times, h, room, model, tolerance, most_steps, ends
    )
    return ends[: accepted + 1], report


@scalar
def march(modes, passive, mesh, pieces, times, rules):
    """Solve with `pieces` equal steps on every interval of a mesh.

    Parameters
    ----------
    modes : tuple of three (m,) arrays
        λ_i, y_i(0) and c_i.
    passive : (n,) array
        Rates λ whose memory is wanted beside; they do not enter the risk.
    mesh, times : arrays
        Every time of `times` is one of the mesh.
    rules : tuple
        Arrays of the generated coefficients, their table, and factors on A and B.

    Returns
    -------
    risk, covered : (T,) arrays
        R and G at `times`; NaN from where a step did not settle.
    recalled : (T, n) array
        ∫ e^(−λ (G(t) − G(s))) B ds.
    """
    rates = modes[0]
    memory, next_memory = np.zeros(rates.size), np.zeros(rates.size)
    beside, next_beside = np.zeros(passive.size), np.zeros(passive.size)
    out, covered_out = np.full(times.size, math.nan), np.full(times.size, math.nan)
    recalled = np.zeros((times.size, passive.size))
    risk, old = opening(modes, mesh[0], rules)
    covered = 0.0
    out[0], covered_out[0] = risk, covered
    filled = 1
    for interval in range(mesh.size - 1):
        h = (mesh[interval + 1] - mesh[interval]) / pieces
        for piece in range(pieces):
            t = mesh[interval] + (piece + 1) * h if piece + 1 < pieces else mesh[interval + 1]
            risk, new, reached = solve_step(risk, t, h, covered, old, memory, modes, rules)
            if not math.isfinite(risk):
                return out, covered_out, recalled
            remember(rates, memory, old, new, reached - covered, h, next_memory)
            remember(passive, beside, old, new, reached - covered, h, next_beside)
            memory, next_memory = next_memory, memory
            beside, next_beside = next_beside, beside
            covered, old = reached, new
        if filled < times.size and mesh[interval + 1] == times[filled]:
            out[filled], covered_out[filled] = risk, covered
            recalled[filled] = beside
            filled += 1
    return out, covered_out, recalled


def warm_up():
    """Compile for the types in use: a single time means that no step is taken."""
    one = np.full(1, 0.5)
    rules = (any_law(), np.empty((1, 2, 3)), np.ones(2))
    choose_mesh((one, one, one), one, rules, 1e-4, 1)
    march((one, one, one), one, one, 1, one, rules)
