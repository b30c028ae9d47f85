"""What every chain with a batch shares: the rule on each sample, on their mean, or on both.

With the gradients g_b = l_b x_b of B samples a step goes along

    each  (1/B) sum psi(g_b),      mean  psi((1/B) sum g_b),      both  psi((1/B) sum psi(g_b)),

where psi acts on the residual, on the norm or on every coordinate of its argument. A sample is
x = roots z and the state u = roots delta, so that its residual is z . u - eps. The text is copied
into the modules of the chains.
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from numba import njit

from .....solvers.kernels.interface import adapt, rate, rule
from .....solvers.kernels.normals import CACHED

# <<< provided by the generated module

RESIDUAL, NORM, COORDINATE = 0, 1, 2
EACH, MEAN = 0, 1
SAFE_MATH = {"reassoc", "contract", "nsz", "arcp"}


@njit(cache=CACHED, nogil=True, fastmath=SAFE_MATH)
def inner(u, z):
    """z . u."""
    total = 0.0
    for i in range(u.size):
        total += u[i] * np.float64(z[i])
    return total


@njit(cache=CACHED, nogil=True, fastmath=SAFE_MATH)
def length_of(roots, z):
    """|roots z|."""
    total = 0.0
    for i in range(roots.size):
        value = roots[i] * np.float64(z[i])
        total += value * value
    return math.sqrt(total)


@njit(cache=CACHED, nogil=True, fastmath=SAFE_MATH)
def add(out, w, roots, z):
    """out <- out + w roots z."""
    for i in range(out.size):
        out[i] += w * roots[i] * np.float64(z[i])


@njit(cache=CACHED, nogil=True, error_model="numpy", fastmath=SAFE_MATH)
def add_rule(out, w, roots, z, t, p):
    """out <- out + psi(w roots z), coordinate by coordinate."""
    for i in range(out.size):
        out[i] += rule(w * roots[i] * np.float64(z[i]), t, p)


@njit(cache=CACHED, nogil=True, error_model="numpy", fastmath=SAFE_MATH)
def apply_rule(out, w, t, p):
    """out <- psi(w out), coordinate by coordinate."""
    for i in range(out.size):
        out[i] = rule(w * out[i], t, p)


@njit(cache=CACHED, nogil=True, error_model="numpy")
def shrinkage(n, steps, t, p):
    """psi(n) / n, the factor of a gradient of norm n; 0 where there is none.

    `steps` is how many such norms are seen in a unit of time.
    """
    factor = 0.0 if n == 0.0 else rule(n, t, p) / n
    adapt(n, steps, p)
    return factor


@njit(cache=CACHED, nogil=True, error_model="numpy")
def add_sample(total, roots, z, residual, steps, acts_on, pool, unit, t, p):
    """Add what one sample gives to the sum over its batch."""
    if acts_on == RESIDUAL:
        add(total, rule(residual, t, p), roots, z)
    elif pool == MEAN:
        add(total, residual, roots, z)
    elif acts_on == NORM:
        n = abs(residual) * length_of(roots, z) / unit
        add(total, residual * shrinkage(n, steps, t, p), roots, z)
    else:
        add_rule(total, residual, roots, z, t, p)


@njit(cache=CACHED, nogil=True, error_model="numpy")
def factor_of_sum(total, batch, steps, acts_on, pool, unit, t, p):
    """Let the rule act on the mean where it does; the number that makes a step of the sum."""
    if pool == EACH:
        return 1.0 / batch
    if acts_on == COORDINATE:
        apply_rule(total, 1.0 / batch, t, p)
        return 1.0
    n = math.sqrt(inner(total, total)) / (batch * unit)
    return shrinkage(n, steps, t, p) / batch


@njit(cache=CACHED, nogil=True, error_model="numpy")
def batch_step(u, roots, samples, chosen, noise, total, dimension, t, acts_on, pool, unit, p):
    """One step along the samples with the numbers `chosen`.

    Parameters
    ----------
    u : (m,) float64, changed in place
    roots : (m,) float64
    samples : (n, m) float32 or float64
        z, one a row.
    chosen, noise : (B,) int64 and float64
    total : (m,) float64
        Work space.
    unit : float
        Unit of the gradient norm, sqrt(tr K).
    """
    total[:] = 0.0
    batch = noise.size
    for b in range(batch):
        z = samples[chosen[b]]
        residual = inner(u, z) - noise[b]
        add_sample(total, roots, z, residual, batch * dimension, acts_on, pool, unit, t, p)
    h = rate(t, p) / dimension
    add(u, -h * factor_of_sum(total, batch, dimension, acts_on, pool, unit, t, p), roots, total)
