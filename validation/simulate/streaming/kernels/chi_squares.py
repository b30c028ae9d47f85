"""Chi-square numbers, exact in law, a function of (key, group, position).

Above one degree of freedom by the rejection method of Marsaglia and Tsang (ACM TOMS 26, 2000):
with x normal, v = (1 + c x)^3 and c = 1/(3 sqrt(shape)), shape * v is accepted with probability
exp(h), h = x^2/2 + shape (1 - v + log v). Their test that spares the logarithms is replaced by
one that uses the shape (derived here): with y = c x,

    -h / (y x)^2 = [-y^2/2 - (1 - (1 + y)^3 + 3 log(1 + y)) / 9] / y^4

falls in y and is 0.14123 at y = -1/2, so that u < 1 - 0.1413 (y x)^2 implies u < exp(h) there and
above. The larger the shape, the rarer the logarithms.
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from numba import njit

from .....solvers.kernels.normals import (
    CACHED,
    box_muller,
    fill_normals,
    fill_uniforms,
    philox,
    uniform,
)

# <<< provided by the generated module

NORMALS, UNIFORMS, RETRIES = np.uint32(1), np.uint32(2), np.uint32(3)
SQUEEZE = 0.1413
#: candidates at most: nineteen in twenty are accepted, and none of a shape that is not a number
ATTEMPTS = 1000
SAFE_MATH = {"reassoc", "contract", "nsz", "arcp"}


@njit(cache=CACHED, nogil=True, error_model="numpy")
def accepts(x, v, u, shape):
    """Whether the candidate shape * v is accepted."""
    return v > 0.0 and math.log(u) < 0.5 * x * x + shape * (1.0 - v + math.log(v))


@njit(cache=CACHED, nogil=True, error_model="numpy")
def settle(x, u, shape, slope, key, group, index):
    """v of this candidate, or of the first accepted one of a stream of its own."""
    k0, k1 = np.uint32(key), np.uint32(key >> np.uint64(32))
    g0, g1 = np.uint32(group), np.uint32(group >> np.uint64(32))
    stream = RETRIES
    for _ in range(ATTEMPTS):
        root = 1.0 + slope * x
        v = root * root * root
        if accepts(x, v, u, shape):
            return v
        r0, r1, r2, _ = philox(np.uint32(index), g0, g1, stream, k0, k1)
        x, u = np.float64(box_muller(r0, r1)[0]), uniform(r2)
        stream = np.uint32(stream + np.uint32(1))
    return math.nan


@njit(cache=CACHED, nogil=True, fastmath=SAFE_MATH, error_model="numpy")
def fill_candidates(shapes, slopes, normals, uniforms, out):
    """out = 2 shape v where that is accepted without a logarithm, else -1; no branches."""
    for i in range(out.size):
        x = np.float64(normals[i])
        y = slopes[i] * x
        root = 1.0 + y
        value = 2.0 * shapes[i] * root * root * root
        sure = (y >= -0.5) & (uniforms[i] < 1.0 - SQUEEZE * (y * x) * (y * x))
        out[i] = value if sure else -1.0


@njit(cache=CACHED, nogil=True, error_model="numpy")
def fill_chi_squares(freedoms, shapes, slopes, key, group, normals, uniforms, out):
    """Fill out[i] with a chi-square number of freedoms[i] = 0, 1, 2, ... degrees.

    Parameters
    ----------
    freedoms : (n,) float64
    shapes, slopes : (n,) float64
        freedoms/2 - 1/3 and 1/(3 sqrt(shape)); slope NaN below two degrees.
    key, group : uint64
        The numbers are a function of these and of their places.
    normals, uniforms : float32 and float64, sizes a multiple of 256 and at least n
        Work space.
    out : (n,) float64
    """
    fill_normals(key, group, NORMALS, normals)
    fill_uniforms(key, group, UNIFORMS, uniforms)
    fill_candidates(shapes, slopes, normals, uniforms, out)
    for i in range(out.size):
        if out[i] < 0.0:
            x = np.float64(normals[i])
            if freedoms[i] < 2.0:
                out[i] = freedoms[i] * x * x
            else:
                v = settle(x, uniforms[i], shapes[i], slopes[i], key, group, i)
                out[i] = 2.0 * shapes[i] * v


def warm_up():
    """Compile for the types of a run."""
    one, zero = np.ones(1), np.uint64(0)
    normals, uniforms = np.empty(256, dtype=np.float32), np.empty(256)
    fill_chi_squares(one, one.copy(), one.copy(), zero, zero, normals, uniforms, one.copy())
