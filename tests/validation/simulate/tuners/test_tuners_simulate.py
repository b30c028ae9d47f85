"""Gradient descent with a tuned step in its own coordinates, and the noise of batches."""

from dataclasses import replace

import numpy as np
import pytest

import limitlab as ll
from limitlab.theory.core.errors import InvalidInput
from limitlab.theory.tuners.example import EXAMPLES

pytestmark = pytest.mark.interpreted


#: those in which nothing is drawn
DETERMINED = [e for e in EXAMPLES if not isinstance(e.problem, ll.QuadraticRegression)]


@pytest.mark.parametrize("example", DETERMINED, ids=lambda e: repr(e.method))
def test_closed_map_is_the_full_model(example):
    """Round-off that grows with the steps; a slightly other method is seen."""
    theory = ll.solve(example.problem, example.method, 60)
    run = ll.simulate(example.problem, example.method, 60)
    for name in ("loss", "edge"):
        rounding = 1e-13 * np.abs(theory[name]).max()
        np.testing.assert_allclose(run[name], theory[name], rtol=1e-10, atol=rounding)


def test_noise_moves_a_run_as_it_should():
    """One step of gradient descent: the mean is that without noise, the spread η ν/√B."""
    rate, noise, batch, runs = 0.5, 0.2, 4, 400
    problem = ll.SharpnessToy(2.0, 1.0, 0.01, bulk=(0.3,), noise=noise)
    method = ll.GradientDescent(rate, batch=batch)
    found = ll.simulate(problem, method, times=[1], runs=runs, seed=3)
    plain = ll.solve(replace(problem, noise=0.0), ll.GradientDescent(rate), times=[1])
    z = (found.x[1] - plain.x[1]) / found.sem("x")[1]
    assert abs(z) < 4
    spread = found.std("x")[1] / (rate * noise / batch**0.5)
    error = 1 / np.sqrt(2 * runs)
    assert abs(spread - 1) < 4 * error
    # negative control: the spread of single samples
    assert abs(found.std("x")[1] / (rate * noise) - 1) > 4 * error
    # λ = l₀ + k u moves by k times the noise of u, and only the sharpness at step 1 sees it
    assert found.std("sharpness")[1] == pytest.approx(rate * noise / batch**0.5, rel=4 * error)


def test_runs_are_reproducible_and_threads_change_nothing():
    problem = ll.SharpnessToy(2.0, 1.0, 0.01, bounded=0.01, noise=0.05)
    options = {"until": 30, "runs": 6, "seed": 5, "progress": False}
    one, two = (ll.simulate(problem, ll.CDAT(2.0), workers=w, **options) for w in (1, 2))
    np.testing.assert_array_equal(one.sample("loss"), two.sample("loss"))
    assert np.unique(one.sample("loss")[:, -1]).size == 6


def test_nothing_is_random_without_noise():
    found = ll.simulate(ll.TwoCurvatures(3.0), ll.CDAT(1.0), 10, runs=5)
    assert found.provenance["runs"] == 1 and found.provenance["deterministic"]
    with pytest.raises(InvalidInput, match="runs"):
        ll.simulate(ll.TwoCurvatures(3.0), ll.CDAT(1.0), 10, runs=0)
