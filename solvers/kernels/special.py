"""Normal-law helpers of generated code: accurate in both tails, no overflow, plain scalar code.

    normal_pdf(x) = exp(−x²/2)/√(2π)        cdf_between(a, b) = Φ(b) − Φ(a)
    erfcx(x) = exp(x²) erfc(x)              exp_cdf(A, z) = exp(A) Φ(z)

Squares in exponents are split as x² = h² + (x − h)(x + h) with h a short number (W. J. Cody, Math.
Comp. 23, 1969), since rounding x² alone costs x²/2 units in the last place.
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from .interface import scalar

# <<< provided by the generated module

_SQRT_HALF = math.sqrt(0.5)
_SQRT_PI = math.sqrt(math.pi)
_SQRT_TWO_PI = math.sqrt(2.0 * math.pi)
_LARGEST_EXPONENT = 709.782712893384
_GAUSS_NODES, _GAUSS_WEIGHTS = np.polynomial.legendre.leggauss(14)


@scalar
def exponential(x):
    """Return exp(x), infinite (never an exception) beyond the largest number."""
    if x > _LARGEST_EXPONENT:
        return math.inf
    return math.exp(x)


@scalar
def exp_square(shift, factor, x):
    """Return exp(shift + factor·x²) without the rounding error of x²."""
    if not abs(x) < 1e7:
        return exponential(shift + factor * x * x)
    short = math.floor(16.0 * x + 0.5) / 16.0
    large = shift + factor * short * short
    small = factor * (x - short) * (x + short)
    if abs(small) > 50.0:  # one factor could overflow while the other vanishes
        return exponential(large + small)
    return exponential(large) * math.exp(small)


@scalar
def normal_pdf(x):
    """Return the standard normal density."""
    if abs(x) > 40.0:
        return 0.0
    return exp_square(0.0, -0.5, x) / _SQRT_TWO_PI


@scalar
def erfcx(x):
    """Return exp(x²) erfc(x); infinite below about −26.6."""
    if x < -26.7:
        return math.inf
    if x < 10.0:
        return exp_square(0.0, 1.0, x) * math.erfc(x)
    # asymptotic series: at x = 10 the smallest term lies far below one unit in the last place
    inverse = 0.5 / (x * x)
    term = 1.0
    total = 1.0
    for n in range(1, 16):
        term *= -(2 * n - 1) * inverse
        total += term
    return total / (x * _SQRT_PI)


@scalar
def upper_tail(x):
    """Return 1 − Φ(x), relative accuracy kept for large x."""
    if x < 1.0:
        return 0.5 * math.erfc(x * _SQRT_HALF)
    if x > 40.0:
        return 0.0
    return 0.5 * erfcx(x * _SQRT_HALF) * exp_square(0.0, -0.5, x)


@scalar
def _narrow(a, width):
    """Return Φ(a + width) − Φ(a) by quadrature, where the density varies by less than a few
    e-folds.

    The density is taken relative to its value at a: rounding a + u itself would cost a² units in
    the last place.
    """
    half = 0.5 * width
    total = 0.0
    for i in range(_GAUSS_NODES.size):
        u = half * (1.0 + _GAUSS_NODES[i])
        total += _GAUSS_WEIGHTS[i] * math.exp(-u * (a + 0.5 * u))
    return normal_pdf(a) * half * total


@scalar
def _tail_difference(a, b):
    """Return Φ(b) − Φ(a) for 0 ≤ a ≤ b."""
    if (b - a) * max(1.0, a) < 1.0:
        return _narrow(a, b - a)
    return upper_tail(a) - upper_tail(b)


@scalar
def cdf_between_ordered(a, b):
    """Return Φ(b) − Φ(a) for a < b."""
    if a >= 0.0:
        return _tail_difference(a, b)
    if b <= 0.0:
        return _tail_difference(-b, -a)
    return 0.5 * (math.erf(b * _SQRT_HALF) + math.erf(-a * _SQRT_HALF))


@scalar
def cdf_across_ordered(a, b, width):
    """Return Φ(b) − Φ(a) for width = b − a ≥ 0."""
    if a + b < 0.0:
        a, b = -b, -a
    if width * max(1.0, a) < 1.0:
        return _narrow(a, width)
    return cdf_between_ordered(a, b)


@scalar
def cdf_between(a, b):
    """Return Φ(b) − Φ(a); a and b may be infinite, and a > b gives the negative."""
    if a == b:
        return 0.0
    if a > b:
        return -cdf_between_ordered(b, a)
    return cdf_between_ordered(a, b)


@scalar
def cdf_across(a, b, width):
    """Return Φ(b) − Φ(a) where b − a = width is known without the rounding of a and b."""
    if width < 0.0:
        return -cdf_across_ordered(b, a, -width)
    return cdf_across_ordered(a, b, width)


@scalar
def polynomial(c, x):
    """Return c[0] + c[1] x + …"""
    total = 0.0
    for k in range(len(c) - 1, -1, -1):
        total = total * x + c[k]
    return total


@scalar
def panel_reach(centres, reach):
    """Return how far from 0 panels go: `reach` beyond the farthest centre that is finite."""
    far = 0.0
    for centre in centres:
        if abs(centre) < math.inf:
            far = max(far, abs(centre))
    return far + reach


@scalar
def panel_end(left, last, centres, least):
    """Return the end of the panel that begins at `left`.

    Panels double in width away from every centre; none is narrower than `least`.
    """
    before, after = -math.inf, math.inf
    for centre in centres:
        if centre <= left:
            before = max(before, centre)
        else:
            after = min(after, centre)
    least = max(least, 1e-15 * abs(left))
    ahead = after - left
    width = max(min(left - before, 0.5 * ahead), least)
    return min(after if ahead - width < least else left + width, last)


@scalar
def exp_cdf(A, z):
    """Return exp(A) Φ(z), finite wherever the product is."""
    if z >= -1.0:
        return exponential(A) * (1.0 - upper_tail(z))
    if z == -math.inf:
        return 0.0
    return 0.5 * erfcx(-z * _SQRT_HALF) * exp_square(A, -0.5, z)


@scalar
def split_exp_cdf(A, z, B):
    """Return exp(A) Φ(z) with B = A − z²/2, which the caller knows without the rounding of A."""
    if z >= -1.0:
        return exponential(A) * (1.0 - upper_tail(z))
    if z == -math.inf:
        return 0.0
    return 0.5 * erfcx(-z * _SQRT_HALF) * exponential(B)
