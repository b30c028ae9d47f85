"""The real algorithm with memory, on independent coordinates, correlated samples or rows of data.

Every coordinate has a few states, the first of which is delta; one step moves them all along the
gradient g, by `moved`, which is printed from theory/memory/step.py. A sample is x = roots z and the
states are roots times those of the coordinates, so that the residual is z . state[0] - eps; rows
have roots of one. One pass moves the states and projects the first one on the next sample.
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from numba import njit

from .....solvers.kernels.interface import (
    AVERAGED,
    STATES,
    adapt,
    coefficients,
    moved,
    read_states,
    rule,
    write_states,
)
from .....solvers.kernels.normals import CACHED
from ...streaming.kernels.batches import add_sample, factor_of_sum, inner

# <<< provided by the generated module

NORM, COORDINATE = 1, 2
SAFE_MATH = {"reassoc", "contract", "nsz", "arcp"}


@njit(cache=CACHED, nogil=True, fastmath=SAFE_MATH)
def weighted_square(gains, z):
    """|x|^2."""
    total = 0.0
    for i in range(gains.size):
        zi = np.float64(z[i])
        total += gains[i] * zi * zi
    return total


@njit(cache=CACHED, nogil=True, forceinline=True, fastmath=SAFE_MATH)
def move(state, gains, z, w, ahead, c):
    """One step along w x; returns ahead . state[0]."""
    total = 0.0
    for i in range(gains.size):
        new = moved(c, read_states(state, i), w * gains[i] * np.float64(z[i]))
        write_states(state, i, new)
        total += new[0] * np.float64(ahead[i])
    return total


@njit(cache=CACHED, nogil=True, forceinline=True, fastmath=SAFE_MATH)
def move_measured(state, gains, z, w, ahead, c):
    """Like `move`; returns ahead . state[0] and the |x|^2 of the sample ahead."""
    total, square = 0.0, 0.0
    for i in range(gains.size):
        new = moved(c, read_states(state, i), w * gains[i] * np.float64(z[i]))
        write_states(state, i, new)
        zi = np.float64(ahead[i])
        total += new[0] * zi
        square += gains[i] * zi * zi
    return total, square


@njit(cache=CACHED, nogil=True, forceinline=True, error_model="numpy", fastmath=SAFE_MATH)
def move_coordinates(state, roots, z, residual, t, p, ahead, c):
    """One step along psi of every coordinate of the gradient; returns ahead . state[0]."""
    total = 0.0
    for i in range(roots.size):
        g = roots[i] * rule(residual * roots[i] * np.float64(z[i]), t, p)
        new = moved(c, read_states(state, i), g)
        write_states(state, i, new)
        total += new[0] * np.float64(ahead[i])
    return total


@njit(cache=CACHED, nogil=True, fastmath=SAFE_MATH)
def move_along(state, roots, total, factor, c):
    """One step along factor times a gradient that was summed."""
    for i in range(roots.size):
        new = moved(c, read_states(state, i), factor * roots[i] * total[i])
        write_states(state, i, new)


@njit(cache=CACHED, nogil=True, error_model="numpy")
def one_sample(
    state, roots, gains, z, projection, square, eps, k, dimension, acts_on, unit, p, ahead
):
    """A step on one sample; the next one's projection and, if used, |x|^2."""
    t = k / dimension
    c = coefficients(t, dimension, p)
    residual = projection - eps
    if acts_on == COORDINATE:
        return move_coordinates(state, roots, z, residual, t, p, ahead, c), 0.0
    if acts_on == NORM:
        n = abs(residual) * math.sqrt(square) / unit
        w = 0.0 if n == 0.0 else rule(n, t, p) / n * residual
        adapt(n, dimension, p)
        return move_measured(state, gains, z, w, ahead, c)
    return move(state, gains, z, rule(residual, t, p), ahead, c), 0.0


@njit(cache=CACHED, nogil=True, error_model="numpy")
def put(state, totals, kept, position):
    """Record delta and the average: half their squares, or the vectors where there is room."""
    average = state[AVERAGED] if AVERAGED > 0 else state[0]
    if kept.shape[2] > 0:
        kept[position, 0] = state[0]
        kept[position, 1] = average
    else:
        totals[position, 0] = 0.5 * inner(state[0], state[0])
        totals[position, 1] = 0.5 * inner(average, average)


@njit(cache=CACHED, nogil=True, error_model="numpy")
def advance(
    state, roots, gains, samples, chosen, noise, first, dimension, form, unit, record, out, p
):
    """Do `chosen.size // batch` steps from step `first`; record at the recorded steps.

    Parameters
    ----------
    state : (states, m) float64, changed in place
    roots, gains : (m,) float64
        What a sample's coordinates are multiplied by, and its square.
    samples : (n, m) float32 or float64
    chosen : (steps batch,) int64
        The row of `samples` that each step sees.
    noise : (steps batch,) float64
    form : (acts_on, pool, batch)
    unit : float
        sqrt(tr K), the unit of the gradient norm.
    record : (T,) int64
    out : (T, 2) and (T, 2, m or 0) float64
    """
    acts_on, pool, batch = form
    position = np.searchsorted(record, first, side="right")
    steps = chosen.size // batch
    ahead = samples[chosen[0]]
    total = np.empty(roots.size)
    projection, square = inner(state[0], ahead), weighted_square(gains, ahead)
    for j in range(steps):
        k = first + j
        if batch == 1:
            z = ahead
            if j + 1 < steps:
                ahead = samples[chosen[j + 1]]
            projection, square = one_sample(
                state,
                roots,
                gains,
                z,
                projection,
                square,
                noise[j],
                k,
                dimension,
                acts_on,
                unit,
                p,
                ahead,
            )
        else:
            t = k / dimension
            total[:] = 0.0
            for b in range(j * batch, (j + 1) * batch):
                z = samples[chosen[b]]
                residual = inner(state[0], z) - noise[b]
                norms = batch * dimension
                add_sample(total, roots, z, residual, norms, acts_on, pool, unit, t, p)
            factor = factor_of_sum(total, batch, dimension, acts_on, pool, unit, t, p)
            move_along(state, roots, total, factor, coefficients(t, dimension, p))
        if position < record.size and record[position] == k + 1:
            put(state, out[0], out[1], position)
            position += 1


def warm_up():
    """Compile for Gaussian samples, float32; rows of data are compiled where they are met."""
    one, record, chosen = np.ones(1), np.ones(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    out = (np.ones((1, 2)), np.ones((1, 2, 0)))
    samples, state, form = np.ones((1, 1), dtype=np.float32), np.ones((STATES, 1)), (0, 0, 1)
    advance(state, one, one, samples, chosen, one, 0, 1.0, form, 1.0, record, out, np.ones(64))
