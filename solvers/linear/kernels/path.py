"""One path of the SDE of a linear model: two matrix-vector products a step.

The noise of a batch is printed from `limitlab.theory.methods.batch_noise`.
"""

from __future__ import annotations

import numpy as np

# >>> provided by the generated module
from numba import njit

from ...kernels.interface import s_homogenised_of, s_of
from ...kernels.normals import CACHED, fill_normals

# <<< provided by the generated module

SAFE_MATH = {"reassoc", "contract", "nsz", "arcp"}


@njit(cache=CACHED, nogil=True, fastmath=SAFE_MATH)
def multiply_add(A, x, G, y, out):
    """out = A x + G y."""
    for i in range(out.size):
        total = 0.0
        for j in range(x.size):
            total += A[i, j] * x[j] + G[i, j] * y[j]
        out[i] = total


@njit(cache=CACHED, nogil=True, fastmath=SAFE_MATH)
def half_mean_square(z, examples):
    """The loss, |z|^2 / (2 D)."""
    total = 0.0
    for i in range(z.size):
        total += z[i] * z[i]
    return 0.5 * total / examples


@njit(cache=CACHED, nogil=True)
def example_noise(z, normals, examples, outputs, c, nu, out):
    """The noise of a batch, one normal an example."""
    mean = 0.0
    for k in range(examples):
        mean += normals[k]
    mean /= examples
    for k in range(examples):
        for o in range(k * outputs, (k + 1) * outputs):
            out[o] = s_of(z[o], normals[k], mean, c, nu, examples)


@njit(cache=CACHED, nogil=True)
def path(key, z, decay, spread, strength, examples, outputs, c, nu, exact, record, losses):
    """Fill the losses at the recorded steps; z is the start and is overwritten."""
    normals = np.empty((z.size + 255) // 256 * 256, dtype=np.float32)
    noise, after = np.empty_like(z), np.empty_like(z)
    place = 0
    for step in range(record[-1] + 1):
        if step == record[place]:
            losses[place] = half_mean_square(z, examples)
            place += 1
        if step == record[-1]:
            break
        fill_normals(key, np.uint64(step), np.uint32(0), normals)
        if exact:
            example_noise(z, normals, examples, outputs, c, nu, noise)
        else:
            size = np.sqrt(2.0 * examples * half_mean_square(z, examples) / outputs)
            for i in range(z.size):
                noise[i] = s_homogenised_of(size, normals[i], c)
        for i in range(z.size):
            noise[i] *= strength
        multiply_add(decay, z, spread, noise, after)
        z[:] = after


def warm_up():
    """Compile for the types of a path."""
    one, record, key = np.ones((1, 1)), np.array([0, 1]), np.uint64(0)
    path(key, np.ones(1), one, one.copy(), 0.1, 1, 1, 1.0, 1.0, True, record, np.empty(2))
