"""One unit in d dimensions against its maps: exact for the population, in the mean for batches."""

from dataclasses import replace

import numpy as np
import pytest

import limitlab as ll

pytestmark = pytest.mark.slow

SMOOTH = ll.SingleIndex(50, norm=0.8, overlap=0.3)
WHOLE = [
    (ll.GELU(), ll.GradientDescent(0.3)),
    (ll.GELU(), ll.GradientPenalty(0.3, 0.2)),
    (ll.GELU(), ll.SAM(0.3, 0.2)),
    (ll.GELU(), ll.WeightNoise(0.3, 0.3, "hessian")),
    (ll.ReLU(), ll.GradientPenalty(0.3, 0.2)),
    (ll.ReLU(), ll.GradientPenalty(0.3, 0.2, "gauss-newton", True)),
    (ll.ReLU(), ll.SAM(0.3, 0.2, True)),
]


@pytest.mark.parametrize(("activation", "method"), WHOLE)
def test_the_population_is_followed_exactly(activation, method):
    problem = replace(SMOOTH, activation=activation)
    theory = ll.solve(problem, method, 10, points=3)
    run = ll.simulate(problem, method, 10, points=3)
    # quadrature to 1e-12; the penalties by differences of it
    allowed = 1e-10
    for name in ("norm", "overlap"):
        np.testing.assert_allclose(run[name], theory[name], rtol=allowed)
    # negative control: another rate
    other = ll.solve(problem, replace(method, rate=0.301), 10, points=3)
    assert np.abs(other["norm"] / run["norm"] - 1).max() > 1e-5


@pytest.mark.parametrize("dimension", [100, 400])
@pytest.mark.parametrize("activation", [ll.GELU(), ll.ReLU()])
def test_batches_in_the_mean(dimension, activation):
    problem = ll.SingleIndex(dimension, activation, norm=0.8, overlap=0.3)
    batch = 4 * dimension
    method = ll.SGD(0.3, batch=batch)
    runs = ll.simulate(problem, method, 12, points=4, runs=20, seed=3)
    theory = ll.solve(problem, method, 12, points=4)
    for name in ("norm", "overlap"):
        assert ll.compare(theory, runs, quantity=name, margin=0.0).passed is not False
    # negative control: without the noise of the batch
    quiet = ll.solve(problem, ll.GradientDescent(0.3), 12, points=4)
    assert ll.compare(quiet, runs, quantity="loss", margin=0.0).passed is False


def test_drawn_noise_in_the_mean():
    problem = ll.SingleIndex(100, norm=0.8, overlap=0.3)
    method = ll.WeightNoise(0.3, 0.3, draws=2, batch=400)
    runs = ll.simulate(problem, method, 12, points=4, runs=40, seed=3)
    theory = ll.solve(problem, method, 12, points=4)
    z = (runs["overlap"] - theory["overlap"])[1:] / runs.sem("overlap")[1:]
    assert np.abs(z).max() < 4.5
    still = ll.solve(problem, replace(method, variance=0.0), 12, points=4)
    z = (runs["overlap"] - still["overlap"])[1:] / runs.sem("overlap")[1:]
    assert np.abs(z).max() > 4.5


def test_what_the_algorithm_lacks_is_said():
    with pytest.raises(ll.NotAvailable, match="draws"):
        ll.simulate(SMOOTH, ll.WeightNoise(0.3, 0.3), 3)
    runs = ll.simulate(SMOOTH, ll.SAM(0.3, 0.2, batch=100), 3, points=2, runs=3, seed=1)
    assert runs.runs == 3 and np.all(np.isfinite(runs["loss"]))
