"""Schedules and the common time grid."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy as sp

from limitlab.theory.core.errors import InvalidInput, InvalidType
from limitlab.theory.core.program import MACHINE, program
from limitlab.theory.core.symbols import t
from limitlab.theory.core.time_grid import time_grid
from limitlab.theory.schedules.schedule import (
    as_schedule,
    check_schedule,
    constant,
    cosine,
    evaluate,
    power_decay,
)

TIMES = np.linspace(0.0, 8.0, 17)


def test_shipped_schedules():
    np.testing.assert_allclose(evaluate(constant(0.4), TIMES), 0.4)
    decayed = evaluate(power_decay(0.4, 0.5, 2.0), TIMES)
    np.testing.assert_allclose(decayed, 0.4 * (1 + TIMES / 2) ** -0.5, rtol=1e-15)
    half_wave = evaluate(cosine(0.4, 8), TIMES)
    np.testing.assert_allclose(half_wave[[0, 8, 16]], [0.4, 0.2, 0], atol=1e-16)
    check_schedule(cosine(0.4, 8), 8.0, "rate")


def test_numbers_and_expressions():
    assert as_schedule(1, "rate") == 1.0 and isinstance(as_schedule(1, "rate"), float)
    assert as_schedule(np.float32(0.5), "rate") == 0.5
    assert as_schedule(sp.Rational(1, 2), "rate") == 0.5
    assert as_schedule(constant(0.3), "rate") == 0.3
    assert as_schedule(0.4 / (1 + t), "rate") == 0.4 / (1 + t)
    np.testing.assert_array_equal(evaluate(0.3, TIMES), np.full(17, 0.3))
    assert evaluate(t**0 * sp.Float(2) + 0 * t, TIMES).shape == (17,)


@pytest.mark.parametrize(
    "value", [0, -0.1, math.nan, math.inf, sp.oo, sp.nan, sp.Integer(-1), sp.I, sp.Symbol("x") * t]
)
def test_bad_values(value):
    with pytest.raises(InvalidInput) as caught:
        as_schedule(value, "rate")
    assert caught.value.field == "rate"


@pytest.mark.parametrize("value", [None, [0.1], lambda t: t, True])
def test_wrong_kinds(value):
    with pytest.raises(InvalidType, match="rate"):
        as_schedule(value, "rate")


def test_a_plain_symbol_t_is_the_time_and_text_is_read():
    assert as_schedule(1 / (1 + sp.Symbol("t")), "rate") == 1 / (1 + t)
    assert as_schedule("0.4 / (1 + t)**0.5", "rate") == 0.4 / (1 + t) ** 0.5
    assert as_schedule("0.4", "rate") == 0.4
    with pytest.raises(InvalidInput, match="os"):
        as_schedule("os.remove('x')", "rate")


def test_foreign_symbols_and_undefined_functions_are_refused():
    with pytest.raises(InvalidInput, match=r"limitlab\.t"):
        as_schedule(1 / (1 + sp.Symbol("s")), "rate")
    with pytest.raises(InvalidInput, match="undefined function"):
        as_schedule(sp.Function("f")(t), "rate")


#: one of every function that schedules have, some of them through others
FORMS = (
    sp.exp(-t),
    sp.log(2 + t),
    2 + sp.sin(t),
    2 + sp.cos(t),
    sp.tan(t / 9),
    sp.sinh(t),
    sp.cosh(t),
    sp.tanh(t),
    sp.Abs(t - 2),
    2 + sp.sign(t - 2),
    sp.floor(t),
    sp.ceiling(t),
    sp.asin(t / 9),
    sp.acos(t / 9),
    sp.atan(t),
    sp.erf(t),
    sp.erfc(t),
    sp.gamma(1 + t),
    sp.loggamma(3 + t),
    sp.Heaviside(t - 2),
    sp.Min(t, 1),
    sp.Max(t, 1, 3 - t),
    t ** sp.Rational(1, 3),
    sp.sec(t / 9),
    sp.asinh(t),
    sp.coth(1 + t),
    sp.Mod(t, 2),
    sp.Piecewise((t, t < 1), (1 / t, sp.And(t >= 1, sp.Ne(t, 3))), (0.5, True)),
    sp.Piecewise((t, sp.Or(t <= 1, t > 6)), (1, True)),
)


@pytest.mark.parametrize("schedule", FORMS, ids=str)
def test_programs_have_the_values_of_sympy(schedule):
    assert as_schedule(schedule, "rate") == schedule
    expected = [float(schedule.subs(t, sp.Float(time))) for time in TIMES]
    np.testing.assert_allclose(evaluate(schedule, TIMES), expected, rtol=1e-13, atol=1e-15)
    scope = {"math": math, "np": np, "scalar": lambda function: function}
    exec(MACHINE, scope)
    p = np.array([7.0, *program(schedule)])
    found = [scope["run_program"](time, p, 1) for time in TIMES]
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("function", [sp.zeta, sp.LambertW, sp.besselj, sp.Ei])
def test_functions_that_schedules_lack_are_refused_by_name(function):
    schedule = function(1, t) if function is sp.besselj else function(2 + t)
    with pytest.raises(InvalidInput, match=f"the function {function.__name__}"):
        as_schedule(schedule, "rate")


@pytest.mark.parametrize(
    ("schedule", "match"),
    [
        (1 - t, "at t = 4"),
        (sp.sin(t), "keep it >= 0"),
        (sp.log(t), "not a finite number at t = 0"),
        (sp.sqrt(1 - t), "not a finite number at t = 1"),
        (1 / (t - sp.Float(1.23456)) ** 2, "t = 1.23456"),
        (1 / (t - sp.sqrt(2)) ** 2, "without bound near t = 1.4142"),
        (sp.exp(t**6), "not a finite number"),
    ],
)
def test_schedules_that_leave_their_range(schedule, match):
    with pytest.raises(InvalidInput, match=match):
        check_schedule(schedule, 4.0, "rate")


def test_a_dip_between_grid_points_is_found():
    with pytest.raises(InvalidInput, match="keep it >= 0"):
        check_schedule((t - 1.23456) ** 2 - 1e-9, 4.0, "rate")


def test_good_schedules_pass():
    for schedule in (0.3, t, sp.exp(-t), 1 / (1 + t) ** 2, power_decay(1, 3, 0.01)):
        check_schedule(schedule, 100.0, "rate")


def test_time_grid():
    np.testing.assert_array_equal(time_grid(2, points=5), [0, 0.5, 1, 1.5, 2])
    assert time_grid(8).size == 101
    np.testing.assert_array_equal(time_grid(times=[0.5, 2]), [0, 0.5, 2])
    np.testing.assert_array_equal(time_grid(times=[0, 1]), [0, 1])


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({}, "until"),
        ({"until": 0}, "until"),
        ({"until": -1.0}, "until"),
        ({"until": math.nan}, "until"),
        ({"until": "8"}, "until"),
        ({"until": 1, "points": 1}, "points"),
        ({"until": 1, "points": 10.5}, "points"),
        ({"times": []}, "times"),
        ({"times": [0.0]}, "times"),
        ({"times": [0, 1, 1]}, "times"),
        ({"times": [-1, 1]}, "times"),
        ({"times": [0, math.nan]}, "times"),
        ({"times": [0, 2], "until": 1}, "until"),
    ],
)
def test_bad_grids(arguments, field):
    with pytest.raises(InvalidInput) as caught:
        time_grid(**arguments)
    assert caught.value.field == field
