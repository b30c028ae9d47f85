"""Means over the stationary stream of gradients that Adam sees at a frozen risk.

By Stein's lemma in every z_l, with Q = Σ_l (1 − β₁)(1 − β₂)(β₁β₂)^l ξ_l⁴ ℓ_l²,

    g_A = E[EMA_β₁(ξ²) v^(−1/2) − Q v^(−3/2)],   v = EMA_β₂(ξ²ℓ²),

whose samples do not grow as R → 0, unlike those of the definition (derived here).
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from ...kernels.interface import scalar

# <<< provided by the generated module


@scalar
def pass_over(xi, z, noise, root, beta1, beta2, memory, steps, weights):
    """Go forward over a block; write ξℓ and v^(−1/2) and return the sum of g_A's samples.

    Parameters
    ----------
    xi, z : (n,) float32 arrays
        Standard normals.
    noise : (n,) array
    root : float
        √(2R), which scales z.
    memory : (3,) array
        EMA_β₁(ξ²), Q and v; carried on.
    steps, weights : (n,) arrays
        ξ ℓ and v^(−1/2), written.
    """
    slope, cross, square = memory
    total = 0.0
    for i in range(noise.size):
        x = np.float64(xi[i])
        residual = root * np.float64(z[i]) - noise[i]
        x2, g = x * x, x * residual
        slope = beta1 * slope + (1.0 - beta1) * x2
        cross = beta1 * beta2 * cross + (1.0 - beta1) * (1.0 - beta2) * x2 * g * g
        square = beta2 * square + (1.0 - beta2) * g * g
        weights[i] = 1.0 / math.sqrt(square)
        steps[i] = g
        total += weights[i] * (slope - cross * weights[i] * weights[i])
    memory[0], memory[1], memory[2] = slope, cross, square
    return total


@scalar
def long_run(steps, weights, beta1, skip):
    """Return the sum of (ξℓ Σ_l (1−β₁)β₁^l v_l^(−1/2))² over all but the last `skip` entries."""
    ahead, total = 0.0, 0.0
    for i in range(steps.size - 1, -1, -1):
        ahead = beta1 * ahead + (1.0 - beta1) * weights[i]
        if i < steps.size - skip:
            total += (steps[i] * ahead) ** 2
    return total


def warm_up():
    """Compile for the types of a run."""
    xi, one = np.ones(1, dtype=np.float32), np.ones(1)
    pass_over(xi, xi, one, 1.0, 0.5, 0.5, np.ones(3), one.copy(), one.copy())
    long_run(one, one.copy(), 0.5, 0)
