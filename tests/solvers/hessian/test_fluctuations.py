"""The band of SGD on one unit, and the error that its mean announces."""

import numpy as np
import pytest
import sympy as sp

import limitlab as ll
from limitlab.theory.hessian import fluctuations as theory

START = {"norm": 0.8, "overlap": 0.3}


@pytest.mark.slow
def test_the_scatter_is_positive_and_of_order_one_over_b():
    problem = ll.SingleIndex(50, **START)
    bands = [
        ll.solve(problem, ll.SGD(0.3, batch=b), times=[0, 4], limit="fluctuations")
        for b in (200, 800)
    ]
    for name in ("norm", "overlap", "loss"):
        assert bands[0].std(name)[0] == 0
        # at 4 times the batch δ is a quarter, too: the ratio is 2 up to what δ does
        assert bands[0].std(name)[1] / bands[1].std(name)[1] == pytest.approx(2, rel=0.15)


def test_the_scatter_of_what_does_not_move_the_mean():
    """Without a step nothing scatters, and the derivation prints its steps."""
    found = theory.scatter()
    for name in ("QQ", "QR", "RR"):
        assert sp.simplify(found[name].subs(theory.eta, 0)) == 0
    # R moves by the mean of Xν alone
    variance = sp.Symbol("S_22", real=True)
    assert sp.simplify(found["RR"] - theory.eta**2 * variance / theory.b) == 0
    assert "χ²" in found.explain() and "eta" in found.latex()


def test_methods_without_a_band_say_so():
    problem = ll.SingleIndex(50, **START)
    for method in (ll.GradientDescent(0.1), ll.SAM(0.1, 0.1, True), ll.WeightNoise(0.1, 0.1)):
        with pytest.raises(ll.NotAvailable, match="method"):
            ll.solve(problem, method, until=3, limit="fluctuations")


@pytest.mark.slow
@pytest.mark.parametrize("unit", [ll.GELU(), ll.ReLU()])
def test_runs_scatter_as_the_band_says(unit):
    """Standard deviations within 4 s.e. and .3/√b, means within 4 s.e. and 1.5 times the announced.

    Both are of first order in 1/b. Negative controls: the band of twice the batch, and the mean
    that announces nothing.
    """
    problem, runs, batch = ll.SingleIndex(50, unit, **START), 800, 100
    times = [0, 1, 2, 4, 8, 16]
    band = ll.solve(problem, ll.SGD(0.4, batch=batch), times=times, limit="fluctuations")
    found = ll.simulate(
        problem, ll.SGD(0.4, batch=batch), times=times, runs=runs, seed=1, progress=False
    )
    other = ll.solve(problem, ll.SGD(0.4, batch=2 * batch), times=times, limit="fluctuations")
    allowed = 4 / np.sqrt(2 * (runs - 1)) + 0.3 / np.sqrt(batch)
    for name in ("norm", "overlap", "loss"):
        ratio = found.std(name)[1:5] / band.std(name)[1:5]
        assert np.abs(ratio - 1).max() < allowed
        assert np.abs(found.std(name)[1:5] / other.std(name)[1:5] - 1).min() > allowed
        announced = band.diagnostics[f"finite_size_{name}"] * band[name]
        gap = np.abs(found[name] - band[name])
        assert np.all(gap <= 4 * found.sem(name) + 1.5 * announced + 1e-12)
    assert ll.compare(band, found, "loss").passed
