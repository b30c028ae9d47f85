"""Means over the stationary stream of gradients that Adam sees at a frozen risk.

The averages and the samples are printed from `limitlab.theory.adam.stream`.
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from ...kernels.interface import (
    drift_sample,
    next_ahead,
    next_cross,
    next_slope,
    next_square,
    scalar,
    variance_sample,
    weight_of,
)

# <<< provided by the generated module


@scalar
def pass_over(xi, rest, z, noise, root, beta1, beta2, memory, steps, weights):
    """Go forward over a block; write ξℓ and v^(−1/2) and return the sum of g_A's samples.

    Parameters
    ----------
    xi : (n,) float32 array
        Standard normals.
    rest : (n,) array
        Chi-squares of B − 1, the squares of the inputs across the residuals; 0 for B = 1.
    z, noise : (n B,) float32 and float64 arrays
        Standard normals and label noise, those of a batch side by side.
    root : float
        √(2R), which scales z.
    memory : (3,) array
        EMA_β₁(ξ²), Q and v; carried on.
    steps, weights : (n,) arrays
        ξ ℓ and v^(−1/2), written.
    """
    slope, cross, square = memory
    total = 0.0
    batch = noise.size // xi.size
    for i in range(xi.size):
        x = np.float64(xi[i])
        if batch == 1:
            gradient = x * (root * np.float64(z[i]) - noise[i])
        else:
            power = 0.0
            for b in range(i * batch, (i + 1) * batch):
                residual = root * np.float64(z[b]) - noise[b]
                power += residual * residual
            gradient = x * math.sqrt(power) / batch
            x = np.sqrt((x * x + rest[i]) / batch)
        slope = next_slope(slope, x, beta1)
        cross = next_cross(cross, x, gradient, beta1, beta2)
        square = next_square(square, gradient, beta2)
        weight = weight_of(square)
        weights[i], steps[i] = weight, gradient
        total += drift_sample(slope, cross, weight)
    memory[0], memory[1], memory[2] = slope, cross, square
    return total


@scalar
def long_run(steps, weights, beta1, skip):
    """Return the sum of (ξℓ Σ_l (1−β₁)β₁^l v_l^(−1/2))² over all but the last `skip` entries."""
    ahead, total = 0.0, 0.0
    for i in range(steps.size - 1, -1, -1):
        ahead = next_ahead(ahead, weights[i], beta1)
        if i < steps.size - skip:
            total += variance_sample(steps[i], ahead)
    return total


def warm_up():
    """Compile for the types of a run."""
    xi, one = np.ones(1, dtype=np.float32), np.ones(1)
    pass_over(xi, one, xi, one, 1.0, 0.5, 0.5, np.ones(3), one.copy(), one.copy())
    long_run(one, one.copy(), 0.5, 0)
