"""The algorithm with a batch, on independent coordinates x_i = sqrt(lambda_i) z_i.

State phi_i = sqrt(lambda_i) delta_i, as without a batch; the step is that of `batches`.
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from numba import njit

from .....solvers.kernels.normals import CACHED
from .batches import batch_step, inner

# <<< provided by the generated module


@njit(cache=CACHED, nogil=True, error_model="numpy")
def advance(
    phi, roots, variances, normals, noise, first, dimension, acts_on, pool, batch, record, risks, p
):
    """Do `noise.size // batch` steps from step `first`; write the risk at the recorded steps.

    Parameters
    ----------
    phi : (m,) float64, changed in place
    roots, variances : (m,) float64
        sqrt(lambda_i) and lambda_i.
    normals : (at least n batch m,) float32
        The m of a sample side by side, the samples of a step behind one another.
    noise : (n batch,) float64
    first : int
    dimension : float
    record, risks : (T,) int64 and float64
    """
    m = phi.size
    samples = normals[: noise.size * m].reshape(noise.size, m)
    every, total, unit = np.arange(noise.size), np.empty(m), math.sqrt(variances.sum())
    position = np.searchsorted(record, first, side="right")
    for j in range(noise.size // batch):
        k = first + j
        now = slice(j * batch, (j + 1) * batch)
        batch_step(
            phi,
            roots,
            samples,
            every[now],
            noise[now],
            total,
            dimension,
            k / dimension,
            acts_on,
            pool,
            unit,
            p,
        )
        if position < record.size and record[position] == k + 1:
            risks[position] = 0.5 * inner(phi, phi)
            position += 1


def warm_up():
    """Compile for the types of a run."""
    one, record, normals = np.ones(1), np.ones(1, dtype=np.int64), np.ones(1, dtype=np.float32)
    advance(
        one,
        one.copy(),
        one.copy(),
        normals,
        one.copy(),
        0,
        1.0,
        0,
        0,
        1,
        record,
        np.ones(1),
        np.ones(64),
    )
