"""The announced finite-dimension error against exact recursions and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.special import gamma

from limitlab.solvers.streaming import finite_size as module
from limitlab.solvers.streaming.finite_size import (
    finite_size,
    is_linear,
    mean_square_load,
    standard_errors_meaningful,
)
from limitlab.solvers.streaming.finite_size_table import clipped_bias, sign_bias
from limitlab.theory.covariance import from_eigenvalues, isotropic, marchenko_pastur, power_law
from limitlab.theory.methods import SGD, ClippedSGD, Huber, SignSGD
from limitlab.theory.noise import Cauchy, Gaussian, NoNoise, StudentT
from limitlab.theory.schedules.schedule import evaluate, power_decay
from limitlab.theory.streaming.modes import modes
from limitlab.theory.streaming.problem import LeastSquares
from limitlab.theory.streaming.tails import is_sublinear

TIMES = np.linspace(0, 4, 21)


def exact_mean(problem, method, times):
    """Mean risk of unclipped SGD at finite d by its exact recursion, step by step."""
    found, batch, variance = modes(problem, method), method.batch, problem.noise.variance
    d, lam = found.dimension, found.rates
    y, steps, risks = found.energies.copy(), np.rint(times * found.dimension).astype(int), []
    rates = evaluate(method.rate, np.arange(steps[-1] + 1) / d)
    for k in range(steps[-1] + 1):
        if k in steps:
            risks.append(y.sum())
        e = rates[k] / d
        factor = 1 - 2 * e * lam + e**2 * lam**2 * (1 + 1 / batch)
        y = y * factor + e**2 * d * found.sources / (2 * batch) * (2 * y.sum() + variance)
    return np.array(risks)


def limit(problem, method, times):
    """The limit of unclipped SGD by scipy."""
    found, variance = modes(problem, method), problem.noise.variance

    def slope(t, y):
        rate = evaluate(method.rate, t)
        source = found.sources / (2 * method.batch) * (2 * y.sum() + variance)
        return -2 * rate * found.rates * y + rate**2 * source

    span, accuracy = (0, times[-1]), {"rtol": 1e-9, "atol": 1e-14}
    answer = solve_ivp(slope, span, found.energies, "DOP853", times, **accuracy)
    return answer.y.sum(axis=0)


METHODS = [SGD(0.5), SGD(1.0), SGD(1.5), SGD(1.0, batch=4), SGD(power_decay(1.0, 0.5))]


@pytest.mark.parametrize("noise", [NoNoise(), Gaussian(0.5)])
@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("method", METHODS)
def test_unclipped_error_within_a_factor_two(method, exponent, noise):
    problem = LeastSquares(power_law(250, exponent), noise)
    risk, exact = limit(problem, method, TIMES), exact_mean(problem, method, TIMES)
    announced = finite_size(problem, method, TIMES, risk)
    true = np.abs(exact - risk) / risk
    large = np.maximum(true, announced.relative) > 0.003
    assert announced.origin == "computed"
    assert announced.relative[0] == 0
    assert np.all(np.abs(np.log2(announced.relative[large] / true[large])) <= 1)


def test_the_check_would_see_a_missing_part():
    """Without what Euler's step leaves out, the error is off by more than two."""
    problem, method = LeastSquares(isotropic(250), NoNoise()), SGD(0.5)
    risk, exact = limit(problem, method, TIMES), exact_mean(problem, method, TIMES)
    wrong = 2 * method.rate**2 * TIMES[-1] / 250
    assert wrong > 2 * abs(exact[-1] / risk[-1] - 1)


@pytest.mark.parametrize("rate", [0.3, 1.0, 1.7])
def test_isotropic_noiseless_by_hand(rate):
    """(1 − 2η/d + η² (d + 2)/d²)^k e^((2η − η²) t) − 1, to first order [2η² − ½(2η − η²)²] t/d."""
    problem = LeastSquares(isotropic(400), NoNoise())
    risk = np.exp(-(2 * rate - rate**2) * TIMES)
    step = -2 * rate / 400 + rate**2 * 402 / 400**2
    expected = np.abs(np.expm1(400 * TIMES * np.log1p(step) - np.log(risk)))
    announced = finite_size(problem, SGD(rate), TIMES, risk).relative
    np.testing.assert_allclose(announced, expected, rtol=1e-9, atol=1e-12)
    first = abs(2 * rate**2 - 0.5 * (2 * rate - rate**2) ** 2) * TIMES / 400
    np.testing.assert_allclose(announced, first, atol=first[-1] ** 2 + 20 / 400**2)


def test_compression_keeps_the_error(monkeypatch):
    problem, method = LeastSquares(power_law(150, 1.0), Gaussian(0.5)), SGD(0.7)
    risk = limit(problem, method, TIMES)
    coarse = finite_size(problem, method, TIMES, risk).relative
    monkeypatch.setattr(module, "NODES", 75)
    fine = finite_size(problem, method, TIMES, risk).relative
    np.testing.assert_allclose(coarse[1:], fine[1:], rtol=0.01)


def test_infinite_dimension_announces_nothing():
    problem = LeastSquares(marchenko_pastur(math.inf, 0.5), Gaussian(0.5))
    announced = finite_size(problem, SGD(0.5), TIMES, np.ones(21))
    assert announced.origin == "none" and np.all(announced.relative == 0)


@pytest.mark.parametrize("method", [ClippedSGD(0.8, 1.0), Huber(0.8, 1.0), SignSGD(0.4)])
def test_table_is_tight_at_a_thousand_dimensions(method):
    """A few tenths of a percent, so that a drift error of 5 % cannot hide in it."""
    risk = np.linspace(1, 0.1, 21)
    announced = finite_size(LeastSquares(isotropic(1000), Gaussian(0.5)), method, TIMES, risk)
    assert announced.origin == "measured table"
    assert announced.relative[0] == 0 and np.all(np.diff(announced.relative) >= 0)
    assert 1e-4 < announced.relative[-1] < 0.002
    half = finite_size(LeastSquares(isotropic(500), Gaussian(0.5)), method, TIMES, risk)
    np.testing.assert_allclose(half.relative, 2 * announced.relative, rtol=1e-12)


@pytest.mark.parametrize(
    ("batch", "aggregate", "expected"),
    [
        (2, "sign-of-mean", np.pi / 2),
        (4, "sign-of-mean", 3 * np.pi / 4),
        (3, "majority-vote", 1.5),
        (8, "mean-of-signs", 1.0),
        (16, "sign-of-mean", np.pi**0.5 * gamma(8.5) / gamma(8)),
    ],
)
def test_several_samples_err_with_their_gain_in_drift(batch, aggregate, expected):
    """What steps of finite length leave out; what signs saturate comes beside."""
    problem, risk = LeastSquares(isotropic(1000), Gaussian(0.5)), np.linspace(1, 0.1, 21)
    one, several = (
        finite_size(problem, method, TIMES, risk).relative[1:]
        for method in (SignSGD(0.4), SignSGD(0.4, batch=batch, aggregate=aggregate))
    )
    np.testing.assert_allclose(several / one, expected, rtol=1e-12)


def test_table_uses_the_intrinsic_dimension():
    """d⋆ = tr K/‖K‖ for clipping and tr D^½ over the largest rate for the sign."""
    covariance = from_eigenvalues([4.0] + [1.0] * 12)
    risk = np.ones(21)
    for method, d_star in ((ClippedSGD(0.4, 1.0), 16 / 4), (SignSGD(0.4), 14 / 2)):
        announced = finite_size(LeastSquares(covariance, Gaussian(0.5)), method, TIMES, risk)
        mean = 16 / 13 if method.acts_on == "norm" else 14 / 13
        (strength,) = module.noise_strength(Gaussian(0.5), np.ones(1))
        if method.acts_on == "norm":
            table = clipped(0.4 * mean, 1.0, strength, 0.4 * mean * TIMES)
        else:
            (table,) = sign_bias(np.array([0.4 * mean]), 0.4 * mean * TIMES[None])
        np.testing.assert_allclose(announced.relative, table / d_star, rtol=1e-9)


def clipped(rate, threshold, strength, travelled):
    """The table's bias of one cell."""
    return clipped_bias(*(np.array([x]) for x in (rate, threshold, strength)), travelled[None])[0]


def test_many_cells_are_announced_as_each_alone():
    """Cells differ in their rate: constants and schedules, noisy and quiet."""
    problem, times = LeastSquares(isotropic(300), StudentT(3, 0.2)), np.linspace(0, 4, 33)
    fine = np.linspace(0, 4, 401)
    rates = np.array([0.1 + 0 * fine, 1.5 / (1 + fine), 2.2 + 0 * fine])
    risks = np.exp(-np.array([[0.3], [2.0], [0.1]]) * times)
    for method in (ClippedSGD(1.0, 0.8), SignSGD(1.0), Huber(1.0, 2.0)):
        together = module.of_table(problem, method, rates, times, risks)
        alone = [
            module.of_table(problem, method, r[None], times, x[None])[0]
            for r, x in zip(rates, risks, strict=True)
        ]
        assert np.array_equal(together, alone) and together.max() > 0


def test_table_is_scale_free():
    """θ, noise, threshold and the rate of signSGD in other units: the same relative error."""
    one = LeastSquares(isotropic(500), Gaussian(0.5), initial_risk=1.0)
    ten = LeastSquares(isotropic(500), Gaussian(5.0), initial_risk=100.0)
    risk = np.linspace(1, 0.1, 21)
    for small, large in (
        (ClippedSGD(0.8, 1.0), ClippedSGD(0.8, 10.0)),
        (SignSGD(0.4), SignSGD(4.0)),
    ):
        a = finite_size(one, small, TIMES, risk).relative
        b = finite_size(ten, large, TIMES, 100 * risk).relative
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_table_grows_beyond_its_end_only_without_noise():
    far = np.array([6.4, 12.8])
    quiet, noisy = (clipped(0.8, 1.0, s, far) for s in (0.0, 1.0))
    assert quiet[1] == pytest.approx(2 * quiet[0]) and noisy[1] == noisy[0]


@pytest.mark.slow
@pytest.mark.parametrize("method", [ClippedSGD(0.8, 1.0), Huber(0.8, 2.0), SignSGD(0.4)])
def test_table_covers_a_new_measurement(method):
    """At d = 64 the measured bias lies under the announced one, and not far under."""
    from limitlab.solvers.solve import solve
    from limitlab.validation.simulate import simulate

    problem = LeastSquares(isotropic(64), Gaussian(0.5))
    theory = solve(problem, method, 4, points=17)
    runs = simulate(problem, method, 4, points=17, runs=20000, seed=5, progress=False)
    bias, error = runs.risk / theory.risk - 1, 3.5 * runs.sem("risk") / theory.risk
    announced = theory.diagnostics["finite_size"]
    assert np.all(np.abs(bias[1:]) <= (announced + error)[1:])
    assert np.max(np.abs(bias) + error) >= 0.2 * announced.max()


def test_where_standard_errors_mean_something():
    heavy, light = (LeastSquares(isotropic(100), n) for n in (StudentT(3), Gaussian(0.5)))
    assert standard_errors_meaningful(light, SGD(0.5)) == (True, "")
    assert standard_errors_meaningful(heavy, SGD(0.5)) == (False, "heavy_tailed")
    assert standard_errors_meaningful(light, SGD(1.9)) == (False, "near_instability")
    cauchy = LeastSquares(isotropic(100), Cauchy(0.3))
    for method in (ClippedSGD(1.9, 1.0), Huber(1.9, 1.0), SignSGD(1.9)):
        assert standard_errors_meaningful(cauchy, method) == (True, "")
    assert standard_errors_meaningful(heavy, ClippedSGD(0.5, math.inf))[0] is False


def test_rules_are_read_not_named():
    assert is_linear(SGD(1.0)) and is_linear(ClippedSGD(1.0, math.inf))
    assert not is_linear(Huber(1.0, 1.0)) and not is_linear(SignSGD(1.0))
    assert is_sublinear(SignSGD(1.0)) and is_sublinear(Huber(1.0, 1.0))
    assert not is_sublinear(SGD(1.0))


@pytest.mark.parametrize(("d", "batch"), [(20, 1), (20, 3), (60, 1)])
def test_mean_square_load_is_the_exact_limit(d, batch):
    """One at the rate where the largest root of the exact recursion reaches one."""
    problem = LeastSquares(power_law(d, 0.5), NoNoise())
    found = modes(problem, SGD(1.0))

    def radius(rate):
        e = rate / d
        factor = 1 - 2 * e * found.rates + e**2 * found.rates**2 * (1 + 1 / batch)
        gain = np.outer(e**2 * d * found.sources / batch, np.ones(found.rates.size))
        return np.max(np.abs(np.linalg.eigvals(np.diag(factor) + gain)))

    low, high = 0.1, 8.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if radius(middle) < 1 else (low, middle)
    assert mean_square_load(problem, SGD(low, batch=batch)) == pytest.approx(1, abs=1e-6)


def test_a_rule_that_discards_takes_the_lowest_threshold():
    """ψ(∞) = 0: the threshold that the table sees is 0, held at its lower end without a warning."""
    travelled = np.array([0.0, 1.0])
    with np.errstate(all="raise"):
        lowest = clipped(0.5, 0.0, 1.0, travelled)
    assert np.array_equal(lowest, clipped(0.5, 0.5, 1.0, travelled))
    assert not np.array_equal(lowest, clipped(0.5, 1.0, 1.0, travelled))
