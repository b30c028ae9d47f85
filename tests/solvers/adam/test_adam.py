"""Adam's means over the stream against exact integrals, and the equations of slow averages."""

import numpy as np
import pytest
import sympy as sp

import limitlab as ll
from limitlab.solvers.adam.table import BLOCK, stream_means
from limitlab.theory.adam import memory as adam_memory
from limitlab.theory.core.errors import InvalidInput, NoLimit, NotAvailable
from limitlab.theory.methods import Adam
from limitlab.validation.gallery.xiao2024.adam_memory import quadrature

PROBLEM = ll.LeastSquares(ll.power_law(200, exponent=0.5), noise=ll.Gaussian(0.5))


@pytest.mark.slow
@pytest.mark.parametrize("beta2", [0.7, 0.9, 0.99])
def test_the_tables_are_exact_integrals(beta2):
    drift, variance = quadrature(1 - beta2)
    means = stream_means(ll.Gaussian(0.5), 0.0, beta2, 0.01, 1.0, blocks=24)
    root = np.sqrt(2 * np.exp(means.log_risk) + 0.25)
    assert np.max(np.abs(np.exp(means.drift) * root / drift - 1)) <= 5 * means.drift_error
    assert np.max(np.abs(np.exp(means.variance) / variance - 1)) <= 5 * means.variance_error
    # control: the neighbouring memory is told apart
    other = quadrature(1 - (beta2 - 0.05))
    assert abs(other[0] / drift - 1) > 5 * means.drift_error


@pytest.mark.slow
def test_small_steps_of_v_as_in_the_specification():
    drift, variance = quadrature(1 - 0.998)
    assert drift == pytest.approx(1 - 2.5 * 2e-3, abs=40 * 2e-3**2)
    assert variance == pytest.approx(1 - 4 * 2e-3, abs=100 * 2e-3**2)


@pytest.mark.slow
def test_the_monte_carlo_error_is_announced():
    curve = ll.solve(PROBLEM, Adam(0.4, 0.5, 0.9), until=1, points=3, memory="short")
    means = stream_means(PROBLEM.noise, 0.5, 0.9, 1e-6 * PROBLEM.risk, 10 * PROBLEM.risk)
    assert means.steps == 64 * BLOCK
    assert curve.diagnostics["error_estimate"][-1] > 0.1 * means.drift_error
    assert curve.provenance["memory"] == "short"


def test_slow_averages_have_the_equations_of_the_moments():
    """The printed system against the one written for X = E δ², Y = E δm, Z = E m²."""
    k, v, p, eta, c1, d = sp.symbols("k V P eta c_1 d", positive=True)
    y, u, w, c = sp.symbols("y u w c", real=True)
    found = adam_memory.memory_system(True)
    pre, (x_, y_, z_) = 1 / sp.sqrt(k * v), (2 * s / k for s in (y, u, w))
    expected = (
        -2 * eta * pre * y_,
        -eta * pre * z_ + c1 * (k * x_ - y_),
        2 * c1 * (k * y_ - z_) + c1**2 * p * k / d,
    )
    for rate, moment in zip(found.rates, expected, strict=True):
        assert sp.simplify(rate.subs(c, k / d) - k * moment / 2) == 0


@pytest.mark.slow
def test_a_fast_momentum_is_the_limit_of_a_slow_one():
    """c₁ = d (1 − β₁) → ∞ at fixed c₂: the gap falls like 1/c₁."""
    problem = ll.LeastSquares(ll.isotropic(10**6), noise=ll.Gaussian(0.5))
    beta2 = 1 - 2e-6
    fast = ll.solve(problem, Adam(0.4, 0.0, beta2), until=2, points=3, memory="slow-variance")
    gaps = []
    for c1 in (200, 400):
        method = Adam(0.4, 1 - c1 / 1e6, beta2)
        slow = ll.solve(problem, method, until=2, points=3, memory="slow")
        gaps.append(abs(slow.risk[-1] / fast.risk[-1] - 1))
    assert gaps[0] / gaps[1] == pytest.approx(2, rel=0.1)


@pytest.mark.slow
def test_the_memory_is_chosen_by_the_dimension():
    small, large = (ll.LeastSquares(ll.isotropic(d), ll.Gaussian(0.5)) for d in (1000, 10**6))
    kwargs = {"until": 0.5, "points": 2}
    assert ll.solve(small, Adam(0.4), **kwargs).provenance["memory"] == "slow-variance"
    assert ll.solve(large, Adam(0.4), **kwargs).provenance["memory"] == "short"
    assert ll.solve(small, Adam(0.4, 0.999), **kwargs).provenance["memory"] == "slow"


def test_what_adam_refuses():
    heavy = ll.LeastSquares(ll.isotropic(1000), noise=ll.StudentT(3, 0.5))
    with pytest.raises(InvalidInput, match="beta2"):
        Adam(0.4, 0.9, 1.0)
    with pytest.raises(NotAvailable, match="batch"):
        Adam(0.4, batch=2)
    with pytest.raises(NoLimit, match="fourth moment"):
        ll.solve(heavy, Adam(0.4), until=1)
    with pytest.raises(NotAvailable, match="SignSGD"):
        ll.solve(PROBLEM, Adam(0.4, 0.0, 0.0), until=1, memory="short")
    for beta2 in (0.0, 0.3):  # v forgets at once, or nothing is known of the error
        for verb in (ll.derive, lambda *a, **k: ll.solve(*a, until=1, **k)):
            with pytest.raises(NotAvailable, match="^beta2"):
                verb(PROBLEM, Adam(0.4, 0.9, beta2), memory="slow-variance")
    with pytest.raises(NotAvailable, match="limit"):
        ll.solve(PROBLEM, Adam(0.4), until=1, limit="sde")
    with pytest.raises(InvalidInput, match="memory"):
        ll.solve(PROBLEM, Adam(0.4), until=1, memory="long")
    dense = ll.LeastSquares(ll.toeplitz(20, 0.5), noise=ll.Gaussian(0.5))
    for refused in ({"memory": "short"}, {"memory": "slow"}):
        with pytest.raises(ll.NotAvailable, match="slow-variance"):
            ll.derive(dense, Adam(0.4, 0.9, 0.9), **refused)
    ll.derive(dense, Adam(0.4, 0.9, 0.99), memory="slow-variance")
    with pytest.raises(NotAvailable, match="diagonal"):
        ll.solve(dense, Adam(0.4, 0.9, 0.9), until=1, memory="short")
    with pytest.raises(NotAvailable, match="no function of one residual"):
        ll.expectations(PROBLEM, Adam(0.4))
