"""Slopes in the dimension: the fit on synthetic data, the study on real runs."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab.theory.core.errors import InvalidInput
from limitlab.theory.covariance import isotropic
from limitlab.theory.methods import SGD
from limitlab.theory.noise import Gaussian
from limitlab.theory.streaming.problem import LeastSquares
from limitlab.validation.convergence.convergence import convergence
from limitlab.validation.convergence.power_law import fit_slope

SIZES = np.array([16, 32, 64, 128, 256])


def problem(d):
    return LeastSquares(isotropic(d), Gaussian(0.5))


def test_exact_power_law_is_recovered():
    values = 3.0 * SIZES**-1.0
    slope = fit_slope(SIZES, values, 0.01 * values)
    assert slope.value == pytest.approx(-1, abs=1e-3)
    assert slope.prefactor == pytest.approx(3, rel=1e-2)


def test_interval_covers_and_excludes():
    """95 % intervals cover the true slope in at least 91 % of 300 repetitions, and exclude −½."""
    rng = np.random.default_rng(1)
    truth, errors = -0.8 / SIZES, np.full(SIZES.size, 0.8 / 16 / 30)
    slopes = [fit_slope(SIZES, truth + errors * rng.standard_normal(5), errors) for _ in range(300)]
    assert np.mean([s.low <= -1 <= s.high for s in slopes]) >= 0.91
    assert np.mean([s.low <= -0.5 <= s.high for s in slopes]) <= 0.05


def test_a_lost_bias_has_a_wide_interval():
    rng = np.random.default_rng(2)
    slope = fit_slope(SIZES, 1e-3 * rng.standard_normal(5), np.full(5, 1e-3))
    assert slope.high - slope.low > 1


def test_mean_recursion_of_sgd_has_slope_minus_one():
    """Isotropic SGD by its exact mean recursion up to d = 4096, where no ensemble resolves it."""
    sizes, rate, noise, bias = 2 ** np.arange(6, 13), 0.8, 0.25, []
    for d in sizes:
        e, risk = rate / d, 1.0
        for _ in range(2 * d):
            risk = risk * (1 - 2 * e + 2 * e**2) + e**2 * d / 2 * (2 * risk + noise)
        decay, source = 2 * rate - rate**2, rate**2 * noise / 2
        level = source / decay
        bias.append(risk - level - (1 - level) * np.exp(-2 * decay))
    slope = fit_slope(sizes, np.array(bias), 1e-3 * np.abs(bias))
    assert slope.value == pytest.approx(-1, abs=0.02)


@pytest.fixture(scope="module")
def study():
    sizes = (16, 32, 64, 128)
    return convergence(problem, SGD(0.4), dimensions=sizes, until=2, runs=600, seed=3)


def test_spread_of_one_run_falls_as_the_root(study):
    """The interval is widened by half its width: 95 % alone fails once in twenty seeds."""
    slope = study.spread_slope
    extra = (slope.high - slope.low) / 2
    assert slope.low - extra <= -0.5 <= slope.high + extra
    assert extra < 0.1


def test_bias_is_far_below_the_spread(study):
    assert np.all(np.abs(study.bias) < 0.3 * study.spread)
    assert np.all(study.bias_error < study.spread)


def test_study_prints_and_draws(study, tmp_path):
    text = str(study)
    assert "SGD" in text and "spread of one run" in text and "128" in text
    study.figure().savefig(tmp_path / "slopes.png")
    assert (tmp_path / "slopes.png").stat().st_size > 5000


@pytest.mark.slow
def test_bias_of_sgd_falls_as_one_over_d():
    study = convergence(
        problem, SGD(1.2), dimensions=(16, 32, 64, 128), until=2, runs=20000, seed=4
    )
    slope = study.bias_slope
    extra = (slope.high - slope.low) / 2
    assert slope.low - extra <= -1 <= slope.high + extra
    assert not slope.low <= -0.5 <= slope.high


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"dimensions": (16, 32)}, "dimensions"),
        ({"dimensions": (64, 32, 16)}, "dimensions"),
        ({"runs": 5}, "runs"),
    ],
)
def test_bad_arguments_are_named(change, field):
    with pytest.raises(InvalidInput) as caught:
        convergence(problem, SGD(0.5), **change)
    assert caught.value.field == field
