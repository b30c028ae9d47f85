"""The spread of a single run falls as d^(−1/2), d = 2⁶ … 2¹²."""

import pytest

import limitlab as ll
from limitlab.validation.convergence.power_law import fit_slope

DIMENSIONS = tuple(2**k for k in range(6, 13))
METHODS = {
    "SGD": (ll.SGD(0.5), 400),
    "clipped SGD": (ll.ClippedSGD(0.8, 1.0), 400),
    "signSGD": (ll.SignSGD(0.4), 200),
}


def problem_of(noise):
    return lambda d: ll.LeastSquares(ll.isotropic(d), noise)


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_spread_of_one_run(name):
    method, runs = METHODS[name]
    study = ll.convergence(
        problem_of(ll.Gaussian(0.5)), method, dimensions=DIMENSIONS, until=2, runs=runs, seed=3
    )
    slope = study.spread_slope
    print(f"\n{name}: {slope}")
    assert slope.low <= -0.5 <= slope.high
    assert slope.high - slope.low < 0.15


@pytest.mark.slow
def test_another_power_is_noticed():
    """Negative control: the same study with its spreads tilted by d^(−0.2)."""
    study = ll.convergence(
        problem_of(ll.Gaussian(0.5)), ll.SGD(0.5), dimensions=DIMENSIONS, until=2, runs=400, seed=3
    )
    tilt = study.dimensions**-0.2
    slope = fit_slope(study.dimensions, study.spread * tilt, study.spread_error * tilt)
    assert not slope.low <= -0.5 <= slope.high
