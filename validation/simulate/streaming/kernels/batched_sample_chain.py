"""The algorithm with a batch, on given samples: correlated Gaussian rows, or rows of data.

State delta, as without a batch; the step is that of `batches`.
"""

from __future__ import annotations

import numpy as np

# >>> provided by the generated module
from numba import njit

from .....solvers.kernels.normals import CACHED
from .batches import batch_step

# <<< provided by the generated module


@njit(cache=CACHED, nogil=True, error_model="numpy")
def advance(delta, samples, chosen, noise, first, acts_on, pool, batch, unit, record, states, p):
    """Do `noise.size // batch` steps from step `first`; copy the state at the recorded steps.

    Parameters
    ----------
    delta : (d,) float64, changed in place
    samples : (n, d) float32 or float64
    chosen : (steps batch,) int64
        The rows of `samples` that the steps see, `batch` of them each.
    noise : (steps batch,) float64
    first : int
    unit : float
        sqrt(tr K), the unit of the gradient norm.
    record, states : (T,) int64 and (T, d) float64
    """
    d = delta.size
    roots, total = np.ones(d), np.empty(d)
    position = np.searchsorted(record, first, side="right")
    for j in range(noise.size // batch):
        k = first + j
        now = slice(j * batch, (j + 1) * batch)
        batch_step(
            delta,
            roots,
            samples,
            chosen[now],
            noise[now],
            total,
            d,
            k / d,
            acts_on,
            pool,
            unit,
            p,
        )
        if position < record.size and record[position] == k + 1:
            states[position] = delta
            position += 1


def warm_up():
    """Compile for the types of a run: float32 Gaussian rows and float64 data."""
    one, record, chosen = np.ones(1), np.ones(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    for kind in (np.float32, np.float64):
        samples = np.ones((1, 1), dtype=kind)
        advance(
            one, samples, chosen, one.copy(), 0, 0, 0, 1, 1.0, record, np.ones((1, 1)), np.ones(64)
        )
