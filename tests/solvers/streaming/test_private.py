"""Private SGD: per-sample clipping with added noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import limitlab as ll
from limitlab.theory.core.errors import InvalidInput, NotAvailable


def problem(d=400, exponent=None):
    law = ll.isotropic(d) if exponent is None else ll.power_law(d, exponent)
    return ll.LeastSquares(law, ll.Gaussian(0.5), initial_risk=0.5)


def private(s, batch, d=400, **more):
    options = {"clip": "per-sample", "batch": batch, "noise_multiplier": s / np.sqrt(d)}
    return ll.ClippedSGD(0.8, 1.0, **{**options, **more})


@pytest.mark.slow
def test_the_reference_of_one_sample():
    """K = I, η = .8, c = 1, R(0) = .5, noise .5, s = .5 at t = .5, 1, 2, 3."""
    curve = ll.solve(problem(), private(0.5, 1), times=[0, 0.5, 1, 2, 3])
    np.testing.assert_allclose(
        curve.risk[1:], [0.39510143, 0.31968002, 0.23061756, 0.18994273], atol=6e-9
    )


@pytest.mark.slow
def test_the_reference_of_a_batch():
    """The same with B = 4, s = 2."""
    curve = ll.solve(problem(), private(2.0, 4), times=[0, 0.5, 1, 2, 3])
    np.testing.assert_allclose(
        curve.risk[1:], [0.34096711, 0.23424382, 0.12662705, 0.09044267], atol=6e-9
    )


@pytest.mark.slow
def test_without_noise_it_is_clipped_sgd_and_a_kink_is_met():
    rate = ll.steps(0.8, [1.1, 1.7], 0.5)
    bare = ll.solve(problem(exponent=0.5), ll.ClippedSGD(rate, 1.0), 2.0, points=6)
    tiny = ll.solve(
        problem(exponent=0.5), ll.ClippedSGD(rate, 1.0, noise_multiplier=1e-9), 2.0, points=6
    )
    np.testing.assert_allclose(tiny.risk, bare.risk, rtol=1e-6)
    assert tiny.label.startswith("private SGD")


def test_the_stationary_risk_of_plain_directions():
    """No clipping, K = I: 2(2η − η²)R = η²σ² + ν d/d at rest, ν = (η σ_n c)² tr K/d."""
    method = ll.ClippedSGD(0.5, 50.0, noise_multiplier=0.002)
    risk = ll.solve(problem(), method, 40.0, points=3).risk[-1]
    nu = (0.5 * 0.002 * 50) ** 2 * 400
    assert risk == pytest.approx((0.25 * 0.25 + nu) / (2 * (1 - 0.25)), rel=1e-6)


def test_refusals():
    for options in (
        {"noise_multiplier": -1.0},
        {"noise_multiplier": 1.0, "clip": "mean", "batch": 4},
    ):
        with pytest.raises(InvalidInput, match="noise_multiplier"):
            ll.ClippedSGD(0.8, 1.0, **options)
    with pytest.raises(InvalidInput, match="threshold"):
        ll.ClippedSGD(0.8, np.inf, noise_multiplier=0.1)
    with pytest.raises(NotAvailable, match="ode and fluctuations"):
        ll.solve(problem(), private(0.5, 1), 1.0, limit="sde")
    with pytest.raises(NotAvailable, match="vector"):
        ll.simulate(problem(), private(0.5, 1), 1.0, runs=2, engine="chain")
    with pytest.raises(NotAvailable, match="this question does not"):
        ll.best_rate(problem(), private(0.5, 1), 1.0)


def test_it_is_derived_and_solved_from_its_system():
    system = ll.derive(problem(), private(0.5, 1))
    assert r"\nu" in system.latex() and "Itô" in system.explain() and isinstance(system, ll.System)
    plain = ll.solve(problem(), private(0.5, 1), 2.0, points=3, system=system).risk
    (nu, value), *rest = system.law.equations
    law = replace(system.law, equations=((nu, 1.05 * value), *rest))
    planted = ll.solve(
        problem(), private(0.5, 1), 2.0, points=3, system=replace(system, law=law)
    ).risk
    assert np.abs(planted / plain - 1).max() > 0.005


@pytest.mark.slow
@pytest.mark.parametrize(("dimension", "runs"), [(400, 400), (1600, 150)])
@pytest.mark.parametrize(("s", "batch"), [(0.5, 1), (2.0, 4)])
def test_runs_agree(s, batch, dimension, runs):
    what = problem(dimension, 0.4)
    method = private(s, batch, dimension)
    theory = ll.solve(what, method, 3.0, points=7)
    found = ll.simulate(what, method, 3.0, points=7, runs=runs, seed=2)
    report = ll.compare(theory, found)
    assert report.passed and report.detectable <= 0.05, report
    louder = replace(method, noise_multiplier=1.3 * method.noise_multiplier)
    assert not ll.compare(ll.solve(what, louder, 3.0, points=7), found).passed
    if batch == 1:
        band = ll.solve(what, method, 3.0, points=7, limit="fluctuations").std()[1:]
        assert np.abs(found.std()[1:] / band - 1).max() < 4.5 / np.sqrt(2 * runs) + 0.05
