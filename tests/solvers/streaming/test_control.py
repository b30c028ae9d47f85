"""Optimal control: exact gradients, the known optimum, and what no schedule of SGD recovers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from limitlab.solvers.core.compile import load
from limitlab.solvers.solve import solve
from limitlab.solvers.streaming.advice.control.model import ControlModel
from limitlab.solvers.streaming.advice.control.optimise import optimal_schedule
from limitlab.solvers.streaming.advice.control.report import no_schedule_recovers
from limitlab.theory.core.errors import NoLimit
from limitlab.theory.covariance import isotropic, power_law
from limitlab.theory.methods import SGD, ClippedSGD
from limitlab.theory.noise import Cauchy, Gaussian, Laplace, Rademacher, StudentT
from limitlab.theory.streaming.problem import LeastSquares

UNTIL = 4.0
slow = pytest.mark.slow


@pytest.mark.interpreted
def test_the_gradient_is_that_of_the_discrete_map():
    rng = np.random.default_rng(0)
    table, grid = 0.3 * rng.normal(size=(2, 12, 10)), np.array([-6.0, 0.8, -3.0, 0.7])
    modes = rng.random((3, 5)) * [[1.0], [2.0], [0.2]]
    etas, log_cs, widths = 0.2 + rng.random(6), rng.normal(size=6), np.full(6, 0.3)
    horizon = load("", "streaming/control").horizon

    def value(shift, where):
        return horizon(
            *modes, table, grid, widths, etas + shift * where[0], log_cs + shift * where[1]
        )

    _, in_eta, in_c = value(0.0, np.zeros((2, 6)))
    for direction in np.eye(12).reshape(12, 2, 6):
        ahead, behind = (value(shift, direction)[0] for shift in (1e-5, -1e-5))
        exact = direction[0] @ in_eta + direction[1] @ in_c
        assert (ahead - behind) / 2e-5 == pytest.approx(exact, abs=1e-9)


@pytest.mark.slow
@pytest.mark.interpreted
def test_the_model_is_the_limit_to_its_stated_accuracy():
    problem = LeastSquares(isotropic(1000), Laplace(0.6))
    clipped, plain = (ControlModel.of(problem, UNTIL, 0.1, clips) for clips in (True, False))
    rate, c = np.log([0.5]), np.log([0.8])
    accurate = solve(problem, ClippedSGD(0.5, 0.8), UNTIL, points=2).risk[-1]
    assert clipped.value(rate, c)[0] == pytest.approx(math.log(accurate), abs=2e-5)
    accurate = solve(problem, SGD(0.5), UNTIL, points=2).risk[-1]
    assert plain.value(rate, np.zeros(1))[0] == pytest.approx(math.log(accurate), abs=2e-5)


def test_unclipped_control_needs_a_variance():
    with pytest.raises(NoLimit, match="clip=True"):
        optimal_schedule(LeastSquares(isotropic(100), Cauchy(0.5)), 1.0, clip=False)


@slow
@pytest.mark.parametrize("noise", [Gaussian(0.5), Laplace(0.6)], ids=str)
def test_with_equal_directions_the_greedy_schedule_is_optimal(noise):
    # K = I: the risk obeys a scalar equation, whose steepest descent at all times is the optimum
    report = no_schedule_recovers(LeastSquares(isotropic(1000), noise), UNTIL)
    for side in ("SGD", "clipped"):
        found, exact = report.risks[f"optimal {side}"], report.risks[f"greedy {side}"]
        assert found == pytest.approx(exact, rel=1e-6)
        assert found < 0.995 * report.risks[f"constant {side}"]


@slow
@pytest.mark.parametrize("noise", [Gaussian(0.5), Rademacher(0.5)], ids=str)
def test_clipping_gains_nothing_where_the_criterion_fails(noise):
    report = no_schedule_recovers(LeastSquares(power_law(1000, 0.7), noise), UNTIL)
    low, high = report.interval
    assert low <= 0 <= high and high - low < 1e-5
    assert report.risks["optimal SGD"] <= report.risks["optimal clipped"] * (1 + high - low)
    assert report.risks["optimal SGD"] < report.risks["greedy SGD"]
    assert "agree" in report.verdict and "agree" in str(report)


@slow
@pytest.mark.parametrize("noise", [Laplace(0.6), StudentT(3, 0.5)], ids=str)
def test_no_schedule_of_sgd_recovers_what_clipping_gains(noise):
    report = no_schedule_recovers(LeastSquares(power_law(1000, 0.7), noise), UNTIL)
    low, high = report.interval
    assert 0.03 < low <= report.gap <= high and high - low < 0.01 * report.gap
    assert "no schedule" in report.verdict
    method = report.methods["optimal clipped"]
    problem = LeastSquares(power_law(1000, 0.7), noise)
    solved = solve(problem, method, UNTIL, points=2).risk[-1]
    assert solved == pytest.approx(report.risks["optimal clipped"], rel=1e-6)


@slow
def test_infinite_variance_leaves_sgd_without_a_limit():
    report = no_schedule_recovers(LeastSquares(isotropic(1000), Cauchy(0.5)), UNTIL)
    assert report.gap == math.inf and "no limit" in report.verdict
    assert report.risks["optimal clipped"] <= report.risks["greedy clipped"] * (1 + 1e-6)


@slow
def test_the_optimal_schedule_can_be_followed():
    problem = LeastSquares(power_law(1000, 0.7), Laplace(0.6))
    found = optimal_schedule(problem, UNTIL, pieces=12)
    finer = optimal_schedule(problem, UNTIL, pieces=24)
    assert finer.curve.risk[-1] <= found.curve.risk[-1] * (1 + 1e-7)
    assert finer.curve["rate"][-1] < 0.5 * finer.curve["rate"][0]
