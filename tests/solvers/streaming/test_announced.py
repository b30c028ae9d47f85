"""What the limit announces against runs of the algorithm: never less than the error over 1.2."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import limitlab as ll

pytestmark = pytest.mark.slow

RATIO, TIMES = 1.2, 9
RNG = np.random.default_rng(11)


def start(draws):
    return draws * np.sqrt(2 / (draws @ draws))


NORMAL, HEAVY = start(RNG.standard_normal(300)), start(RNG.standard_t(3, 400))
QUIET = ll.NoNoise()


def clip(rate, threshold, batch):
    return ll.ClippedSGD(rate, threshold, batch=batch, clip="mean")


CASES = {
    "clip of a mean of 16, no noise": (200, QUIET, None, clip(1.5, 0.2, 16), 4, 4000),
    "clip of a mean of 4, no noise": (200, QUIET, None, clip(1.5, 0.2, 4), 4, 4000),
    "clip of a mean of 16": (200, ll.Gaussian(0.5), None, clip(1.5, 1.0, 16), 4, 4000),
    "sign of a mean of 12": (300, ll.Gaussian(0.5), None, ll.SignSGD(0.3, batch=12), 2, 2000),
    "… from a normal start": (300, ll.StudentT(3, 0.5), NORMAL, ll.SignSGD(0.3, batch=12), 2, 2000),
    "sign of a mean of 16, small": (48, ll.Gaussian(0.5), None, ll.SignSGD(0.2, batch=16), 2, 6000),
    "signs from a heavy start": (400, QUIET, HEAVY, ll.SignSGD(0.1), 4, 4000),
    "vote of 9": (
        300,
        ll.Gaussian(0.5),
        NORMAL,
        ll.SignSGD(0.3, batch=9, aggregate="majority-vote"),
        2,
        3000,
    ),
    "clip that has become inactive": (200, QUIET, None, ll.ClippedSGD(1.6, 1.0), 6, 20_000),
    "a low clip": (200, QUIET, None, ll.ClippedSGD(1.6, 0.5), 8, 20_000),
    "Huber near the edge": (200, QUIET, None, ll.Huber(1.9, 1.0), 6, 20_000),
    "a low Huber near the edge": (200, QUIET, None, ll.Huber(1.9, 0.3), 12, 20_000),
    "clip, little noise": (100, ll.Gaussian(0.1), None, ll.ClippedSGD(1.9, 1.0), 8, 20_000),
    "SGD near the edge": (200, QUIET, None, ll.SGD(1.9), 10, 20_000),
    "SGD in three dimensions": (3, ll.Gaussian(0.5), None, ll.SGD(0.5), 10, 40_000),
}


def measured(case):
    """Announced error, true one less three standard errors of it, and the true one, at each
    time."""
    dimension, law, delta, method, until, runs = CASES[case]
    problem = ll.LeastSquares(ll.isotropic(dimension), law, start=delta)
    times = np.rint(np.linspace(0, until, TIMES) * dimension) / dimension
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ll.ValidityWarning)
        theory = ll.solve(problem, method, times=times)
    ensemble = ll.simulate(problem, method, times=times, runs=runs, seed=3, progress=False)
    true = np.abs(ensemble.risk / theory.risk - 1)[1:]
    error = (ensemble.sem("risk") / theory.risk)[1:]
    return theory.diagnostics["finite_size"][1:], true - 3 * error, true


@pytest.mark.parametrize("case", CASES)
def test_no_error_is_larger_than_announced(case):
    announced, least, _ = measured(case)
    assert np.all(least <= RATIO * announced)


def test_the_errors_are_there_to_be_seen():
    """Half of what the exact mean announces for SGD is refuted."""
    announced, least, _ = measured("SGD near the edge")
    assert np.any(least > RATIO * announced / 2)


def test_an_error_that_is_not_known_decides_nothing():
    problem = ll.LeastSquares(ll.isotropic(24), ll.Gaussian(0.5))
    method = ll.SignSGD(0.2, batch=24)
    with pytest.warns(ll.ValidityWarning, match="not known"):
        theory = ll.solve(problem, method, times=[0, 1.5, 2])
    runs = ll.simulate(problem, method, times=[0, 1.5, 2], runs=200, seed=1, progress=False)
    report = ll.compare(theory, runs)
    assert np.isinf(report.allowed).all()
    assert report.verdict == "undecided" and "does not know" in report.reason


def test_a_long_horizon_of_dense_signs_has_a_band_and_no_verdict():
    """Explicit steps are too many for the band and for the split equations, which only announce."""
    problem = ll.LeastSquares(ll.toeplitz(8, 0.4), QUIET)
    with pytest.warns(ll.ValidityWarning, match="could not be finished"):
        long = ll.solve(problem, ll.SignSGD(0.01), 1e5, limit="fluctuations", points=3)
    assert np.isinf(long.diagnostics["finite_size"][1:]).all()
    assert long.std()[1:] == pytest.approx(long.std()[1], rel=1e-5)  # it has settled
    with pytest.raises(ll.SolveFailed, match="too many steps"):
        ll.solve(problem, ll.SignSGD(0.01), 1e5, points=3, correction="auto")


def test_bands_of_dense_signs_are_the_same_by_either_kind_of_step():
    """At t = 4000 explicit steps are enough, at 10⁴ they are not; the risk has settled by both."""
    problem = ll.LeastSquares(ll.toeplitz(8, 0.4), QUIET)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ll.ValidityWarning)
        short, long = (
            ll.solve(problem, ll.SignSGD(0.2), until, limit="fluctuations", points=3)
            for until in (4e3, 1e4)
        )
    assert long.std()[-1] == pytest.approx(short.std()[-1], rel=1e-5)
