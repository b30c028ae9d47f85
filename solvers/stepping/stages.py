"""The sum over earlier stages that every Runge–Kutta stage begins with."""

from __future__ import annotations

# >>> provided by the generated module
from ..kernels.interface import loops

# <<< provided by the generated module


@loops
def stage_state(state, slopes, h, weights, out):
    """Put y + h Σ_j a_j k_j into `out`."""
    for i in range(state.size):
        out[i] = state[i]
    for j in range(weights.size):
        weight = h * weights[j]
        if weight != 0.0:
            for i in range(state.size):
                out[i] += weight * slopes[j, i]
