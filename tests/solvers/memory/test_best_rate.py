"""The best constant rate of a method with memory."""

from dataclasses import replace

import pytest

import limitlab as ll

pytestmark = pytest.mark.filterwarnings("ignore::limitlab.theory.core.errors.ValidityWarning")
PROBLEM = ll.LeastSquares(ll.power_law(400, 0.7), ll.Gaussian(0.5))


@pytest.mark.slow
def test_of_a_fixed_momentum_it_is_that_without_it():
    plain = ll.best_rate(PROBLEM, ll.SGD(1.0), 3.0)
    found = ll.best_rate(PROBLEM, ll.SGD(0.1, momentum=0.9, average=ll.uniform()), 3.0)
    assert found.rate / (1 - 0.9) == pytest.approx(plain.rate, rel=1e-4)
    assert found.risk == pytest.approx(plain.risk, rel=1e-6)
    assert found.method.average == ll.uniform() and found.method.momentum == 0.9
    slow = ll.best_rate(PROBLEM, ll.SGD(0.1, momentum=ll.slow_memory(2.0)), 3.0)
    assert slow.rate != pytest.approx(plain.rate, rel=1e-2)


@pytest.mark.slow
@pytest.mark.parametrize(
    "method",
    [
        ll.SGD(1.0, momentum=ll.slow_memory(2.0)),
        ll.SignSGD(0.1, momentum=ll.slow_memory(3.0), weight_decay=0.2),
        ll.ClippedSGD("0.5/(1 + t)", 1.0, momentum=ll.slow_memory(2.0)),
    ],
    ids=["SGD", "signs", "schedule"],
)
def test_its_neighbours_are_worse(method):
    found = ll.best_rate(PROBLEM, method, 3.0)

    def end(factor):
        moved = replace(found.method, rate=found.method.rate * factor)
        return ll.solve(PROBLEM, moved, 3.0, points=2).risk[-1]

    assert end(1.0) == pytest.approx(found.risk, rel=1e-6)
    assert end(1.1) > found.risk < end(0.9)
