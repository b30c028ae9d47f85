"""μ(R) and N(R) of a system over an array of risks."""

from __future__ import annotations

import numpy as np

# >>> provided by the generated module
from ...kernels.interface import mu, power, scalar

# <<< provided by the generated module


@scalar
def expectations_at(risk, t, p, weights, means, scales):
    """Return μ and N at each risk of an array, at one time."""
    slope = np.empty(risk.size)
    square = np.empty(risk.size)
    for i in range(risk.size):
        slope[i] = mu(risk[i], t, p, weights, means, scales)
        square[i] = power(risk[i], t, p, weights, means, scales)
    return slope, square


def warm_up():
    """Compile for the array types in use."""
    empty = np.empty(0)
    expectations_at(empty, 0.0, empty, empty, empty, empty)
