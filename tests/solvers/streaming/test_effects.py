"""The four effects of taking signs, limit risks, and rates: closed forms and their limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from limitlab.solvers.solve import solve
from limitlab.solvers.streaming.advice.effects import effects
from limitlab.solvers.streaming.advice.rates import best_rate, rate_for_risk
from limitlab.solvers.streaming.advice.schedules import greedy
from limitlab.solvers.streaming.expectations import expectations
from limitlab.theory.core.errors import InvalidInput, NoLimit, NotAvailable
from limitlab.theory.covariance import from_eigenvalues, from_matrix, isotropic, toeplitz
from limitlab.theory.methods import SGD, ClippedSGD, SignSGD
from limitlab.theory.noise import Cauchy, Gaussian, Laplace, NoNoise, Rademacher, StudentT, Uniform
from limitlab.theory.streaming.modes import modes
from limitlab.theory.streaming.problem import LeastSquares

pytestmark = pytest.mark.interpreted

FLAT = isotropic(100)
TWO = from_eigenvalues([4.0, 1.0], [50, 50])


def of(noise, rate=0.3, covariance=FLAT):
    return effects(LeastSquares(covariance, noise), rate)


@pytest.mark.compiled
def test_limit_risk_has_its_sanity_value():
    wide = from_eigenvalues([1.21], [100])
    assert of(StudentT(4, 0.5), covariance=wide).limit_risk == pytest.approx(0.0928512, abs=5e-8)


def test_gaussian_noise_in_closed_form():
    found, risks = of(Gaussian(0.5)), np.array([1e-6, 0.1, 5.0])
    assert found.compression(risks) == pytest.approx(np.ones(3), rel=1e-12)
    assert found.effective_rate(risks) == pytest.approx(0.6 / math.pi / np.sqrt(2 * risks + 0.25))
    c = math.pi * 0.3 / 8
    assert found.limit_risk == pytest.approx(c**2 + c * math.sqrt(c**2 + 0.25), rel=1e-11)
    assert found.rate_ratio == pytest.approx(4 / math.pi**2)


def test_without_noise_in_closed_form():
    found = of(NoNoise(), covariance=TWO)
    assert found.limit_risk == pytest.approx((math.pi * 0.3 * 1.5) ** 2 / 32, rel=1e-11)
    assert found.limit_risk == pytest.approx(found.large_rate_risk, rel=1e-11)
    assert found.compression_limits == (1.0, 1.0)
    with pytest.raises(InvalidInput, match="nothing to compare"):
        _ = found.rate_ratio


@pytest.mark.parametrize("noise", [Laplace(0.6), Uniform(0.8), StudentT(4, 0.5), Rademacher(0.4)])
def test_compression_tends_to_its_limits(noise):
    at_zero, at_infinity = of(noise).compression_limits
    low, high = of(noise).compression([1e-9, 1e7])
    assert low == pytest.approx(at_zero, rel=1e-3, abs=1e-9)
    assert high == pytest.approx(at_infinity, rel=1e-5)


def test_infinite_variance_compresses_without_bound():
    found = of(Cauchy(0.3))
    assert np.all(np.isinf(found.compression([0.1, 1.0])))
    assert found.compression_limits == (math.inf, math.inf) and math.isinf(found.rate_ratio)


def test_diagonal_preconditioning_takes_the_root():
    sgd, sign = of(Gaussian(0.5), covariance=TWO).condition_numbers
    assert (sgd, sign) == pytest.approx((2.5, 1.5))
    angle = np.array([[1.0, -1.0], [1.0, 1.0]]) / math.sqrt(2)
    rotated = of(Gaussian(0.5), covariance=from_matrix(angle @ np.diag([4.0, 1.0]) @ angle.T))
    # a flat diagonal: D = 2.5 I, so λ = μ/√2.5 and nothing is gained
    assert rotated.preconditioning == pytest.approx(1.0)
    assert of(Gaussian(0.5), covariance=TWO).preconditioning == pytest.approx(5 / 3)


def test_reshaping_is_weak_to_third_order():
    errors = []
    for correlation in (0.2, 0.1):
        shape = of(Gaussian(0.5), covariance=toeplitz(20, correlation)).reshaping
        assert np.diag(shape.sign_covariance) == pytest.approx(np.ones(20))
        errors.append(np.abs(shape.sign_covariance - shape.weak).max())
    assert errors[0] / errors[1] == pytest.approx(8, rel=0.02)
    plain, signs = shape.spectra
    assert signs.max() < plain.max() and signs.sum() == pytest.approx(20)


def test_only_the_diagonal_enters_the_limit_risk():
    scales = np.linspace(0.5, 2, 30)
    dense = toeplitz(30, 0.6, variances=scales)
    for noise in (Laplace(0.6), Rademacher(0.5)):
        assert of(noise, covariance=dense).limit_risk == pytest.approx(
            of(noise, covariance=from_eigenvalues(scales)).limit_risk, rel=1e-9
        )


def test_small_and_large_rates_have_their_laws():
    """Relative errors: η for a smooth law, √η for one with a cusp at 0; 1/η² for large rates."""
    for noise, order in ((Gaussian(0.5), 1.0), (Laplace(0.6), 0.5)):
        found = [of(noise, rate) for rate in (2e-4, 1e-4)]
        misses = [abs(f.limit_risk / f.small_rate_risk - 1) for f in found]
        assert math.log2(misses[0] / misses[1]) == pytest.approx(order, abs=0.05)
    found = [of(Laplace(0.6), rate) for rate in (200.0, 400.0)]
    misses = [abs(f.limit_risk / f.large_rate_risk - 1) for f in found]
    assert math.log2(misses[0] / misses[1]) == pytest.approx(2, abs=0.05)
    for noise in (Rademacher(0.5), NoNoise()):
        with pytest.raises(NotAvailable, match="density at 0"):
            _ = of(noise).small_rate_risk


def test_rademacher_stalls_logarithmically():
    """R∞ ≈ a²/(4 log 1/η), leading logarithm only."""
    rates = np.array([1e-4, 1e-8, 1e-16])
    shares = [of(Rademacher(0.5), r).limit_risk * 16 * math.log(1 / r) for r in rates]
    assert np.all(np.diff(np.abs(np.array(shares) - 1)) < 0) and abs(shares[-1] - 1) < 0.1


def test_late_rate_ratio_is_that_of_the_rates_at_equal_risk():
    problem, risk = LeastSquares(TWO, Laplace(0.6)), 1e-8
    slowest = []
    for method in (SignSGD(1.0), SGD(1.0)):
        rate = rate_for_risk(problem, method, risk)
        mu = expectations(problem, method).mu(risk)
        kappa = math.sqrt(2 / math.pi) if method.acts_on == "coordinate" else 1.0
        slowest.append(2 * rate * kappa * mu * modes(problem, method).rates.min())
    ratio = effects(problem, 0.3).rate_ratio
    assert slowest[0] / slowest[1] == pytest.approx(ratio, rel=1e-3)


def test_rate_for_a_risk_inverts_the_limit_risk():
    problem = LeastSquares(TWO, Gaussian(0.5))
    for rate in (0.01, 5.0):
        risk = effects(problem, rate).limit_risk
        assert rate_for_risk(problem, SignSGD(1.0), risk) == pytest.approx(rate, rel=1e-9)
    a = rate_for_risk(problem, SGD(1.0), 0.2) * 2.5
    assert a * 0.25 / (4 - 2 * a) == pytest.approx(0.2, rel=1e-9)
    assert rate_for_risk(problem, ClippedSGD(1.0, 1.0), 0.1) > 0
    with pytest.raises(InvalidInput, match="stationary and stable"):
        rate_for_risk(LeastSquares(TWO, NoNoise()), SGD(1.0), 0.1)
    with pytest.raises(NoLimit):
        rate_for_risk(LeastSquares(TWO, Cauchy(0.3)), SGD(1.0), 0.1)


@pytest.mark.slow
def test_greedy_rates_in_closed_form():
    """K = I, Gaussian noise: 4R/(π√P) for signSGD, 2R/P for SGD."""
    problem = LeastSquares(isotropic(1000), Gaussian(0.5))
    for method in (SignSGD(1.0), SGD(1.0)):
        curve = greedy(problem, method, 1.0).curve
        power = 2 * curve.risk + 0.25
        by_hand = 2 * curve.risk / power
        if method.acts_on == "coordinate":
            by_hand = 4 * curve.risk / math.pi / np.sqrt(power)
        assert curve["rate"] == pytest.approx(by_hand, rel=1e-4)


@pytest.mark.compiled
def test_best_rate_of_isotropic_sgd_is_that_of_its_closed_form():
    def end(rate, until=3.0):
        floor = rate * 0.25 / (4 - 2 * rate)
        return floor + (1 - floor) * math.exp(-(2 * rate - rate**2) * until)

    by_hand = minimize_scalar(end, bounds=(0.01, 1.9), method="bounded", options={"xatol": 1e-9})
    found = best_rate(LeastSquares(FLAT, Gaussian(0.5)), SGD(1.0), 3.0)
    assert found.risk == pytest.approx(by_hand.fun, rel=1e-6)
    assert found.rate == pytest.approx(by_hand.x, rel=2e-3)


def test_neighbours_of_the_best_rate_are_worse():
    problem = LeastSquares(FLAT, Laplace(0.6))
    found = best_rate(problem, SignSGD(1.0), 2.0)
    for factor in (0.9, 1.1):
        other = solve(problem, SignSGD(factor * found.rate), 2.0, points=2).risk[-1]
        assert other > found.risk
