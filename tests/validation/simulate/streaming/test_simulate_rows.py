"""Real rows: streamed exactly as written again in numpy; bad ones refused."""

import math

import numpy as np
import pytest

import limitlab as ll
from limitlab.validation.simulate import simulate
from limitlab.validation.simulate.streaming.rows import optimum

pytestmark = pytest.mark.filterwarnings("ignore::limitlab.ValidityWarning")


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    rows = rng.standard_t(5, (300, 6)) @ rng.standard_normal((6, 6))
    return rows, rows @ rng.standard_normal(6) + rng.standard_t(4, 300)


def test_rows_are_streamed_exactly(data):
    rows, targets = data
    problem = ll.LeastSquares(ll.from_data(rows), ll.Gaussian(1.0))
    scaled = rows * math.sqrt(problem.covariance.scale)
    method = ll.ClippedSGD(0.6, 0.8)
    curve = simulate(problem, method, 5, runs=2, seed=4, rows=rows, targets=targets)
    assert curve.provenance["engine"] == "rows"
    already = simulate(problem, method, 5, runs=2, seed=4, rows=scaled, targets=targets)
    np.testing.assert_array_equal(curve.sample(), already.sample())
    best = optimum(scaled, targets)
    theta, second = best + problem.delta(), scaled.T @ scaled / 300
    unit = math.sqrt(second.trace())
    generator = np.random.default_rng(np.random.SeedSequence(4, spawn_key=(1, 1)))
    for index in generator.integers(0, 300, 256)[:30]:
        gradient = (scaled[index] @ theta - targets[index]) * scaled[index]
        theta = theta - 0.1 * gradient * min(1, 0.8 * unit / np.linalg.norm(gradient))
    error = theta - best
    assert curve.sample()[1, -1] == pytest.approx(0.5 * error @ second @ error, rel=1e-10)
    loss = 0.5 * np.mean((scaled @ theta - targets) ** 2)
    assert curve.sample("loss")[1, -1] == pytest.approx(loss, rel=1e-10)


def test_fewer_rows_than_features_use_a_ridge_and_keep_the_loss_exact():
    rng = np.random.default_rng(1)
    rows, targets = rng.standard_normal((8, 12)), rng.standard_normal(8)
    problem = ll.LeastSquares(ll.from_data(rows, normalise=False), ll.Gaussian(1.0))
    curve = simulate(problem, ll.SGD(0.2), 1, runs=1, seed=0, rows=rows, targets=targets)
    theta = optimum(rows, targets) + problem.delta()
    assert curve.loss[0] == pytest.approx(0.5 * np.mean((rows @ theta - targets) ** 2), rel=1e-10)


def test_rows_of_another_problem_are_noticed(data):
    rows, targets = data
    problem = ll.LeastSquares(ll.isotropic(6), ll.Gaussian(1.0))
    with pytest.warns(ll.ValidityWarning, match="second moments"):
        simulate(problem, ll.SGD(0.01), 1, runs=1, seed=0, rows=rows, targets=targets)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"rows": np.ones((5, 6))}, "targets"),
        ({"targets": np.ones(5)}, "rows"),
        ({"rows": np.ones((5, 4)), "targets": np.ones(5)}, "rows"),
        ({"rows": np.ones((5, 6)), "targets": np.ones(4)}, "targets"),
        ({"rows": np.full((5, 6), np.nan), "targets": np.ones(5)}, "rows"),
        ({"rows": np.zeros((5, 6)), "targets": np.ones(5)}, "rows"),
    ],
)
def test_bad_rows_are_refused(given, field):
    problem = ll.LeastSquares(ll.isotropic(6), ll.Gaussian(1.0))
    with pytest.raises(ll.InvalidInput, match=field):
        simulate(problem, ll.SGD(0.5), 1, runs=1, **given)
