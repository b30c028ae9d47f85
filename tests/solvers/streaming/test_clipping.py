"""Clipping criteria: sanity values, bounds, limits, thresholds, and the verdict in words."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
import sympy as sp

from limitlab.solvers.streaming.advice.clipping.criteria import clipping_criteria
from limitlab.solvers.streaming.advice.clipping.fisher import fisher_information
from limitlab.solvers.streaming.advice.clipping.thresholds import best_threshold, fraction_threshold
from limitlab.solvers.streaming.advice.clipping.units import convert_units
from limitlab.solvers.streaming.advice.clipping.verdict import can_clipping_help
from limitlab.solvers.streaming.expectations import expectations
from limitlab.solvers.streaming.stationary import stationary
from limitlab.theory.core.errors import InvalidInput, InvalidType, NotAvailable, ValidityWarning
from limitlab.theory.covariance import from_eigenvalues, isotropic
from limitlab.theory.methods import ClippedSGD
from limitlab.theory.noise import (
    Cauchy,
    Gaussian,
    GaussianMixture,
    Laplace,
    Noise,
    NoNoise,
    Rademacher,
    StudentT,
    Uniform,
)
from limitlab.theory.streaming.problem import LeastSquares

pytestmark = pytest.mark.interpreted

RISKS = np.geomspace(1e-4, 10, 6)
TWO_SCALES = GaussianMixture((0.9, 0.1), (0.3, 3.0))


@dataclass(frozen=True)
class Logistic(Noise):
    """A law whose convolution has no closed form."""

    scale: float

    def density(self, e):
        return 1 / (4 * self.scale * sp.cosh(e / (2 * self.scale)) ** 2)


class Endless(GaussianMixture):
    """Stands for a law of infinite variance that is quick to evaluate."""

    variance = math.inf


def on(noise, covariance=None):
    return LeastSquares(covariance or isotropic(200), noise)


def criteria(noise):
    return clipping_criteria(on(noise))


def test_sanity_values():
    assert criteria(Rademacher(0.5)).comparison_ratio(0.25, 0.7) == pytest.approx(
        0.805863, abs=5e-7
    )
    for noise, mu, power in [
        (Laplace(0.6), 0.50948957, 0.31755648),
        (Uniform(0.9), 0.56620224, 0.29824292),
        (StudentT(4, 0.5), 0.54607475, 0.30461511),
    ]:
        known = criteria(noise)
        assert known.mu(0.25, 0.7) == pytest.approx(mu, abs=5e-9)
        assert known.N(0.25, 0.7) == pytest.approx(power, abs=5e-9)
    assert criteria(Laplace(0.6)).largest_rate(0.0919266, 0.7) == pytest.approx(0.8, abs=5e-7)


def test_the_threshold_may_be_an_array_or_infinite():
    known = criteria(Laplace(0.6))
    thresholds = np.array([0.1, 1.0, math.inf])
    table = known.N(RISKS[:, None], thresholds)
    assert table.shape == (6, 3)
    np.testing.assert_allclose(table[:, 2], 2 * RISKS + 0.72, rtol=1e-14)
    np.testing.assert_allclose(
        table[:, 1], expectations(on(Laplace(0.6)), ClippedSGD(1.0, 1.0)).N(RISKS), rtol=1e-14
    )


@pytest.mark.parametrize("noise", [NoNoise(), Gaussian(0.5)], ids=["none", "Gaussian"])
def test_gaussian_residuals_never_gain_and_never_lose_stability(noise):
    known = criteria(noise)
    thresholds = np.geomspace(1e-3, 30, 25)
    assert np.all(known.comparison_ratio(RISKS[:, None], thresholds) <= 1 + 1e-12)
    assert np.all(known.stability_ratio(RISKS[:, None], thresholds) >= 1 - 1e-12)
    assert np.all(np.isinf(best_threshold(on(noise), RISKS)))
    # the control: other laws do gain, or do lose stability, on the same grid
    assert criteria(Laplace(0.6)).comparison_ratio(RISKS[:, None], thresholds).max() > 1.9
    assert criteria(Rademacher(0.5)).stability_ratio(1e-4, 0.3) < 0.1


@pytest.mark.parametrize("noise", [Laplace(0.6), Uniform(0.9), TWO_SCALES], ids=str)
def test_no_threshold_beats_the_fisher_bound(noise):
    known = criteria(noise)
    risks, thresholds = np.array([1e-3, 0.05, 0.5]), np.geomspace(1e-2, 30, 15)
    best = known.comparison_ratio(risks[:, None], thresholds).max(axis=1)
    bound = known.fisher_bound(risks)
    assert np.all(best <= bound * (1 + 1e-10))


def test_the_fisher_bound_is_sharp_where_clipping_is_nearly_the_best_rule():
    known = criteria(Laplace(0.6))
    best = known.comparison_ratio(1e-4, known.best_threshold(1e-4))
    assert 0.999 < best / known.fisher_bound(1e-4) < 1
    # the control: the bound of a larger risk does not bound it
    assert best > known.fisher_bound(1e-2)


def test_fisher_information_of_known_laws():
    risks = np.array([1e-3, 1.0])
    gauss = fisher_information(on(Gaussian(0.5)), risks)
    np.testing.assert_allclose(gauss, 1 / (2 * risks + 0.25), rtol=1e-12)
    # without smoothing it is 1/b² for Laplace, whose cusp is smoothed over √(2R)
    assert fisher_information(on(Laplace(0.6)), 1e-8) == pytest.approx(1 / 0.36, rel=1e-3)


@pytest.mark.parametrize("noise", [Gaussian(0.5), Laplace(0.6), Cauchy(0.5)], ids=str)
def test_a_vanishing_threshold_is_the_median_against_the_mean(noise):
    known = criteria(noise)
    errors = [
        np.abs(known.comparison_ratio(0.1, c) / known.vanishing_threshold(0.1) - 1)
        for c in (2e-3, 1e-3)
    ]
    assert errors[0] < 5e-3 and errors[1] == pytest.approx(errors[0] / 2, rel=0.02)


def test_the_best_threshold_is_a_maximum():
    known = criteria(TWO_SCALES)
    best = known.best_threshold(RISKS[:4])
    peak = known.comparison_ratio(RISKS[:4], best)
    for factor in (0.9, 1.1):
        assert np.all(known.comparison_ratio(RISKS[:4], factor * best) < peak)


@pytest.mark.slow
def test_infinite_and_vanishing_best_thresholds():
    assert np.all(np.isinf(best_threshold(on(Rademacher(0.5)), RISKS)))
    assert np.all(np.isinf(best_threshold(on(Uniform(0.9)), RISKS)))
    assert best_threshold(on(Laplace(0.6)), 0.0) == 0.0
    # a cusp smoothed over s = √(2R) has its best threshold at a fixed multiple of s
    small = best_threshold(on(Laplace(0.6)), np.array([4e-6, 1e-6]))
    assert small[0] / small[1] == pytest.approx(2.0, rel=0.02)


def test_infinite_variance_compares_without_a_reference_and_says_so():
    known = criteria(Cauchy(0.5))
    mu, power = known.mu(0.2, 0.7), known.N(0.2, 0.7)
    assert known.comparison_ratio(0.2, 0.7) == pytest.approx(mu**2 / power)
    assert known.comparison_ratio(0.2, math.inf) == 0
    assert "infinite" in known.note and "ν" in criteria(Laplace(0.6)).note
    for refused in (known.nu, known.stability_ratio):
        with pytest.raises(InvalidInput, match="finite variance"):
            refused(0.2, 0.7)


@pytest.mark.parametrize("c", [0.3, 0.5, 0.7])
def test_rademacher_noise_stands_still_where_the_rate_is_the_largest(c):
    # the threshold below, at and above the atoms; one root each, since μR/N increases in R
    problem = on(Rademacher(0.5))
    found = stationary(problem, ClippedSGD(0.05, c))
    held = clipping_criteria(problem).largest_rate(found.roots, c)
    np.testing.assert_allclose(held, 0.05, rtol=1e-9)
    assert found.roots.size == 1 and found.stable.all()


def test_the_large_rate_law():
    problem = on(Laplace(0.6))
    ratios = [
        stationary(problem, ClippedSGD(rate, 0.7)).roots[-1]
        / clipping_criteria(problem).large_rate_risk(rate, 0.7)
        for rate in (1e2, 1e3)
    ]
    assert abs(ratios[1] - 1) < 5e-3 and abs(ratios[1] - 1) < 0.2 * abs(ratios[0] - 1)


def test_a_fraction_is_attained_or_the_miss_is_told():
    problem = on(TWO_SCALES)
    found = fraction_threshold(problem, RISKS, 0.8)
    np.testing.assert_allclose(clipping_criteria(problem).mu(RISKS, found), 0.8, rtol=1e-12)
    with pytest.warns(ValidityWarning, match=r"off by 0\.2"):
        assert fraction_threshold(on(Rademacher(0.5)), 0.0, 0.8) == pytest.approx(0.5)
    with pytest.raises(InvalidInput, match="fraction"):
        fraction_threshold(problem, 0.1, 1.0)


def test_a_density_outside_the_closed_class():
    problem = on(Logistic(0.4))
    known = clipping_criteria(problem)
    for c in (0.3, 1.1):
        law = expectations(problem, ClippedSGD(1.0, c))
        assert known.mu(0.1, c) == pytest.approx(law.mu(0.1), rel=1e-13)
    with pytest.raises(NotAvailable, match="components"):
        known.fisher_bound(0.1)


@pytest.mark.slow
def test_the_verdict():
    never = can_clipping_help(on(Gaussian(0.5)))
    assert not never and never.ratio == pytest.approx(1) and "Cauchy–Schwarz" in never.reason
    sparse = can_clipping_help(on(Uniform(0.9)))
    assert not sparse and sparse.interval is None and "no threshold" in str(sparse)
    heavy = can_clipping_help(on(Endless((0.9, 0.1), (0.3, 3.0))))
    assert heavy and heavy.ratio == math.inf and "infinite variance" in heavy.reason
    late = can_clipping_help(LeastSquares(isotropic(200), Laplace(0.6), initial_risk=30.0))
    assert late and "once the risk is below" in late.reason and late.interval[1] < 10
    edge = late.interval[1]
    known = criteria(Laplace(0.6))
    gains = [
        known.comparison_ratio(R, known.best_threshold(R)) - 1 for R in (edge / 1.3, 1.3 * edge)
    ]
    assert gains[0] > 1e-3 > gains[1]


def test_units_there_and_back():
    law = from_eigenvalues([2.0, 0.5], [50, 150])
    there = convert_units(0.8, 2.0, 0.7, law, to="trace")
    assert there == pytest.approx((0.7, 2.0 / 0.875, 0.7))
    assert convert_units(*there, law, to="dimension") == pytest.approx((0.8, 2.0, 0.7))
    assert convert_units(0.8, 2.0, 0.7, isotropic(50), to="trace") == pytest.approx((0.8, 2.0, 0.7))
    with pytest.raises(InvalidInput, match="to"):
        convert_units(0.8, 2.0, 0.7, law, to="norm")


@pytest.mark.parametrize(
    ("risk", "threshold", "match"),
    [
        (-0.1, 1.0, "risk"),
        (0.1, 0.0, "threshold"),
        (0.1, math.nan, "threshold"),
        (math.nan, 1.0, "risk"),
    ],
)
def test_bad_arguments(risk, threshold, match):
    with pytest.raises(InvalidInput, match=match):
        criteria(Gaussian(0.5)).mu(risk, threshold)


def test_only_streaming_problems_have_criteria():
    with pytest.raises(InvalidType, match="problem"):
        clipping_criteria(Gaussian(0.5))
