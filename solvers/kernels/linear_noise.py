"""What the linear-noise equations read from a system: A, B, their slopes in R, and the noise.

The slopes are central differences of fourth order in log R, so that tables, batches and systems
with a changed drift need nothing of their own; they are good to about 1e-11 of A and B.
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from .interface import loops, noise_cross, noise_diagonal, noise_pair, noise_source, scalar
from .tabulated import SMALLEST_RISK, scaled_coefficients

# <<< provided by the generated module

#: step of the differences in log R, and twelve times their weights
LOG_STEP = 1e-3
WEIGHTS = np.array([1.0, -8.0, 0.0, 8.0, -1.0])


@scalar
def linearised(risk, t, law, table, factors):
    """Return A, B, dA/dR and dB/dR."""
    risk = max(risk, SMALLEST_RISK)
    drift, noise, drift_slope, noise_slope = 0.0, 0.0, 0.0, 0.0
    for k in range(5):
        here = scaled_coefficients(risk * math.exp((k - 2) * LOG_STEP), t, law, table, factors)
        drift_slope += WEIGHTS[k] * here[0]
        noise_slope += WEIGHTS[k] * here[1]
        if k == 2:
            drift, noise = here
    scale = 1.0 / (12.0 * LOG_STEP * risk)
    return drift, noise, drift_slope * scale, noise_slope * scale


@scalar
def noise_strengths(risk, t, law, kept):
    """Return D, E, F and H, each times its entry of `kept`."""
    p, weights, means, scales = law
    risk = max(risk, SMALLEST_RISK)
    numbers = (risk, t, p, weights, means, scales)
    return (
        kept[0] * noise_diagonal(*numbers),
        kept[1] * noise_pair(*numbers),
        kept[2] * noise_cross(*numbers),
        kept[3] * noise_source(*numbers),
    )


@loops
def rank_two(strengths, flows, sources, half_flows, half_sources):
    """Fill r and s with which E p pᵀ + F (c pᵀ + p cᵀ) + H c cᵀ = p rᵀ + r pᵀ + c sᵀ + s cᵀ."""
    for i in range(flows.size):
        half_flows[i] = 0.5 * strengths[1] * flows[i] + strengths[2] * sources[i]
        half_sources[i] = 0.5 * strengths[3] * sources[i]
