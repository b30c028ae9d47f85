"""Helper functions of generated code against scipy and 50-digit arithmetic, extremes included."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import scipy.special

import limitlab.solvers.kernels.special as special
from limitlab.solvers.core.compile import load

TIGHT = 2e-14
POINTS = 10_000


@pytest.fixture
def compiled(linear):
    """The functions as they are compiled into generated modules."""
    return load(linear.source, "streaming/coefficients")


def relative(found, expected):
    return np.max(np.abs(np.asarray(found) - expected) / np.maximum(np.abs(expected), 1e-290))


def many(function, *arrays):
    return np.array([function(*numbers) for numbers in zip(*arrays, strict=True)])


def test_erfcx_against_scipy(compiled):
    x = np.concatenate([np.linspace(-3, 60, POINTS), np.geomspace(1e-300, 1e300, 2000)])
    assert relative(many(compiled.erfcx, x), scipy.special.erfcx(x)) < TIGHT
    assert compiled.erfcx(-30.0) == math.inf and compiled.erfcx(math.inf) == 0.0


def test_erfcx_below_zero_where_scipy_loses_digits(compiled):
    x = np.linspace(-26.5, -3, 1000)
    with mpmath.workdps(40):
        exact = np.array(
            [float(mpmath.exp(mpmath.mpf(v) ** 2) * mpmath.erfc(v)) for v in x.tolist()]
        )
    assert relative(many(compiled.erfcx, x), exact) < TIGHT


def test_normal_pdf_against_exact_exponents(compiled):
    x = np.linspace(-37, 37, 2000)
    exact = np.array([float(mpmath.npdf(mpmath.mpf(v))) for v in x])
    assert relative(many(compiled.normal_pdf, x), exact) < TIGHT
    assert compiled.normal_pdf(math.inf) == 0.0


def test_cdf_between_against_scipy_where_scipy_is_exact(compiled):
    rng = np.random.default_rng(1)
    a = rng.uniform(-30, -0.5, POINTS)
    b = a + rng.uniform(3.0, 20.0, POINTS)
    expected = np.where(b < 0, scipy.special.ndtr(b) - scipy.special.ndtr(a), 0)
    expected = np.where(
        b >= 0, 0.5 * (scipy.special.erf(b / 2**0.5) - scipy.special.erf(a / 2**0.5)), expected
    )
    assert (
        relative(many(compiled.cdf_between, a, b), expected) < 5e-13
    )  # ndtr itself loses x²/2 ulp in its tail


def test_cdf_between_keeps_relative_accuracy_everywhere(compiled):
    rng = np.random.default_rng(2)
    centre, width = rng.uniform(-37, 37, 1500), 10 ** rng.uniform(-12, 1.5, 1500)
    with mpmath.workdps(80):
        exact = [
            float(_exact_difference(mpmath.mpf(a), mpmath.mpf(b)))
            for a, b in zip(centre, centre + width, strict=True)
        ]
    found = many(compiled.cdf_between, centre, centre + width)
    assert relative(found, np.array(exact)) < TIGHT


def _exact_difference(a, b):
    if a > 0:
        return (mpmath.erfc(a / mpmath.sqrt(2)) - mpmath.erfc(b / mpmath.sqrt(2))) / 2
    return (mpmath.erfc(-b / mpmath.sqrt(2)) - mpmath.erfc(-a / mpmath.sqrt(2))) / 2


def test_cdf_between_at_infinity_and_in_reverse(compiled):
    inf = math.inf
    assert compiled.cdf_between(-inf, inf) == 1.0
    assert compiled.cdf_between(0.0, inf) == 0.5 and compiled.cdf_between(-inf, 0.0) == 0.5
    assert compiled.cdf_between(inf, inf) == 0.0 and compiled.cdf_between(50.0, inf) == 0.0
    assert compiled.cdf_between(2.0, 1.0) == -compiled.cdf_between(1.0, 2.0)


def test_exp_cdf_against_fifty_digits(compiled):
    rng = np.random.default_rng(3)
    z = np.concatenate([rng.uniform(-60, 10, 2000), -(10 ** rng.uniform(1, 8, 500))])
    # where z is far below zero, only an exponent near z²/2 gives a number at all
    shift = rng.uniform(-200, 200, z.size)
    A = np.where(z < -1, 0.5 * z * z + np.minimum(shift, 100), shift)
    with mpmath.workdps(50):
        exact = [
            float(mpmath.exp(mpmath.mpf(p)) * mpmath.erfc(-mpmath.mpf(q) / mpmath.sqrt(2)) / 2)
            for p, q in zip(A, z, strict=True)
        ]
    error = np.abs(many(compiled.exp_cdf, A, z) / np.array(exact) - 1)
    assert (
        np.max(error / (1 + np.abs(A))) < 1e-15
    )  # |A| units in the last place are the condition of exp(A)
    assert compiled.exp_cdf(1.0, -math.inf) == 0.0
    assert compiled.exp_cdf(1.0, math.inf) == pytest.approx(math.e, rel=1e-15)
    assert compiled.exp_cdf(1000.0, 0.0) == math.inf


@pytest.mark.parametrize("name", ["erfcx", "normal_pdf", "upper_tail", "exponential"])
def test_compiled_and_plain_python_agree(compiled, name):
    x = np.linspace(-20, 30, 301)
    plain = many(getattr(special, name), x)
    assert relative(many(getattr(compiled, name), x), plain) < 1e-14


@pytest.mark.parametrize("lower, upper", [(-1.0, 3.0), (0.5, 1e6), (-1e3, 1e-3), (2.0, 2.5)])
def test_panels_tile_an_interval_and_narrow_towards_the_centres(compiled, lower, upper):
    centres, least = (0.0, 2.0, -math.inf), 1e-9
    ends = [lower]
    while ends[-1] < upper:
        ends.append(compiled.panel_end(ends[-1], upper, centres, least))
        assert len(ends) < 1000
    left, right = np.array(ends[:-1]), np.array(ends[1:])
    assert ends[-1] == upper and np.all(right > left)
    for centre in (0.0, 2.0):
        assert not np.any((left < centre) & (centre < right))
        away = np.maximum(left - centre, centre - right)
        # what ends within the smallest width of a centre ends at it
        assert np.all(right - left <= np.maximum(away, 2 * least) * (1 + 1e-9))
