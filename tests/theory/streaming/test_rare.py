"""Rules whose mean square rests on residuals that no ensemble meets."""

from __future__ import annotations

import math
import pickle
import warnings
from dataclasses import dataclass

import pytest
import sympy as sp
from scipy import special

import limitlab as ll
from limitlab.theory.core.errors import SolveFailed
from limitlab.theory.streaming.rare import NEVER, met_share


@dataclass(frozen=True)
class Exponential(ll.Method):
    def rule(self, l):  # noqa: E741
        return sp.exp(l)


@dataclass(frozen=True)
class Sinh(ll.Method):
    def rule(self, l):  # noqa: E741
        return sp.sinh(l)


@dataclass(frozen=True)
class Cube(ll.Method):
    def rule(self, l):  # noqa: E741
        return l**3


@pytest.mark.parametrize("risk", [2.0, 4.0, 6.0])
def test_share_of_an_exponential_rule(risk):
    """E e^(2ℓ) of N(0, v) lies around 2v: without |ℓ| > q it keeps Φ(q/√v − 2√v), for large v."""
    deviation = math.sqrt(2 * risk + 0.25)
    edge = special.ndtri(1 - NEVER / 2)
    wanted = special.ndtr(edge - 2 * deviation)
    found = met_share(Exponential(rate=0.1), ll.Gaussian(0.5), risk)
    # the nodes lie 0.05 standard deviations apart, and one of them is cut or not
    assert abs(found - wanted) <= 0.05 / math.sqrt(2 * math.pi)


LAWS = [ll.Gaussian(0.5), ll.Laplace(0.5), ll.Uniform(1.0), ll.Rademacher(1.0)]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: type(law).__name__)
def test_powers_are_met_and_exponentials_are_not(law):
    assert met_share(Cube(rate=0.1), law, 20.0) > 0.99
    for rule in (Exponential(rate=0.1), Sinh(rate=0.1)):
        assert met_share(rule, law, 20.0) < 1e-3


def test_rules_that_grow_like_the_residual_are_not_asked():
    for method in (ll.SGD(0.1), ll.ClippedSGD(0.1, 1.0), ll.Huber(0.1, 1.0)):
        assert met_share(method, ll.Gaussian(0.5), 1e6) == 1.0


def solved(method, risk):
    problem = ll.LeastSquares(ll.isotropic(300), ll.Gaussian(0.5), initial_risk=risk)
    return ll.solve(problem, method, 1, points=3)


@pytest.mark.interpreted
def test_a_curve_that_rests_on_rare_events_says_so():
    with pytest.warns(ll.ValidityWarning, match="met at all"):
        solved(Exponential(rate=1e-7), 6.0)


@pytest.mark.interpreted
@pytest.mark.parametrize("method", [Exponential(rate=0.1), Sinh(rate=0.3)], ids=repr)
def test_a_failure_names_the_rare_events(method):
    with pytest.raises(SolveFailed, match="underflowed at time.*met at all") as failed:
        solved(method, 4.0)
    again = pickle.loads(pickle.dumps(failed.value))
    assert str(again) == str(failed.value)
    assert "met at all" in again.remark


@pytest.mark.interpreted
def test_a_failure_of_a_power_names_its_growth_and_no_rare_events():
    """The controls: a power runs away by itself, and neither is said where nothing is wrong."""
    with pytest.raises(SolveFailed, match="like .ℓ.\\^3") as failed:
        solved(Cube(rate=0.5), 4.0)
    assert "met at all" not in str(failed.value)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ll.ValidityWarning)
        solved(Cube(rate=0.02), 1.0)
        solved(Sinh(rate=0.1), 0.2)
