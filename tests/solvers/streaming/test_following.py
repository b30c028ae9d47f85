"""Rates that follow the run: AdaGrad-Norm, line search and Polyak's step."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

import limitlab as ll
from limitlab.theory.core.errors import InvalidInput, NotAvailable

PROBLEM = ll.LeastSquares(ll.isotropic(400), ll.Gaussian(0.5))
SPREAD = ll.LeastSquares(ll.power_law(400, 0.4), ll.Gaussian(0.5))
NORMS = ll.AdaGradNorm(1.0, 1.0)


@pytest.mark.slow
def test_the_reference_of_adagrad_norm():
    """K = I, η = 1, b(0) = 1, noise .5, t = 1, 2, 3."""
    curve = ll.solve(PROBLEM, ll.SGD(NORMS), times=[0, 1, 2, 3])
    np.testing.assert_allclose(curve.risk[1:], [0.44012360, 0.22221583, 0.12649362], atol=6e-9)
    np.testing.assert_allclose(
        curve["b_squared"][1:], [2.59799675, 3.47926638, 4.06567017], atol=6e-9
    )
    np.testing.assert_allclose(curve["rate"], curve["b_squared"] ** -0.5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rate", "objective"), [(ll.LineSearch(), "risk"), (ll.PolyakStep(), "distance")]
)
def test_greedy_rates_are_those_of_the_advice(rate, objective):
    curve = ll.solve(SPREAD, ll.SGD(rate), 3.0, points=7)
    advised = ll.greedy(SPREAD, ll.SGD(1.0), 3.0, objective=objective).curve
    expected = np.interp(curve.time, advised.time, advised.risk)
    np.testing.assert_allclose(curve.risk, expected, rtol=2e-3)


@pytest.mark.slow
def test_a_rate_that_forgets_everything_at_once_normalises():
    """γ → ∞: b² = τN, and the rate is scale/√(τN)."""
    curve = ll.solve(PROBLEM, ll.SGD(ll.AdaGradNorm(0.5, 1.25, 300.0)), 2.0, points=5)
    np.testing.assert_allclose(
        curve["rate"][1:], 0.5 / np.sqrt(2 * curve.risk[1:] + 0.25), rtol=0.01
    )


@pytest.mark.slow
def test_it_is_derived_and_solved_from_its_system():
    system = ll.derive(SPREAD, ll.SGD(NORMS))
    assert "eta" in system.latex() and "b²" in system.explain() and isinstance(system, ll.System)
    plain = ll.solve(SPREAD, ll.SGD(NORMS), 2.0, points=3, system=system).risk
    assert np.array_equal(plain, ll.solve(SPREAD, ll.SGD(NORMS), 2.0, points=3).risk)
    (eta, value), own = system.law.equations
    law = replace(system.law, equations=((eta, 1.05 * value), own))
    planted = ll.solve(SPREAD, ll.SGD(NORMS), 2.0, points=3, system=replace(system, law=law)).risk
    assert np.abs(planted / plain - 1).max() > 0.01
    assert pickle.loads(pickle.dumps(NORMS)) == NORMS


def test_refusals():
    for make in (
        lambda: ll.AdaGradNorm(-1.0),
        lambda: ll.AdaGradNorm(1.0, 0.0),
        lambda: ll.LineSearch(0),
    ):
        with pytest.raises(InvalidInput):
            make()
    with pytest.raises(NotAvailable, match="ode and fluctuations"):
        ll.solve(PROBLEM, ll.SGD(NORMS), 1.0, limit="sde")
    with pytest.raises(NotAvailable):
        ll.derive(PROBLEM, ll.SGD(NORMS), limit="exact")
    for method in (ll.SignSGD(NORMS), ll.Adam(NORMS)):
        with pytest.raises(NotAvailable):
            ll.solve(PROBLEM, method, 1.0)
    with pytest.raises(NotAvailable, match="streaming"):
        ll.solve(ll.TwoEigenvalueModel(0.01, 0.2), ll.GradientDescent(NORMS), 10)
    with pytest.raises(NotAvailable, match="norms"):
        ll.simulate(PROBLEM, ll.Huber(NORMS, 1.0), 1.0, runs=2)


METHODS = {
    "norms": ll.SGD(NORMS),
    "forgetting": ll.SGD(ll.AdaGradNorm(1.0, 1.0, 2.0)),
    "clipped": ll.ClippedSGD(NORMS, 1.0),
    "line search": ll.SGD(ll.LineSearch()),
    "Polyak": ll.SGD(ll.PolyakStep(0.8)),
    "Huber": ll.Huber(ll.LineSearch(), 1.0),
}


@pytest.mark.slow
@pytest.mark.parametrize("dimension", [400, 1600])
@pytest.mark.parametrize("name", METHODS)
def test_mean_and_band_are_those_of_runs(name, dimension):
    method = METHODS[name]
    problem = ll.LeastSquares(ll.power_law(dimension, 0.4), ll.Gaussian(0.5))
    theory = ll.solve(problem, method, 3.0, points=7, limit="fluctuations")
    runs = ll.simulate(
        problem, method, 3.0, points=7, runs=600 if dimension == 400 else 200, seed=2
    )
    report = ll.compare(theory, runs)
    assert report.passed and report.detectable <= 0.05, report
    # the standard error of a standard deviation of n runs, and 5 % for the next order
    ratio = runs.std()[1:] / theory.std()[1:]
    assert np.abs(ratio - 1).max() < 4.5 / np.sqrt(2 * runs.runs) + 0.05
    wrong = ll.solve(
        problem,
        replace(method, rate=replace(method.rate, scale=0.85 * method.rate.scale)),
        3.0,
        points=7,
    )
    seen = ll.compare(wrong, runs)
    assert not seen.passed


@pytest.mark.slow
def test_engines_agree_on_norms():
    """The chain of the eigenspaces and the vector follow the same law."""
    ends = [
        ll.simulate(SPREAD, METHODS["norms"], 2.0, points=3, runs=400, seed=3, engine=engine)
        for engine in ("chain", "vector")
    ]
    gap = ends[0].risk[-1] - ends[1].risk[-1]
    assert abs(gap) < 4.5 * np.hypot(ends[0].sem()[-1], ends[1].sem()[-1])


def test_updates_are_stated_in_sympy():
    change = NORMS.after()
    assert sp.simplify(change.diff(sp.Symbol("b2", positive=True)) - 1) == 0
