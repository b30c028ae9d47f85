"""Runs of SGD on a linear model: draw a batch, add the columns of the Gram matrix it pulls on.

A step costs O(B D C^2) operations and not O(D^2 C^2): examples outside the batch do not act.
"""

from __future__ import annotations

import numpy as np

# >>> provided by the generated module
from numba import njit

from .....solvers.kernels.interface import y_after_of, z_after_of
from .....solvers.kernels.normals import CACHED, fill_uniforms

# <<< provided by the generated module

WITHOUT_REPLACEMENT, WITH_REPLACEMENT, BERNOULLI = 0, 1, 2
SAFE_MATH = {"reassoc", "contract", "nsz", "arcp"}


@njit(cache=CACHED, nogil=True)
def draw(sampling, batch, uniforms, order, drawn):
    """Write the examples of a batch into `drawn` and return how many they are.

    Without replacement: the first places of a shuffle of `order`, which may start anywhere.
    """
    examples = order.size
    if sampling == BERNOULLI:
        count = 0
        for k in range(examples):
            if uniforms[k] * examples < batch:
                drawn[count] = k
                count += 1
        return count
    for i in range(batch):
        if sampling == WITH_REPLACEMENT:
            drawn[i] = int(uniforms[i] * examples)
        else:
            j = i + int(uniforms[i] * (examples - i))
            order[i], order[j] = order[j], order[i]
            drawn[i] = order[i]
    return batch


@njit(cache=CACHED, nogil=True, fastmath=SAFE_MATH)
def pull(gram, z, drawn, count, outputs, out):
    """out = N P z, with the mask P of the drawn examples; rows of N are its columns."""
    out[:] = 0.0
    for place in range(count):
        for o in range(drawn[place] * outputs, (drawn[place] + 1) * outputs):
            weight = z[o]
            for i in range(z.size):
                out[i] += weight * gram[o, i]


@njit(cache=CACHED, nogil=True, fastmath=SAFE_MATH)
def square(z):
    """|z|^2."""
    total = 0.0
    for i in range(z.size):
        total += z[i] * z[i]
    return total


@njit(cache=CACHED, nogil=True, fastmath=SAFE_MATH)
def advance(key, first, gram, rates, batch, sampling, outputs, momentum, z, y, squares):
    """Do rates.size steps from step `first`; squares[i] is |z|^2 after step first + i + 1.

    Parameters
    ----------
    key : uint64
        Step t draws its batch from (key, t).
    gram : (DC, DC) float64
    rates : (steps,) float64
    z, y : (DC,) float64
        Residuals and velocities; overwritten.
    """
    examples = z.size // outputs
    uniforms = np.empty((examples + 255) // 256 * 256)
    order, drawn = np.arange(examples), np.empty(max(examples, batch), dtype=np.int64)
    force = np.empty_like(z)
    for i in range(rates.size):
        fill_uniforms(key, np.uint64(first + i), np.uint32(0), uniforms)
        count = draw(sampling, batch, uniforms, order, drawn)
        pull(gram, z, drawn, count, outputs, force)
        prefactor = rates[i] * examples / batch
        for j in range(z.size):
            y[j] = y_after_of(z[j], y[j], force[j], prefactor, momentum)
            z[j] = z_after_of(z[j], y[j])
        squares[i] = square(z)


@njit(cache=CACHED, nogil=True)
def advance_all(keys, first, gram, rates, batch, sampling, outputs, momentum, z, y, squares):
    """`advance` for one walker a row of z, y and squares."""
    for k in range(keys.size):
        advance(
            keys[k], first, gram, rates, batch, sampling, outputs, momentum, z[k], y[k], squares[k]
        )


def warm_up():
    """Compile for the types of a run and of a population."""
    one, gram, key = np.ones(1), np.ones((1, 1)), np.uint64(0)
    numbers = (0, gram, one, 1, BERNOULLI, 1, 0.5)
    advance(key, *numbers, one.copy(), one.copy(), one.copy())
    advance_all(np.array([key]), *numbers, gram.copy(), gram.copy(), gram.copy())
