"""Schedules of training runs: their values, where they bend, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import limitlab as ll
from limitlab.theory.core.errors import InvalidInput
from limitlab.theory.core.symbolic import twin
from limitlab.theory.schedules.kinks import kinks
from limitlab.theory.schedules.schedule import check_schedule, evaluate

TIMES = np.linspace(0.0, 6.0, 121)


def _warmup_cosine(t: float) -> float:
    if t < 1.0:
        return 0.5 * t
    return 0.1 + 0.2 * (1 + np.cos(np.pi * (t - 1) / 4)) if t < 5.0 else 0.1


def _wsd(t: float) -> float:
    if t < 0.5:
        return t
    return 0.5 if t < 3.0 else max(0.5 - 0.4 * (t - 3.0) / 2.0, 0.1)


CASES = {
    "warmup": (ll.warmup(0.5, 2.0, 0.2), lambda t: 0.5 * min(0.2 + 0.4 * t, 1.0), [2.0]),
    "warmup of a schedule": (
        ll.warmup(ll.power_decay(0.5, 0.5), 2.0),
        lambda t: 0.5 / np.sqrt(1 + t) * min(t / 2, 1.0),
        [2.0],
    ),
    "steps": (
        ll.steps(0.8, [1.0, 2.5], 0.5),
        lambda t: 0.8 if t < 1 else 0.4 if t < 2.5 else 0.2,
        [1.0, 2.5],
    ),
    "piecewise": (
        ll.piecewise([0.4, 0.1 * ll.t], [1.5]),
        lambda t: 0.4 if t < 1.5 else 0.1 * t,
        [1.5],
    ),
    "warmup_cosine": (ll.warmup_cosine(0.5, 1.0, 5.0, 0.1), _warmup_cosine, [1.0, 5.0]),
    "wsd": (ll.wsd(0.5, 0.5, 3.0, 5.0, 0.1), _wsd, [0.5, 3.0, 5.0]),
    "inverse_sqrt": (
        ll.inverse_sqrt(0.5, 1.5),
        lambda t: 0.5 * (t / 1.5 if t < 1.5 else np.sqrt(1.5 / t)),
        [1.5],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_values_and_kinks(name):
    schedule, plain, bends = CASES[name]
    np.testing.assert_allclose(evaluate(schedule, TIMES), [plain(t) for t in TIMES], atol=1e-15)
    assert kinks([schedule], 6.0).tolist() == bends  # to the bit: solvers land there
    check_schedule(schedule, 6.0, "rate")
    copy, parameters = twin(ll.SGD(schedule), "method")
    assert not copy.rate.args[0].atoms(sp.Float) and len(parameters) == 1


@pytest.mark.parametrize(
    ("schedule", "bends"),
    [
        (sp.Min(ll.t / 4, 0.5), [2.0]),
        (0.1 + sp.Abs(ll.t**2 - 2), [np.sqrt(2)]),
        (sp.Heaviside(3 - ll.t), [3.0]),
        (0.1 + sp.floor(ll.t / 2), [2.0, 4.0]),
        (ll.interpolated([0.0, 1.0, 4.0], [1.0, 0.5, 0.2]), [1.0, 4.0]),
        (ll.cosine(0.5, 6.0), []),
    ],
)
def test_kinks_of_a_users_formula(schedule, bends):
    np.testing.assert_allclose(kinks([schedule, 0.5], 6.0), bends, rtol=1e-14)


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: ll.warmup(0.5, -1.0), "over"),
        (lambda: ll.warmup(0.5, 1.0, 1.0), "start"),
        (lambda: ll.warmup(-0.5, 1.0), "schedule"),
        (lambda: ll.steps(0.5, [2.0, 1.0]), "at"),
        (lambda: ll.steps(0.5, []), "at"),
        (lambda: ll.steps(0.5, [1.0], 0.0), "factor"),
        (lambda: ll.piecewise([0.5], [1.0]), "schedules"),
        (lambda: ll.piecewise([0.5, -1], [1.0]), "schedules[1]"),
        (lambda: ll.warmup_cosine(0.5, 2.0, 1.0), "until"),
        (lambda: ll.warmup_cosine(0.5, 1.0, 2.0, 0.6), "end"),
        (lambda: ll.wsd(0.5, 1.0, 0.5, 2.0), "decay"),
        (lambda: ll.inverse_sqrt(0.5, 0.0), "warmup"),
    ],
)
def test_refusals(make, field):
    with pytest.raises(InvalidInput) as error:
        make()
    assert error.value.field == field
