"""The split equations of signSGD: exact mean signs, localised starts, dense K, batches."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp
from scipy.stats import t as student

from limitlab.solvers.core.chebyshev import NO_TABLE
from limitlab.solvers.core.compile import load
from limitlab.solvers.streaming.coefficients import Coefficients
from limitlab.solvers.streaming.compress import binned
from limitlab.solvers.streaming.expectations import expectations
from limitlab.solvers.streaming.ode import solve_ode
from limitlab.solvers.streaming.split import Coordinates, split_risk
from limitlab.theory.core.errors import NotAvailable
from limitlab.theory.covariance import (
    from_eigenvalues,
    from_matrix,
    isotropic,
    marchenko_pastur,
    power_law,
    toeplitz,
)
from limitlab.theory.methods import SGD, SignSGD
from limitlab.theory.noise import Gaussian, Laplace, NoNoise, Rademacher, StudentT
from limitlab.theory.streaming.derive import bind
from limitlab.theory.streaming.derive import derive as derive_streaming
from limitlab.theory.streaming.problem import LeastSquares

pytestmark = pytest.mark.interpreted

TIMES = np.linspace(0, 1, 5)
METHOD = SignSGD(0.4)


def numbers(problem, method=METHOD, system=None):
    system = system or derive_streaming(problem, method)
    return Coefficients.of(system.source, bind(system, problem, method))


def split(problem, method=METHOD, rtol=1e-7):
    return split_risk(problem, method, numbers(problem, method), TIMES, rtol)


def limit(problem, method=METHOD):
    return solve_ode(numbers(problem, method), binned(problem, method), TIMES, 1e-7).risk


def mean_sign(noise, risk, rho):
    """E s of one sample by the compiled series, for |ρ| in an array."""
    law = numbers(LeastSquares(isotropic(10), noise))
    signs = np.array(rho, dtype=float)
    load(law.source, "streaming/split").exact_signs(risk, 0.0, law.law, NO_TABLE, signs)
    return signs / METHOD.rate


def test_mean_sign_has_its_sanity_value():
    assert mean_sign(Laplace(0.6), 0.25, [0.5])[0] == pytest.approx(0.2305247, abs=5e-8)


# exp(−a²/(4R cos²)) of atoms has an essential singularity at ρ = 1, where the series is poorer
@pytest.mark.parametrize(
    ("noise", "accuracy"),
    [(NoNoise(), 1e-10), (Laplace(0.6), 1e-10), (Rademacher(0.5), 5e-6), (StudentT(3, 0.5), 1e-10)],
)
def test_mean_sign_is_the_integral_of_phi(noise, accuracy, risk=0.5):
    phi = expectations(LeastSquares(isotropic(10), noise), METHOD).phi
    rho = np.array([-0.9, 0.01, 0.3, 1.0])
    by_quad = [
        math.copysign(quad(lambda a: phi(risk * math.cos(a) ** 2), 0, math.asin(abs(x)))[0], x)
        for x in rho
    ]
    assert mean_sign(noise, risk, rho) == pytest.approx(by_quad, rel=accuracy)


def test_mean_sign_under_gaussian_noise_is_the_arcsine():
    rho, risk = np.array([0.1, 0.7, -1.0]), 0.3
    share = rho * math.sqrt(0.6 / 0.85)
    closed = 2 / math.pi * np.arcsin(share)
    assert mean_sign(Gaussian(0.5), risk, rho) == pytest.approx(closed, rel=1e-11)


@pytest.mark.parametrize("order", [1, 2, 3, 8, 33])
def test_batches_saturate_like_a_student_law(order):
    kernels = load(numbers(LeastSquares(isotropic(10), Gaussian(0.5))).source, "streaming/split")
    for x in (-0.8, 0.1, 0.5, 0.99):
        closed = 2 * student.cdf(math.sqrt(order) * x / math.sqrt(1 - x * x), order) - 1
        assert kernels.saturated(x, order) == pytest.approx(closed, rel=1e-10)
    slope = kernels.saturated(1e-6, order) / 1e-6
    assert kernels.slope_of_saturation(order) == pytest.approx(slope, rel=1e-10)


@pytest.mark.parametrize("batch", [1, 3, 9])
def test_votes_saturate_like_a_binomial(batch):
    kernels = load(numbers(LeastSquares(isotropic(10), Gaussian(0.5))).source, "streaming/split")
    for mean in (0.05, 0.4, 0.9):
        up = (1 + mean) / 2
        won = sum(
            math.comb(batch, k) * up**k * (1 - up) ** (batch - k)
            for k in range((batch + 1) // 2, batch + 1)
        )
        assert kernels.saturated(mean, batch + 1) == pytest.approx(2 * won - 1, rel=1e-10)


def oracle(K, start, rate, variance):
    """The split equations under Gaussian noise, typed out in the eigenbasis of D^(-1/4) K D^(-1/4)
    and solved by scipy."""
    d, scales = len(K), np.diag(K)
    lam, vectors = np.linalg.eigh(K / np.outer(scales, scales) ** 0.25)
    left = vectors * scales[:, None] ** 0.25
    spread = np.sqrt(scales)
    arcsine = 2 / math.pi * np.arcsin(np.clip(K / np.outer(spread, spread), -1, 1))
    q = lam * np.diag(left.T @ arcsine @ left)

    def slope(t, state):
        path, f = state[:d], state[d:]
        power = path @ K @ path + 2 * f.sum() + variance
        signs = 2 / math.pi * np.arcsin(np.clip(K @ path / np.sqrt(scales * power), -1, 1))
        pull = 4 * rate / math.pi / math.sqrt(power) * lam * f
        noise = rate**2 / (2 * d) * (q - lam * (left.T @ signs) ** 2)
        return np.concatenate([-rate * signs, noise - pull])

    first = np.concatenate([start, np.zeros(d)])
    span, accuracy = (0, TIMES[-1]), {"rtol": 1e-10, "atol": 1e-13}
    y = solve_ivp(slope, span, first, "DOP853", TIMES, **accuracy).y
    return 0.5 * np.einsum("it,ij,jt->t", y[:d], K, y[:d]) + y[d:].sum(axis=0)


LOCAL = np.array([1.0, -0.4, 0.2, 0.2, 0.0])
MATRICES = {
    "diagonal": np.diag([2.0, 1.0, 0.5, 0.5, 0.7]),
    "dense": toeplitz(5, 0.6, variances=[2, 1, 0.5, 1, 3]).matrix,
}


@pytest.mark.parametrize("K", MATRICES.values(), ids=MATRICES)
def test_against_the_equations_typed_out(K):
    problem = LeastSquares(from_matrix(K), Gaussian(0.5), start=LOCAL)
    expected = oracle(K, LOCAL, 0.4, 0.25)
    assert split(problem) == pytest.approx(expected, rel=2e-6)
    assert np.abs(limit(problem) / expected - 1).max() > 0.05


def test_it_becomes_the_limit_where_the_start_is_spread():
    """The two differ by O(ρ²) = O(1/d)."""
    gaps = []
    for d in (200, 2000):
        problem = LeastSquares(isotropic(d), Laplace(0.6))
        gaps.append(np.abs(split(problem) / limit(problem) - 1).max())
    assert gaps[0] < 0.002 and gaps[0] / gaps[1] == pytest.approx(10, rel=0.05)


@pytest.mark.parametrize("aggregate", ["sign-of-mean", "mean-of-signs", "majority-vote"])
def test_batches_become_their_limit_where_the_start_is_spread(aggregate):
    """O(B ρ²) for signs of sums, O(ρ²) for means of signs."""
    method, gaps = SignSGD(0.4, batch=5, aggregate=aggregate), []
    for d in (500, 5000):
        problem = LeastSquares(isotropic(d), Gaussian(0.5))
        gaps.append(np.abs(split(problem, method) / limit(problem, method) - 1).max())
    assert gaps[0] < 0.02 and gaps[0] / gaps[1] == pytest.approx(10, rel=0.1)


def test_equal_coordinates_are_one():
    start = np.repeat([1.0, -1.0, 0.5], [10, 20, 70]) / 10
    problem = LeastSquares(isotropic(100), Gaussian(0.5), start=start)
    grouped = Coordinates.of(problem)
    assert sorted(grouped.counts) == [30, 70] and grouped.path.size == 2
    spread = Coordinates.of(LeastSquares(power_law(50, 0.5), Gaussian(0.5)))
    assert spread.path.size == 50 and spread.counts.sum() == 50
    two = LeastSquares(from_eigenvalues([2, 0.5], [50, 150]), Gaussian(0.5))
    seen = Coordinates.of(two)
    assert 0.5 * np.sum(seen.counts * seen.variances * seen.path**2) == pytest.approx(two.risk)
    assert seen.sources.sum() == pytest.approx(0.875)


def test_the_system_that_is_given_is_the_one_solved():
    problem = LeastSquares(isotropic(5), Gaussian(0.5), start=LOCAL)
    system = derive_streaming(problem, METHOD)
    slower = dataclasses.replace(system, drift=0.5 * system.drift)
    one, other = (
        split_risk(problem, METHOD, numbers(problem, METHOD, s), TIMES, 1e-7)
        for s in (system, slower)
    )
    assert other[-1] > 1.1 * one[-1]


def test_refusals():
    with pytest.raises(NotAvailable, match="act on coordinates"):
        split_risk(LeastSquares(isotropic(10), Gaussian(0.5)), SGD(0.5), None, TIMES)
    problem = LeastSquares(marchenko_pastur(math.inf, 0.5), Gaussian(0.5))
    with pytest.raises(NotAvailable, match="no coordinates"):
        split_risk(problem, METHOD, numbers(problem), TIMES)


@pytest.mark.slow
@pytest.mark.compiled
@pytest.mark.parametrize(
    ("noise", "method"),
    [
        (Gaussian(0.5), SignSGD(0.4)),
        (Laplace(0.6), SignSGD(0.4)),
        (Gaussian(0.5), SignSGD(0.4, batch=5)),
        (Laplace(0.6), SignSGD(0.4, batch=5, aggregate="majority-vote")),
    ],
    ids=["gaussian", "laplace", "batch", "votes"],
)
def test_localised_runs_agree_with_it_and_not_with_the_limit(noise, method):
    """d = 200, three coordinates hold the error: 2500 runs, level 1e-3."""
    from limitlab.solvers.solve import solve
    from limitlab.validation.agreement.compare import compare
    from limitlab.validation.simulate import simulate

    start = np.zeros(200)
    start[:3] = 1.0, 0.7, -0.4
    problem = LeastSquares(isotropic(200), noise, start=start)
    runs = simulate(problem, method, 2, points=21, runs=2500, seed=11, progress=False)
    split = solve(problem, method, 2, points=21, correction="split")
    # what is announced for a batch would hide an error of 5 %: it is held to standard errors alone
    report = compare(split, runs, margin=0 if method.batch > 1 else None)
    assert report.passed, report
    # the limit announces its gap to them, which would allow for what is looked for here
    assert compare(solve(problem, method, 2, points=21), runs, margin=0).passed is False
