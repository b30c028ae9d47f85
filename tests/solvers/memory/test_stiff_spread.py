"""The band of a method with memory by implicit steps, beside explicit ones and where they end."""

import numpy as np
import pytest

import limitlab as ll
from limitlab.solvers.memory import fluctuations

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::limitlab.theory.core.errors.ValidityWarning"),
]
NOISE = ll.Gaussian(0.5)
FEW = ll.LeastSquares(ll.from_eigenvalues([2.0, 1.0, 0.5], [100, 200, 100]), NOISE)


@pytest.mark.parametrize(
    "method",
    [
        ll.SGD(0.8, momentum=ll.slow_memory(2.0, direct=0.3)),
        ll.Huber(0.7, 0.8, momentum=ll.slow_memory(2.0), average=ll.uniform(0.5), weight_decay=0.2),
        ll.SignSGD(0.5, momentum=ll.slow_memory(2.0)),
    ],
    ids=["SGD", "Huber", "signs"],
)
def test_implicit_steps_give_what_explicit_ones_give(method, monkeypatch):
    explicit = ll.solve(FEW, method, 2, points=5, limit="fluctuations")
    monkeypatch.setattr(fluctuations, "is_stiff", lambda report: True)
    implicit = ll.solve(FEW, method, 2, points=5, limit="fluctuations")
    for name in ("risk", "average_risk"):
        if name in explicit.spread:
            assert np.allclose(implicit.std(name), explicit.std(name), rtol=2e-5)


def test_the_band_of_a_stiff_spectrum():
    """One eigenvalue of 10⁶ beside 399 of 1: explicit steps are spent, implicit ones converge."""
    slow = ll.Huber(1e-2, 0.1, momentum=ll.slow_memory(1.0, direct=1.0))
    start = np.concatenate([[1e-6], np.full(399, 0.05)])
    stiff = ll.LeastSquares(ll.from_eigenvalues([1e6, 1.0], [1, 399]), NOISE, start=start)
    curve = ll.solve(stiff, slow, 200, points=4, limit="fluctuations")
    finer = ll.solve(stiff, slow, 200, points=4, limit="fluctuations", rtol=1e-9)
    assert np.all(np.isfinite(curve.std())) and np.all(curve.std()[1:] > 0)
    assert np.allclose(curve.std(), finer.std(), rtol=1e-4)
