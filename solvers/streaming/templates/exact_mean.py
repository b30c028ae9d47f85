"""The exact mean of unclipped SGD, step by step: y_i ← y_i + relaxation y_i + c_i (gains of R)."""

from __future__ import annotations

import numpy as np

# >>> provided by the generated module
from ...kernels.interface import noise_gain, rate, relaxation, risk_gain, scalar

# <<< provided by the generated module


@scalar
def one_step(rates, step, dimension, p):
    """Return what step number `step` does: each mode's relaxation, and the gains of R and of 1."""
    eta = rate(step / dimension, p)
    relaxed = np.empty(rates.size)
    for i in range(rates.size):
        relaxed[i] = relaxation(rates[i], eta, dimension, p)
    return relaxed, risk_gain(eta, dimension, p), noise_gain(eta, dimension, p)


@scalar
def march(rates, energies, sources, records, dimension, p):
    """Return the mode energies (T, m) after each of the increasing step numbers `records`."""
    y = energies.copy()
    out = np.empty((records.size, y.size))
    step = 0
    for record in range(records.size):
        while step < records[record]:
            relaxed, from_risk, from_noise = one_step(rates, step, dimension, p)
            gain = from_risk * y.sum() + from_noise
            for i in range(y.size):
                y[i] += relaxed[i] * y[i] + gain * sources[i]
            step += 1
        out[record] = y
    return out


def warm_up():
    """Compile for the types in use: no step is taken."""
    one = np.full(1, 0.5)
    march(one, one, one, np.zeros(1, dtype=np.int64), 1.0, one)
