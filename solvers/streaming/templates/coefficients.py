"""A(R, t) and B(R, t) over many risks, for tables, stationary points and dense ensembles."""

from __future__ import annotations

import numpy as np

# >>> provided by the generated module
from ...kernels.interface import decay, rate, scalar, source

# <<< provided by the generated module


@scalar
def coefficients_at(risk, t, p, weights, means, scales):
    """Return A and B at each risk of an array, at one time."""
    drift = np.empty(risk.size)
    noise = np.empty(risk.size)
    for i in range(risk.size):
        drift[i] = decay(risk[i], t, p, weights, means, scales)
        noise[i] = source(risk[i], t, p, weights, means, scales)
    return drift, noise


@scalar
def rate_at(times, p):
    """Return the step size at each time."""
    values = np.empty(times.size)
    for i in range(times.size):
        values[i] = rate(times[i], p)
    return values


def warm_up():
    """Compile for the array types in use: no risk and no time means that no coefficient is
    evaluated."""
    empty = np.empty(0)
    coefficients_at(empty, 0.0, empty, empty, empty, empty)
    rate_at(empty, empty)
