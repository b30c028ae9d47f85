"""Schedules along their own limit: greedy rates, thresholds c(R), matched drift, tables."""

from __future__ import annotations

import math

import numpy as np
import pytest

from limitlab.solvers.solve import solve
from limitlab.solvers.streaming.advice.clipping.criteria import clipping_criteria
from limitlab.solvers.streaming.advice.clipping.thresholds import best_threshold
from limitlab.solvers.streaming.advice.schedule_rules import (
    FixedFraction,
    MatchedDrift,
    ProportionalThreshold,
)
from limitlab.solvers.streaming.advice.schedules import greedy, schedule_along
from limitlab.theory.core.errors import InvalidInput, InvalidType, NoLimit
from limitlab.theory.core.tabulated import interpolated
from limitlab.theory.covariance import from_eigenvalues, isotropic
from limitlab.theory.methods import SGD, ClippedSGD, SignSGD
from limitlab.theory.noise import Cauchy, Gaussian, GaussianMixture, NoNoise, Rademacher
from limitlab.theory.schedules.running_quantile import RunningQuantile
from limitlab.theory.schedules.schedule import evaluate, power_decay
from limitlab.theory.streaming.problem import LeastSquares
from limitlab.validation.agreement.compare import compare
from limitlab.validation.simulate import simulate

pytestmark = pytest.mark.interpreted

OUTLIERS = GaussianMixture((0.9, 0.1), (0.3, 3.0))
PROBLEM = LeastSquares(isotropic(1000), OUTLIERS)
SPECTRUM = from_eigenvalues([3.0, 1.0, 0.3], [400, 1600, 2000])
THREE = LeastSquares(SPECTRUM, OUTLIERS)


def test_greedy_sgd_in_closed_form():
    # K = I: η* = 2R/P and dR/dt = −2R²/P, so that 2 log R − σ²/R + 2t is constant
    found = greedy(LeastSquares(isotropic(1000), Gaussian(0.5)), SGD(0.1), 3.0).curve
    R = found.risk
    np.testing.assert_allclose(found["rate"], 2 * R / (2 * R + 0.25), rtol=2e-4)
    invariant = 2 * np.log(R) - 0.25 / R + 2 * found.time
    np.testing.assert_allclose(invariant, invariant[0], rtol=1e-5)


def test_greedy_distance_and_greedy_risk_differ_unless_all_directions_are_equal():
    risk, distance = (
        greedy(LeastSquares(SPECTRUM, NoNoise()), SGD(0.1), 3.0, objective=o).curve
        for o in ("risk", "distance")
    )
    # noiseless: η* = 2R/(λ̄ 2R) for the distance
    np.testing.assert_allclose(distance["rate"], 1 / SPECTRUM.mean_eigenvalue, rtol=1e-9)
    assert np.ptp(risk["rate"]) > 0.1 * risk["rate"][0]


def test_greedy_sign_beats_every_constant_rate():
    problem = LeastSquares(isotropic(1000), Gaussian(0.5))
    best = greedy(problem, SignSGD(0.1), 3.0).curve.risk[-1]
    constants = [solve(problem, SignSGD(r), 3.0, points=2).risk[-1] for r in (0.2, 0.35, 0.5, 0.7)]
    assert best < min(constants)


@pytest.mark.slow
def test_greedy_clipping_beats_constants_and_unclipped_greedy():
    found = schedule_along(PROBLEM, 3.0).curve
    sgd = schedule_along(PROBLEM, 3.0, threshold=math.inf).curve
    constants = [
        solve(PROBLEM, ClippedSGD(rate, c), 3.0, points=2).risk[-1]
        for rate, c in ((0.3, 2.0), (0.6, 1.0), (1.0, 0.5))
    ]
    assert found.risk[-1] < 0.999 * min(constants) and found.risk[-1] < 0.9 * sgd.risk[-1]
    expected = best_threshold(PROBLEM, found.risk)
    np.testing.assert_allclose(found["threshold"], expected, rtol=2e-3)


@pytest.mark.slow
def test_gaussian_residuals_are_left_unclipped():
    found = schedule_along(LeastSquares(isotropic(1000), Gaussian(0.5)), 2.0)
    assert found.threshold == math.inf and isinstance(found.method, SGD)


def test_a_fixed_fraction_is_attained_along_the_path():
    found = schedule_along(THREE, 3.0, rate=0.5, threshold=FixedFraction(0.8)).curve
    attained = clipping_criteria(THREE).mu(found.risk, found["threshold"])
    np.testing.assert_allclose(attained, 0.8, atol=2e-4)
    np.testing.assert_allclose(found["rate"], 0.5, rtol=1e-12)


@pytest.mark.slow
def test_a_threshold_proportional_to_the_loss():
    rule = ProportionalThreshold(1.5)
    found = schedule_along(THREE, 3.0, rate=0.5, threshold=rule).curve
    expected = 1.5 * np.sqrt(2 * found["loss"])
    np.testing.assert_allclose(found["threshold"], expected, rtol=2e-4)


@pytest.mark.slow
def test_matched_drift_wins_where_the_criterion_holds_and_loses_where_it_fails():
    good, bad = THREE, LeastSquares(SPECTRUM, Rademacher(0.5))
    won = schedule_along(good, 2.0, rate=MatchedDrift(0.5)).curve.risk
    lost = schedule_along(bad, 2.0, rate=MatchedDrift(0.5), threshold=0.7).curve.risk
    assert np.all(won[1:] < solve(good, SGD(0.5), 2.0).risk[1:])
    assert np.all(lost[1:] > solve(bad, SGD(0.5), 2.0).risk[1:])


@pytest.mark.slow
@pytest.mark.compiled
def test_matched_drift_bounds_every_mode_by_that_of_sgd():
    method = schedule_along(THREE, 3.0, rate=MatchedDrift(0.5)).method
    clipped, plain = (solve(THREE, m, 3.0, points=13, modes=True) for m in (method, SGD(0.5)))
    assert np.all(clipped["modes"] <= plain["modes"] * (1 + 1e-5))
    assert clipped.risk[-1] < 0.9 * plain.risk[-1]


@pytest.mark.slow
@pytest.mark.compiled
def test_matched_drift_loses_in_every_mode_where_the_criterion_fails():
    problem = LeastSquares(SPECTRUM, Rademacher(0.5))
    method = schedule_along(problem, 3.0, rate=MatchedDrift(0.5), threshold=0.7).method
    clipped, plain = (solve(problem, m, 3.0, points=13, modes=True) for m in (method, SGD(0.5)))
    assert np.all(clipped["modes"][1:] >= plain["modes"][1:]) and clipped.risk[-1] > plain.risk[-1]


@pytest.mark.slow
def test_a_fast_running_quantile_is_the_fixed_fraction():
    wanted = schedule_along(PROBLEM, 1.0, rate=0.5, threshold=FixedFraction(0.8)).curve
    gaps = []
    for gain in (20.0, 80.0):
        running = ClippedSGD(0.5, RunningQuantile(0.8, wanted["threshold"][0], gain))
        gaps.append(np.abs(solve(PROBLEM, running, 1.0).risk / wanted.risk - 1).max())
    assert gaps[0] < 0.02 and gaps[1] < 0.35 * gaps[0]


@pytest.mark.slow
@pytest.mark.compiled
def test_the_simulated_running_quantile_follows_its_limit():
    method = ClippedSGD(0.5, RunningQuantile(0.8, 1.0))
    runs = simulate(PROBLEM, method, 3.0, runs=200, seed=5)
    assert compare(solve(PROBLEM, method, 3.0), runs).passed
    other = ClippedSGD(0.5, RunningQuantile(0.7, 1.0))
    assert not compare(solve(PROBLEM, other, 3.0), runs).passed


def test_a_table_converges_to_the_formula_it_samples():
    formula = ClippedSGD(power_decay(0.6, 0.5), power_decay(1.0, 1.0))
    exact = solve(PROBLEM, formula, 3.0, points=4).risk
    errors = []
    for knots in (13, 25):
        times = np.linspace(0, 3, knots)
        rate, threshold = (
            interpolated(times, evaluate(s, times)) for s in (formula.rate, formula.threshold)
        )
        risk = solve(PROBLEM, ClippedSGD(rate, threshold), 3.0, points=4).risk
        errors.append(np.abs(risk / exact - 1).max())
    assert errors[0] < 5e-3 and math.log2(errors[0] / errors[1]) == pytest.approx(2, abs=0.2)


def test_theory_and_simulation_read_the_same_table():
    times = np.linspace(0, 1, 101)
    rate = interpolated(times, 0.5 + 0.2 * times)  # linear, so that the table is exact
    problem = LeastSquares(isotropic(50), OUTLIERS)
    from limitlab.theory.core.symbols import t

    tabulated, formula = (
        simulate(problem, ClippedSGD(r, 1.0), 1.0, runs=2, seed=3) for r in (rate, 0.5 + 0.2 * t)
    )
    np.testing.assert_allclose(tabulated.sample("risk"), formula.sample("risk"), rtol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "error", "field"),
    [
        ({"rate": "greediest"}, InvalidInput, "rate"),
        ({"threshold": "median"}, InvalidType, "threshold"),
        ({"threshold": -1.0}, InvalidInput, "threshold"),
        ({"threshold": True}, InvalidType, "threshold"),
    ],
)
def test_unknown_rules(arguments, error, field):
    with pytest.raises(error) as caught:
        schedule_along(PROBLEM, 1.0, **arguments)
    assert caught.value.field == field


def test_bad_numbers_in_rules():
    for bad in (0.0, 1.0, -0.5, math.nan):
        with pytest.raises(InvalidInput, match="fraction"):
            FixedFraction(bad)
    with pytest.raises(InvalidInput, match="factor"):
        ProportionalThreshold(0.0)
    with pytest.raises(InvalidInput, match="objective"):
        greedy(PROBLEM, SGD(0.1), 1.0, objective="loss")


@pytest.mark.parametrize("threshold", [math.inf, ProportionalThreshold(1.0)])
def test_infinite_variance_refuses_what_needs_it(threshold):
    with pytest.raises(NoLimit, match="infinite"):
        schedule_along(LeastSquares(isotropic(100), Cauchy(0.5)), 1.0, threshold=threshold)
