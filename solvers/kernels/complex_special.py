r"""Helpers of the transform of a residual, at real and complex arguments, in plain scalar code.

    faddeeva(z) = e^(−z²) erfc(−iz), Im z ≥ 0        exponential_integral(x) = E₁(−x), Im x ≥ 0

Faddeeva's function by the rational series of J. A. C. Weideman (SIAM J. Numer. Anal. 31, 1994) and,
far out, by Laplace's continued fraction.
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from .interface import scalar
from .special import erfcx, upper_tail

# <<< provided by the generated module

_TERMS = 44
_EULER = 0.57721566490153286061


def _weideman(terms):
    """Return the scale and the coefficients of the series, highest power first."""
    half = 2 * terms
    scale = math.sqrt(terms / math.sqrt(2.0))
    angle = np.pi * np.arange(-half + 1, half) / half
    places = scale * np.tan(angle / 2)
    values = np.concatenate([[0.0], np.exp(-(places**2)) * (scale**2 + places**2)])
    series = np.fft.fft(np.fft.fftshift(values)).real / (2 * half)
    return scale, series[1 : terms + 1][::-1].copy()


_SCALE, _SERIES = _weideman(_TERMS)


@scalar
def complex_exp(z):
    """Return exp(z) without the library's care for infinities, which costs more than the rest."""
    size = math.exp(z.real)
    return complex(size * math.cos(z.imag), size * math.sin(z.imag))


@scalar
def complex_sqrt(z):
    """Return the principal root of z ≠ 0."""
    root = math.sqrt(0.5 * (abs(z.real) + math.hypot(z.real, z.imag)))
    if z.real >= 0.0:
        return complex(root, 0.5 * z.imag / root)
    return complex(0.5 * abs(z.imag) / root, math.copysign(root, z.imag))


@scalar
def faddeeva(z):
    """Return e^(−z²) erfc(−iz) for Im z ≥ 0."""
    if abs(z) > 9.0:
        tail = z
        for k in range(12, 0, -1):
            tail = z - 0.5 * k / tail
        return 1j / (math.sqrt(math.pi) * tail)
    denominator = _SCALE - 1j * z
    ratio = (_SCALE + 1j * z) / denominator
    total = 0.0 + 0.0j
    for k in range(_SERIES.size):
        total = total * ratio + _SERIES[k]
    return (2.0 * total / denominator + 1.0 / math.sqrt(math.pi)) / denominator


@scalar
def exponential_integral(x):
    """Return E₁(−x) for Im x ≥ 0 and |x| of order one or more, from the side below the cut."""
    if abs(x) < 8.0 and x.real > 0.0:
        total = complex(-_EULER - math.log(abs(x)), math.pi - math.atan2(x.imag, x.real))
        term = 1.0 + 0.0j
        for k in range(1, 60):
            term *= x / k
            total -= term / k
        return total
    tail = 0.0 + 0.0j
    for k in range(80, 0, -1):
        tail = k / (1.0 + k / (tail - x))
    return complex_exp(x) / (tail - x)


@scalar
def complex_normal_pdf(x):
    """Return exp(−x²/2)/√(2π)."""
    return complex_exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)


@scalar
def tilted_cdf(A, tilt, z):
    """Return exp(A) Φ(z) for real z, given tilt = A − z²/2, which loses nothing to rounding."""
    if z < 0.0:
        return 0.5 * erfcx(-math.sqrt(0.5) * z) * math.exp(tilt)
    return math.exp(A) * (1.0 - upper_tail(z))


@scalar
def complex_tilted_cdf(A, tilt, z):
    """Return exp(A) Φ(z), given tilt = A − z²/2."""
    right = z.real > 0.0
    left = -z if right else z
    value = 0.5 * faddeeva(-1j * math.sqrt(0.5) * left) * complex_exp(tilt)
    return complex_exp(A) - value if right else value


@scalar
def _complex_cdf(z):
    """Return Φ(z)."""
    return complex_tilted_cdf(0.0j, -0.5 * z * z, z)


@scalar
def complex_cdf_between(a, b):
    """Return Φ(b) − Φ(a); a may be −∞."""
    if a.real == -math.inf:
        return _complex_cdf(b)
    right = a.real + b.real > 0.0
    low, high = (-b, -a) if right else (a, b)
    return _complex_cdf(high) - _complex_cdf(low)
