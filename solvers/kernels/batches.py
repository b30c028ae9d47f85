r"""Means over S = ‖ℓ‖, the norm of the residuals of a batch of B samples, for any law of the noise.

The law of W = S² enters through the transform L(s) = E e^(−sℓ²) of one residual, so that L^B is the
transform of W. Where f has a kink at the edge e, with a = e² and x = s a,

    E f(W) = (1/π) Im ∫ K(x) L(x/a)^B dx

over a path from x = G on the real axis to infinity in the upper half plane (inversion of a Laplace
transform; kernels derived here), and smooth f are real integrals of L^B. The path is a parabola. It
bends around the singularities of L as far as the integrand stays bounded and slow, and never less
than the path on which a normal of variance 2R alone bounds it.

The file is copied into generated modules, which define `transform` and `complex_transform`.
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from .complex_special import complex_exp, complex_sqrt, exponential_integral, faddeeva
from .interface import complex_transform, scalar, transform

# <<< provided by the generated module

# floats, since a compiler makes a copy of everything for each literal integer
WITHIN, INVERSE, INVERSE_SQUARE, CAPPED_SQUARE, CAPPED_FOURTH, DENSITY = map(float, range(6))
#: where the path leaves the real axis, and the sharpest bend that a trapezoid of it bears
_START, _BEND = 4.0, 1.0 / 16.0
#: e^(G − 41) is below round-off
_REACH = 41.0
_WIDTH = 4.0
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
#: evaluations of one component's transform in one integral, and the flattest path that is tried
_EFFORT, _FLATTEST = 1e6, 4e-6
#: largest change of phase between neighbouring nodes
_TURN = 2.0
#: where 1 − L^B is this small it is continued as a parabola; L loses digits towards s = 0
_NEARLY_ONE = 1e-5
#: s R at which √s L(s) is at its limit to rounding
_FAR = 1e17
#: bounds of the loops, far beyond what any law needs and within the floats: what is not a number
#: must not keep one alive
_PANELS, _HALVINGS, _BENDS, _LOG_NODES = 100_000, 200, 40, 2_400


@scalar
def _is_settled(fall, before):
    """Whether 1 − L^B is small enough, or rounding keeps it from falling."""
    return not (fall > _NEARLY_ONE and (fall < before or fall > 0.01))


@scalar
def _real_tail(kind, a, batch, R, t, p, weights, means, scales):
    """∫ of L^B from 0 to G along the real axis: the mean of W^(−1/2) or 1/W that is no residue."""
    total = 0.0
    high, fall = math.sqrt(_START), 1.0
    for _ in range(_HALVINGS):
        before = fall
        fall = 1.0 - transform(high * high / a, R, t, p, weights, means, scales) ** batch
        if _is_settled(fall, before):
            break
        low = 0.25 * high
        for k in range(_NODES.size):
            y = 0.5 * (high + low) + 0.5 * (high - low) * _NODES[k]
            value = transform(y * y / a, R, t, p, weights, means, scales) ** batch
            weight = 0.5 * (high - low) * _WEIGHTS[k]
            total += weight * value * (2.0 * y if kind == INVERSE_SQUARE else 1.0)
        high = low
    if kind == INVERSE_SQUARE:
        return total + high * high * (1.0 - fall / 2.0)
    return 2.0 / math.sqrt(math.pi) * (total + high * (1.0 - fall / 3.0))


@scalar
def _kernel(kind, x, law):
    """K(x) L^B: what stands under the integral for each mean, in units of a."""
    if kind == WITHIN:
        return complex_exp(x) * law / x
    if kind == INVERSE:
        root = complex_sqrt(x)
        return 1j * math.sqrt(math.pi) / root * complex_exp(x) * faddeeva(root) * law
    if kind == INVERSE_SQUARE:
        return exponential_integral(x) * law
    if kind == CAPPED_SQUARE:
        return complex_exp(x) * (1.0 - law) / (x * x)
    if kind == CAPPED_FOURTH:
        return 2.0 * complex_exp(x) * (1.0 - law) * (x - 1.0) / (x * x * x)
    return complex_exp(x) * law


@scalar
def _panel(kind, start, bend, a, batch, R, t, p, weights, means, scales):
    """Return the integral over one panel of the path, and whether and how far it is bounded."""
    total, largest, before = 0.0 + 0.0j, 0.0, 0.0 + 0.0j
    calm = True
    for k in range(_NODES.size):
        u = start + 0.5 * _WIDTH * (1.0 + _NODES[k])
        x = _START + 1j * u - bend * u * u
        law = complex_transform(x / a, R, t, p, weights, means, scales) ** batch
        here = complex_exp(x) * law
        size = abs(here)
        if not size <= 1.05 * math.exp(_START):
            return 0.0, math.inf, False
        if size > 1e-12 and before != 0.0:
            turn = here / before
            calm = calm and turn.real > math.cos(_TURN) * abs(turn)
        before = here
        largest = max(largest, size)
        total += 0.5 * _WIDTH * _WEIGHTS[k] * (1j - 2.0 * bend * u) * _kernel(kind, x, law)
    return total.imag / math.pi, largest, calm


@scalar
def _along(kind, bend, safe, a, batch, R, t, p, weights, means, scales):
    """Return the integral along one path, and whether that path may be trusted."""
    total, start = 0.0, 0.0
    reach = math.sqrt(_REACH / bend)
    for _ in range(_PANELS):
        part, largest, calm = _panel(kind, start, bend, a, batch, R, t, p, weights, means, scales)
        if not (calm or safe) or start > 4.0 * reach or not math.isfinite(largest):
            return total, False
        total += part
        start += _WIDTH
        if start > reach and (safe or largest < 1e-15):
            return total, True
    return total, False


@scalar
def _inverted(kind, a, batch, R, t, p, weights, means, scales):
    """Return the integral, and whether a path was found that is not too long."""
    safest = min(4.0 * R / a, 0.25 * _BEND)
    nodes = math.sqrt(_REACH) * _NODES.size / _WIDTH
    flattest = max(_FLATTEST, (nodes * max(1, weights.size) / _EFFORT) ** 2)
    flattest = min(flattest, 0.25 * _BEND)
    bend = _BEND
    for _ in range(_BENDS):
        if not bend >= flattest:
            break
        value, found = _along(kind, bend, bend == safest, a, batch, R, t, p, weights, means, scales)
        if found:
            return value, True
        if bend == safest:
            break
        bend = max(0.25 * bend, safest)
    return flattest, False


@scalar
def _mean(kind, edge, batch, R, t, p, weights, means, scales):
    """Return a mean over S in units of the edge.

    Below the risk at which the path would be too long (atoms that hardly blur) the mean is
    continued in a straight line.
    """
    a = edge * edge
    risk, lowest, at_lowest = R, 0.0, 0.0
    for attempt in range(3):
        value, found = _inverted(kind, a, batch, risk, t, p, weights, means, scales)
        if attempt == 0 and found:
            break
        if attempt == 0:
            lowest = 0.25 * value * a
        if attempt == 1:
            at_lowest = value
        if attempt == 2:
            value = at_lowest + (R / lowest - 1.0) * (value - at_lowest)
        risk = (attempt + 1.0) * lowest
    if kind in (INVERSE, INVERSE_SQUARE):
        value += _real_tail(kind, a, batch, R, t, p, weights, means, scales)
    return value


@scalar
def norm_within(edge, batch, R, t, p, weights, means, scales):
    """P(S ≤ e)."""
    return _mean(WITHIN, edge, batch, R, t, p, weights, means, scales)


@scalar
def norm_inverse(edge, batch, R, t, p, weights, means, scales):
    """E[1/S; S > e]."""
    return _mean(INVERSE, edge, batch, R, t, p, weights, means, scales) / edge


@scalar
def norm_inverse_square(edge, batch, R, t, p, weights, means, scales):
    """E[1/S²; S > e]."""
    return _mean(INVERSE_SQUARE, edge, batch, R, t, p, weights, means, scales) / edge**2


@scalar
def norm_capped_square(edge, batch, R, t, p, weights, means, scales):
    """E min(S, e)²."""
    return _mean(CAPPED_SQUARE, edge, batch, R, t, p, weights, means, scales) * edge**2


@scalar
def norm_capped_fourth(edge, batch, R, t, p, weights, means, scales):
    """E min(S, e)⁴."""
    return _mean(CAPPED_FOURTH, edge, batch, R, t, p, weights, means, scales) * edge**4


@scalar
def norm_density(edge, batch, R, t, p, weights, means, scales):
    """Density of S at e."""
    return 2.0 / edge * _mean(DENSITY, edge, batch, R, t, p, weights, means, scales)


@scalar
def _moment_of_inverse(power, batch, R, t, p, weights, means, scales):
    """∫ u^power L(u²)^B d log u, by the trapezoidal rule, for B > power."""
    step = 0.125
    total = 0.0
    middle = 0.5 / math.sqrt(R)
    u, fall, before = middle, 1.0, 2.0
    for _ in range(_LOG_NODES):
        if _is_settled(fall, before):
            break
        before = fall
        fall = 1.0 - transform(u * u, R, t, p, weights, means, scales) ** batch
        total += u**power * (1.0 - fall)
        u *= math.exp(-step)
    fall *= math.exp(-2.0 * step)
    rest = fall / math.expm1(-(power + 2.0) * step) - 1.0 / math.expm1(-power * step)
    total += u**power * rest
    u = middle * math.exp(step)
    for _ in range(_LOG_NODES):
        part = u**power * transform(u * u, R, t, p, weights, means, scales) ** batch
        total += part
        if not part > 1e-15 * total:
            return step * total
        u *= math.exp(step)
    return math.nan


@scalar
def norm_mean_inverse(batch, R, t, p, weights, means, scales):
    """E 1/S = (2/√π) ∫ L(u²)^B du, for B ≥ 2."""
    mean = _moment_of_inverse(1.0, batch, R, t, p, weights, means, scales)
    return 2.0 / math.sqrt(math.pi) * mean


@scalar
def norm_flux(batch, R, t, p, weights, means, scales):
    """E div(ℓ/S²) = (B − 2) E 1/S² = 2 (B − 2) ∫ u L(u²)^B du, and its limit 2π p_ℓ(0)², the flux
    out of the origin, for B = 2: s L(s)² tends to π p_ℓ(0)²."""
    if batch > 2.0:
        mean = _moment_of_inverse(2.0, batch, R, t, p, weights, means, scales)
        return 2.0 * (batch - 2.0) * mean
    s = _FAR / R
    return 2.0 * s * transform(s, R, t, p, weights, means, scales) ** 2
