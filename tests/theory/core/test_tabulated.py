"""Schedules given by tables, and thresholds that follow a quantile."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import sympy as sp

from limitlab.theory.core.errors import InvalidInput, InvalidType, NotAvailable
from limitlab.theory.core.symbols import t
from limitlab.theory.core.tabulated import interpolated
from limitlab.theory.covariance import isotropic
from limitlab.theory.derive import derive
from limitlab.theory.methods import SGD, ClippedSGD, Huber
from limitlab.theory.noise import Gaussian
from limitlab.theory.schedules.running_quantile import RunningQuantile, updated
from limitlab.theory.schedules.schedule import evaluate
from limitlab.theory.streaming.derive import bind
from limitlab.theory.streaming.problem import LeastSquares

PROBLEM = LeastSquares(isotropic(100), Gaussian(0.5))
TIMES, VALUES = np.array([0.0, 0.5, 2.0]), np.array([0.8, 0.4, 0.6])


def test_it_is_linear_between_knots_and_constant_beyond():
    at = np.array([-1.0, 0.0, 0.2, 0.5, 1.0, 2.0, 7.0])
    table = interpolated(TIMES, VALUES)
    np.testing.assert_allclose(evaluate(table, at), np.interp(at, TIMES, VALUES), rtol=1e-15)
    assert float(table.subs(t, 1.0)) == pytest.approx(np.interp(1.0, TIMES, VALUES))


def test_equality_hash_and_text_go_by_content():
    same, other = interpolated(TIMES, VALUES), interpolated(TIMES, VALUES + 1e-9)
    first = SGD(interpolated(TIMES, VALUES))
    assert SGD(same) == first and hash(SGD(same)) == hash(first) and repr(SGD(same)) == repr(first)
    assert SGD(other) != first and repr(SGD(other)) != repr(first)
    assert pickle.loads(pickle.dumps(same)) == same


@pytest.mark.parametrize(
    ("times", "values", "field"),
    [
        ([0, 1, 1], [1, 1, 1], "times"),
        ([-1, 1], [1, 1], "times"),
        ([0], [1], "times"),
        (np.arange(600), np.ones(600), "times"),
        ([0, 1], [1, -0.1], "values"),
        ([0, 1], [1, np.nan], "values"),
        ([0, 1], [1, 2, 3], "values"),
    ],
)
def test_bad_tables(times, values, field):
    with pytest.raises(InvalidInput) as caught:
        interpolated(times, values)
    assert caught.value.field == field


def test_a_new_table_needs_no_new_code():
    few = ClippedSGD(interpolated(TIMES, VALUES), interpolated([0, 3], [2.0, 1.0]))
    many = ClippedSGD(interpolated(np.arange(40.0), np.ones(40)), interpolated(TIMES, VALUES))
    assert derive(PROBLEM, few).source == derive(PROBLEM, many).source


def test_generated_code_reads_the_table_that_was_bound():
    method = ClippedSGD(2 * interpolated(TIMES, VALUES), interpolated([0, 3], [2.0, 1.0]))
    system = derive(PROBLEM, method)
    scope = {"np": np, "scalar": lambda function: function}
    for name in ("math",):
        scope[name] = __import__(name)
    exec(system.source, scope)
    p = bind(system, PROBLEM, method).p
    for time in (0.0, 0.3, 0.5, 1.7, 2.0, 9.0):
        expected = 2 * np.interp(time, TIMES, VALUES)
        assert scope["rate"](time, p) == pytest.approx(expected, rel=1e-15)
        threshold = np.interp(time, [0, 3], [2.0, 1.0])
        assert scope["rule"](10.0, time, p) == pytest.approx(threshold, rel=1e-15)


def test_a_running_quantile_moves_up_when_it_clips_and_down_when_not():
    c, n, d = sp.symbols("c n d", positive=True)
    after = updated(c, n, d, 0.9, 5.0)
    up, down = (float(after.subs({c: 1.0, n: norm, d: 100})) for norm in (2.0, 0.5))
    assert up == pytest.approx(np.exp(0.05 * 0.9)) and down == pytest.approx(np.exp(-0.05 * 0.1))


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ((0.0, 1.0), "fraction"),
        ((1.0, 1.0), "fraction"),
        ((0.5, 0.0), "start"),
        ((0.5, 1.0, -1.0), "gain"),
    ],
)
def test_bad_running_quantiles(arguments, field):
    with pytest.raises(InvalidInput) as caught:
        RunningQuantile(*arguments)
    assert caught.value.field == field


def test_where_a_running_quantile_does_not_belong():
    with pytest.raises(InvalidType, match="threshold"):
        Huber(0.5, RunningQuantile(0.9, 1.0))
    with pytest.raises(NotAvailable, match="moves with the risk"):
        derive(PROBLEM, ClippedSGD(0.5, RunningQuantile(0.9, 1.0)))
