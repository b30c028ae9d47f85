"""The exact chain of the states within eigenspaces, for any dimension.

Within an eigenspace x is isotropic and a step commutes with rotations: of the few vectors of the
states only their scalar products matter. They are held as the rows of a small lower triangle Z in
a basis of what they span. A sample has a normal number along every basis vector, and across them a
length whose square is a chi-square; that direction joins the basis for the step, and a rotation
turns it back into the triangle (derived here).
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

# <<< provided by the generated module

NORM = 1


@njit(cache=CACHED, nogil=True, error_model="numpy")
def turn(state, first, across):
    """Rotate the columns of a triangle, and one column more, until that one is zero."""
    for a in range(STATES):
        for k in range(a + 1, STATES + 1):
            other = across[a, 0] if k == STATES else state[a, first + k]
            if other == 0.0:
                continue
            own = state[a, first + a]
            size = math.hypot(own, other)
            cosine, sine = own / size, other / size
            for b in range(a, STATES):
                x = state[b, first + a]
                y = across[b, 0] if k == STATES else state[b, first + k]
                state[b, first + a] = cosine * x + sine * y
                if k == STATES:
                    across[b, 0] = cosine * y - sine * x
                else:
                    state[b, first + k] = cosine * y - sine * x


@njit(cache=CACHED, nogil=True, error_model="numpy")
def half_square(state, roots, a):
    """Half of sum lambda |state a|^2."""
    total = 0.0
    for j in range(roots.size):
        for k in range(STATES):
            value = roots[j] * state[a, j * STATES + k]
            total += value * value
    return 0.5 * total


@njit(cache=CACHED, nogil=True, error_model="numpy")
def advance(
    state, roots, held, trace, normals, rests, noise, first, dimension, acts_on, record, totals, p
):
    """Do `noise.size` steps from step `first` and record at the recorded steps.

    Parameters
    ----------
    state : (states, m states) float64, changed in place
        The triangles side by side.
    roots : (m,) float64
        sqrt(lambda_j).
    held : (m,) int64
        Directions of each eigenspace that the triangle holds: the number of states, or all.
    trace, dimension : float
    normals, rests : float32 and float64
        Of a step: `states` numbers an eigenspace, and the square of what is across.
    record, totals : (T,) int64 and (T, 2) float64
    """
    m = roots.size
    across = np.zeros((STATES, 1))
    position = np.searchsorted(record, first, side="right")
    for step in range(noise.size):
        k = first + step
        t = k / dimension
        base = step * m * STATES
        residual, square = -noise[step], 0.0
        for j in range(m):
            length = rests[step * m + j]
            for i in range(held[j]):
                z = np.float64(normals[base + j * STATES + i])
                residual += state[0, j * STATES + i] * roots[j] * z
                length += z * z
            square += roots[j] * roots[j] * length
        if acts_on == NORM:
            n = abs(residual) * math.sqrt(square / trace)
            w = 0.0 if n == 0.0 else rule(n, t, p) / n * residual
            adapt(n, dimension, p)
        else:
            w = rule(residual, t, p)
        c = coefficients(t, dimension, p)
        for j in range(m):
            start = j * STATES
            for i in range(held[j]):
                g = w * roots[j] * np.float64(normals[base + start + i])
                write_states(state, start + i, moved(c, read_states(state, start + i), g))
            rest = rests[step * m + j]
            if rest > 0.0:
                for a in range(STATES):
                    across[a, 0] = 0.0
                g = w * roots[j] * math.sqrt(rest)
                write_states(across, 0, moved(c, read_states(across, 0), g))
                turn(state, start, across)
        if position < record.size and record[position] == k + 1:
            totals[position, 0] = half_square(state, roots, 0)
            totals[position, 1] = half_square(state, roots, AVERAGED if AVERAGED > 0 else 0)
            position += 1


def warm_up():
    """Compile for the types of a run."""
    one, record, normals = np.ones(1), np.ones(1, dtype=np.int64), np.ones(STATES, dtype=np.float32)
    held, state = np.ones(1, dtype=np.int64), np.ones((STATES, STATES))
    totals, p = np.ones((1, 2)), np.ones(64)
    advance(state, one, held, 1.0, normals, one, one, 0, 1.0, 0, record, totals, p)
