"""Solvers step onto the kinks of a schedule."""

from __future__ import annotations

import time

import numpy as np
import pytest

import limitlab as ll
from limitlab.solvers.core import compile as compiler
from limitlab.solvers.stepping.landing import landing
from limitlab.solvers.streaming.coefficients import Coefficients

PROBLEM = ll.LeastSquares(ll.isotropic(400), ll.Gaussian(0.5))
#: steps at times that no other grid holds
AT = (np.pi / 3, np.e / 1.2)
RATES = (1.2, 0.6, 0.06)


def exact(times):
    """Ṙ = −(2η − η²) R + η²σ²/2 on each piece (K = I)."""
    risk, start, found = 1.0, 0.0, np.empty(len(times))
    for eta, end in zip(RATES, (*AT, np.inf), strict=True):
        pull, rest = 2 * eta - eta**2, 0.5 * eta**2 * 0.25 / (2 * eta - eta**2)
        inside = (times >= start) & (times < end)
        found[inside] = rest + (risk - rest) * np.exp(-pull * (times[inside] - start))
        risk, start = rest + (risk - rest) * np.exp(-pull * (end - start)), end
    return found


def rate():
    return ll.piecewise(list(RATES), AT)


@pytest.mark.slow
@pytest.mark.parametrize("limit", ["ode", "volterra"])
def test_a_schedule_of_steps_is_solved_to_its_tolerance(limit):
    curve = ll.solve(PROBLEM, ll.SGD(rate()), 4.0, limit=limit, rtol=1e-10)
    assert curve.time.size == 101
    np.testing.assert_allclose(curve.risk, exact(curve.time), rtol=50e-10)


@pytest.mark.slow
def test_landing_is_what_makes_it_exact(monkeypatch):
    """Without it steps straddle the jump: many are refused, and the answer is worse."""
    loose = {"rtol": 1e-5}
    landed = ll.solve(PROBLEM, ll.SGD(rate()), 4.0, **loose)
    rows = lambda self, times: (times, np.arange(times.size))  # noqa: E731
    monkeypatch.setattr(Coefficients, "landing", rows)
    astride = ll.solve(PROBLEM, ll.SGD(rate()), 4.0, **loose)
    gaps = [np.abs(c.risk / exact(c.time) - 1).max() for c in (landed, astride)]
    assert gaps[0] < gaps[1] / 5


def test_breaks_hold_the_output_times():
    times = np.array([0.0, 1.0, 2.0])
    merged, rows = landing(times, np.array([-1.0, 1.0, 1.5, 2.0]))
    assert merged[rows].tolist() == times.tolist()
    assert merged.tolist() == [0.0, np.nextafter(1, 0), 1.0, np.nextafter(1.5, 0), 1.5, 2.0]
    assert landing(times, np.empty(0))[0] is times


@pytest.mark.slow
def test_new_numbers_and_new_forms_compile_nothing():
    """A number costs next to nothing; a formula that was never seen at most 1.5 s of processor."""
    ll.solve(PROBLEM, ll.SGD(ll.cosine(0.5, 4)), 4.0)
    known = set(compiler._loaded)
    spent = []
    for schedule in (
        ll.cosine(0.6, 4),
        ll.wsd(0.7, 0.5, 3.0, 4.0),
        ll.inverse_sqrt(0.8, 1.0),
        ll.warmup(ll.power_decay(0.9, 0.3), 1.0),
    ):
        start = time.process_time()
        ll.solve(PROBLEM, ll.SGD(schedule), 4.0)
        spent.append(time.process_time() - start)
    assert set(compiler._loaded) == known
    assert max(spent) < 1.5


@pytest.mark.slow
@pytest.mark.parametrize("method", [ll.SGD, lambda r: ll.ClippedSGD(r, 1.0), ll.SignSGD])
def test_bands_and_other_rules_land_too(method):
    """The curve of the band's mean, at a tolerance, does not depend on where outputs are."""
    ends = [
        ll.solve(PROBLEM, method(rate()), times=times, limit="fluctuations").std()[-1]
        for times in ([0.0, 4.0], np.linspace(0, 4, 53))
    ]
    assert ends[0] == pytest.approx(ends[1], rel=1e-6)
    runs = ll.simulate(PROBLEM, method(rate()), 4.0, points=9, runs=600, seed=3)
    theory = ll.solve(PROBLEM, method(rate()), 4.0, points=9)
    assert ll.compare(theory, runs).passed
    wrong = ll.solve(PROBLEM, method(ll.piecewise([1.2, 0.6, 0.12], AT)), 4.0, points=9)
    assert not ll.compare(wrong, runs).passed
