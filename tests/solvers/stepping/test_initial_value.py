"""Integrations by scipy come to an end, whatever their slopes are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import limitlab as ll
from limitlab.solvers.stepping.initial_value import initial_value

ROOT = Path(ll.__file__).parent


def test_it_is_scipys_answer():
    times, accuracy = [0.0, 0.5, 1.0], {"rtol": 1e-10, "atol": 1e-12}
    found = initial_value(lambda t, y: -y, (0.0, 1.0), [2.0], times=times, **accuracy)
    assert found.y[0] == pytest.approx(2 * np.exp([0.0, -0.5, -1.0]), rel=1e-8)


@pytest.mark.parametrize("method", ["DOP853", "LSODA"])
@pytest.mark.parametrize("since", [0.0, 0.3])
@pytest.mark.parametrize("broken", [np.nan, np.inf])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_slope_that_is_no_number_ends_it(method, since, broken):
    """Where the first one is none, scipy's explicit pair looks for a step for ever."""

    def slope(t, y):
        return -y if t < since else broken * np.ones(1)

    with pytest.raises(ll.SolveFailed) as caught:
        initial_value(slope, (0.0, 1.0), [1.0], method, [0.0, 1.0], rtol=1e-8)
    assert caught.value.time <= since + 0.2 and np.isfinite(caught.value.state)


def test_a_stiff_slope_is_followed_by_stiff_steps():
    """Two rates 10¹⁰ apart: explicit steps would be 10¹⁰."""

    def slope(t, y):
        return np.array([-1e6, -1e-4]) * (y - 1)

    found = initial_value(slope, (0.0, 1e4), [2.0, 2.0], times=[0.0, 1e4], rtol=1e-9, most=5000)
    assert found.y[:, -1] == pytest.approx([1.0, 1 + np.exp(-1)], rel=1e-6)


@pytest.mark.parametrize("method", ["DOP853", "LSODA"])
def test_too_many_slopes_are_said(method):
    with pytest.raises(ll.SolveFailed, match="too many steps") as caught:
        wave = lambda t, y: [1e9 * y[1], -1e9 * y[0]]  # noqa: E731
        initial_value(wave, (0.0, 1.0), [1.0, 0.0], method, most=1000, rtol=1e-8)
    assert 0 < caught.value.time < 1


def test_no_solver_calls_scipy_past_it():
    rooms = ("theory", "solvers", "validation")
    files = [path for room in rooms for path in (ROOT / room).rglob("*.py")]
    asking = {path for path in files if "import solve_ivp" in path.read_text("utf-8")}
    assert {path.relative_to(ROOT) for path in asking} == {
        Path("solvers/stepping/initial_value.py")
    }


@pytest.mark.slow
def test_paths_that_settle_long_before_their_end():
    """The mean square of the limiting SDE over 10⁷ times of the fastest motion."""
    plane = ll.InterpolatingMinimum(features=[[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]])
    method = ll.SGD(0.1, batch=1)
    curve = ll.solve(plane, method, 1e7, limit="sde", points=3)
    assert np.all(np.isfinite(curve.loss)) and abs(curve.loss[-1]) < 1e-6 * curve.loss[0]
