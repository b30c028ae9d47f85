"""Means over the norm of a batch: closed forms, sampling, and the curves that follow."""

from __future__ import annotations

import cmath
import warnings

import numpy as np
import pytest
from scipy.special import exp1, gammainc, gammaincc, gammaln, wofz

from limitlab.solvers.core.compile import load
from limitlab.solvers.kernels.complex_special import exponential_integral, faddeeva
from limitlab.solvers.solve import solve
from limitlab.solvers.streaming.coefficients import Coefficients
from limitlab.solvers.streaming.expectations import expectations
from limitlab.solvers.streaming.stationary import stationary
from limitlab.theory.core.errors import ValidityWarning
from limitlab.theory.covariance import isotropic, power_law
from limitlab.theory.methods import SGD, ClippedSGD, SignSGD
from limitlab.theory.noise import (
    Cauchy,
    Empirical,
    Gaussian,
    GaussianMixture,
    Laplace,
    Rademacher,
    StudentT,
    Uniform,
)
from limitlab.theory.streaming.derive import bind
from limitlab.theory.streaming.derive import derive as derive_streaming
from limitlab.theory.streaming.problem import LeastSquares

pytestmark = pytest.mark.interpreted
LIMITS = ("ode", "volterra")
KAPPA = np.sqrt(2 / np.pi)
LAW = power_law(300, 0.5)
LAWS = [
    Laplace(0.6),
    Uniform(0.9),
    Rademacher(0.5),
    GaussianMixture((0.8, 0.2), (0.1, 2.0)),
    GaussianMixture((0.3, 0.7), (0.0, 0.4), (1.0, -0.2)),
    Empirical(np.array([-1.1, -0.2, 0.1, 0.4, 2.0])),
]
HEAVY = [pytest.param(law, marks=pytest.mark.compiled) for law in (StudentT(4.0, 0.5), Cauchy(0.3))]


def numbers(noise, method, risks):
    found = expectations(LeastSquares(LAW, noise), method)
    return found.mu(risks), found.N(risks)


def clipped(batch, threshold=0.5):
    return ClippedSGD(0.8, threshold, batch=batch, clip="mean")


class Chi:
    """Closed forms for Gaussian residuals: S = τ χ_B, z = e/τ (derived here)."""

    def __init__(self, batch, power, edge=np.inf):
        self.b, self.tau = batch, np.sqrt(power)
        self.edge, self.h = edge, (edge / self.tau) ** 2 / 2

    def moment(self, k):
        """E[χ^k]."""
        return 2 ** (k / 2) * np.exp(gammaln((self.b + k) / 2) - gammaln(self.b / 2))

    def inside(self, k):
        return self.tau**k * self.moment(k) * gammainc((self.b + k) / 2, self.h)

    def outside(self, k):
        return self.tau**k * self.moment(k) * gammaincc((self.b + k) / 2, self.h)

    def capped(self, k):
        return self.inside(k) + self.edge**k * self.outside(0)

    @property
    def density(self):
        log = (self.b / 2) * np.log(self.h) - self.h - gammaln(self.b / 2)
        return 2 / self.edge * np.exp(log)


def test_sanity_value_of_the_sign_of_a_mean():
    mu, _ = numbers(Laplace(0.6), SignSGD(0.3, batch=3), 0.25)
    assert KAPPA * mu == pytest.approx(1.2269411, abs=5e-8)


@pytest.mark.parametrize("batch", [2, 3, 8, 32])
def test_gaussian_noise_against_closed_forms(batch):
    risks = np.array([1e-9, 1e-3, 0.3, 40.0])
    power = 2 * risks + 0.25
    g = 2 / np.sqrt(np.pi * power) * np.exp(gammaln((batch + 1) / 2) - gammaln(batch / 2))
    mu, _ = numbers(Gaussian(0.5), SignSGD(0.3, batch=batch), risks)
    assert KAPPA * mu == pytest.approx(g, rel=1e-11)
    for c in (0.05, 0.5, 6.0):
        law = Chi(batch, power, c * batch)
        mu, square = numbers(Gaussian(0.5), clipped(batch, c), risks)
        assert mu == pytest.approx(law.inside(0) + c * (batch - 1) * law.outside(-1), rel=1e-11)
        assert square == pytest.approx(law.capped(2) / batch**2, rel=1e-10)


@pytest.mark.parametrize("batch", [2, 3, 4, 16])
def test_the_flux_of_a_norm_against_closed_forms(batch):
    """(B − 2) E 1/S² = 1/P for Gaussian residuals of power P, and in the limit B = 2."""
    method, risk = SignSGD(0.3, batch=batch), 0.2
    problem = LeastSquares(LAW, Gaussian(0.5))
    system = derive_streaming(problem, method, limit="fluctuations")
    b = bind(system, problem, method)
    module = load(system.source, "streaming/expectations")
    numbers = (risk, 0.0, b.p, b.weights, b.means, b.scales)
    assert module.norm_flux(float(batch), *numbers) == pytest.approx(1 / 0.65, rel=1e-9)
    assert module.chi(*numbers) == pytest.approx((batch - 1) / 0.65, rel=1e-9)
    other = module.norm_flux(float(batch), 1.1 * risk, *numbers[1:])
    assert other != pytest.approx(1 / 0.65, rel=1e-3)  # negative control


@pytest.mark.parametrize("batch", [3, 8])
def test_moments_of_the_fluctuations_against_closed_forms(batch):
    method, risk = clipped(batch), 0.2
    problem = LeastSquares(LAW, Gaussian(0.5))
    system = derive_streaming(problem, method)
    b = bind(system, problem, method)
    module = load(system.source, "streaming/expectations")
    edge, law = 0.5 * batch, Chi(batch, 2 * risk + 0.25, 0.5 * batch)

    def mean(name):
        return getattr(module, name)(
            edge, float(batch), risk, 0.0, b.p, b.weights, b.means, b.scales
        )

    assert mean("norm_inverse_square") == pytest.approx(law.outside(-2), rel=1e-11)
    assert mean("norm_capped_fourth") == pytest.approx(law.capped(4), rel=1e-11)
    assert mean("norm_density") == pytest.approx(law.density, rel=1e-11)
    assert mean("norm_within") == pytest.approx(law.inside(0), rel=1e-11)


@pytest.mark.parametrize(
    ("noise", "mu", "square"),
    [
        (Laplace(0.6), 0.50948957, 0.31755648),
        (Uniform(0.9), 0.56620224, 0.29824292),
        pytest.param(StudentT(4.0, 0.5), 0.54607475, 0.30461511, marks=pytest.mark.slow),
    ],
)
def test_a_batch_of_one_has_the_known_values_of_the_clip(noise, mu, square):
    """The road by the transform, taken for B = 1, against the sanity values of single clips."""
    problem, method = LeastSquares(LAW, noise), clipped(2)
    system = derive_streaming(problem, method)
    b = bind(system, problem, method)
    module = load(system.source, "streaming/expectations")
    at = (0.7, 1.0, 0.25, 0.0, b.p, b.weights, b.means, b.scales)
    assert module.norm_within(*at) == pytest.approx(mu, abs=5e-9)
    assert module.norm_capped_square(*at) == pytest.approx(square, abs=5e-9)


def scores(noise, batch, risk, found, draws=40_000):
    """z-scores of (B−1) E 1/S, μ_B and N_B against sampling."""
    rng = np.random.default_rng([batch, int(1e6 * risk)])
    shape = (draws, batch)
    S = np.linalg.norm(
        np.sqrt(2 * risk) * rng.standard_normal(shape) - noise.sample(rng, shape), axis=1
    )
    edge = 0.5 * batch
    samples = (
        (batch - 1) / S,
        np.where(edge >= S, 1.0, 0.5 * (batch - 1) / S),
        np.minimum(S, edge) ** 2 / batch**2,
    )
    return [
        (value - s.mean()) / max(s.std() / np.sqrt(draws), 1e-4 * s.mean())
        for value, s in zip(found, samples, strict=True)
    ]


def by_theory(noise, batch, risk):
    mu, square = numbers(noise, clipped(batch), risk)
    return numbers(noise, SignSGD(0.3, batch=batch), risk)[0], mu, square


STATES = [(3, 0.02), (4, 0.3), (7, 0.1)]


@pytest.mark.parametrize("noise", LAWS, ids=lambda law: law.label[:20])
def test_every_law_against_sampling(noise):
    for batch, risk in STATES[:2]:
        assert np.max(np.abs(scores(noise, batch, risk, by_theory(noise, batch, risk)))) < 5


@pytest.mark.slow
@pytest.mark.parametrize("noise", [*LAWS, *HEAVY], ids=str)
def test_every_law_against_sampling_at_random_states(noise):
    rng = np.random.default_rng(5)
    for _ in range(10):
        batch, risk = int(rng.integers(3, 12)), float(10 ** rng.uniform(-3, 1))
        found = by_theory(noise, batch, risk)
        assert np.max(np.abs(scores(noise, batch, risk, found, 400_000))) < 5


def test_sampling_finds_a_wrong_batch_and_a_wrong_risk():
    """The negative control of the tests above."""
    noise, (batch, risk) = Laplace(0.6), STATES[1]
    wrong = by_theory(noise, batch + 1, risk), by_theory(noise, batch, 1.05 * risk)
    assert all(np.max(np.abs(scores(noise, batch, risk, found))) > 5 for found in wrong)


def test_atoms_that_hardly_blur():
    """Nothing is clipped and the atoms are narrow: N = E S²/B² = (2R + a²)/B, μ = 1."""
    risks = np.array([1e-12, 1e-7, 1e-4])
    mu, square = numbers(Rademacher(0.5), clipped(4, 2.0), risks)
    assert mu == pytest.approx(1.0, abs=1e-10)
    assert square == pytest.approx((2 * risks + 0.25) / 4, rel=1e-9)


def test_complex_functions():
    rng = np.random.default_rng(0)
    z = rng.standard_normal(300) * 6 + 6j * np.abs(rng.standard_normal(300))
    assert max(abs(faddeeva(complex(q)) / wofz(q) - 1) for q in z) < 1e-12
    u = np.linspace(0.1, 40.0, 200)
    x = 4 + 1j * u - u**2 / 40
    gaps = [abs(exponential_integral(complex(q)) - exp1(-q)) / abs(cmath.exp(q)) for q in x]
    assert max(gaps) < 1e-12


def test_stationary_risk_of_the_sign_of_a_mean():
    problem, method = LeastSquares(LAW, Gaussian(0.5)), SignSGD(0.3, batch=4)
    (root,) = stationary(problem, method).roots
    mu, _ = numbers(problem.noise, method, root)
    spread = float(np.mean(np.sqrt(LAW.expanded())))
    assert 2 * root * KAPPA * mu == pytest.approx(0.3 * spread / 2, rel=1e-9)


def test_stationary_risk_of_batched_sgd():
    (root,) = stationary(LeastSquares(LAW, Gaussian(0.5)), SGD(0.8, batch=4)).roots
    a = 0.8 * LAW.mean_eigenvalue / 4
    assert root == pytest.approx(a * 0.25 / (4 - 2 * a), rel=1e-10)


def test_votes_and_averages_reach_the_same_diagonal_limit():
    """Diagonal K: signs and votes have variance one; only the drift tells them apart."""
    problem = LeastSquares(LAW, Laplace(0.6))
    vote = stationary(problem, SignSGD(0.3, batch=3, aggregate="majority-vote")).roots
    slower = stationary(problem, SignSGD(0.2, batch=1)).roots  # 0.3 = 0.2 × the gain 3/2
    assert vote == pytest.approx(slower, rel=1e-9)


def test_tables_serve_the_curve():
    problem, method = LeastSquares(LAW, Laplace(0.6)), clipped(3, 0.7)
    system = derive_streaming(problem, method)
    coefficients = Coefficients.of(system.source, bind(system, problem, method))
    assert coefficients.slow


@pytest.mark.slow
@pytest.mark.compiled
def test_the_two_roads_to_a_curve_agree():
    problem, method = LeastSquares(LAW, Laplace(0.6)), clipped(3, 0.7)
    with pytest.warns(ValidityWarning, match="a batch of 3"):
        curves = [solve(problem, method, 4, limit=limit, points=9) for limit in LIMITS]
    assert curves[0].risk == pytest.approx(curves[1].risk, rel=1e-6)


@pytest.mark.slow
@pytest.mark.compiled
@pytest.mark.parametrize("batch", [4])
def test_the_algorithm_follows_the_clip_of_the_mean(batch):
    """A direct simulation in numpy of θ ← θ − (η/d) min(1, c√d/‖g‖) g, mean gradient g."""
    d, runs, until, rate, c = 500, 48, 2.0, 0.9, 0.4
    rng, noise = np.random.default_rng(11), Laplace(0.6)
    delta = np.full((runs, d), np.sqrt(2 / d))
    for _ in range(int(until * d)):
        x = rng.standard_normal((runs, batch, d))
        ell = np.einsum("rbd,rd->rb", x, delta) - noise.sample(rng, (runs, batch))
        g = np.einsum("rb,rbd->rd", ell, x) / batch
        norm = np.linalg.norm(g, axis=1, keepdims=True)
        delta -= rate / d * np.minimum(1.0, c * np.sqrt(d) / norm) * g
    risks = 0.5 * np.sum(delta**2, axis=1)
    error = risks.std() / np.sqrt(runs)
    problem = LeastSquares(isotropic(d), noise)

    def gap(method):
        return abs(solve(problem, method, until, points=3).risk[-1] - risks.mean())

    allowed = 5 * error + 3 * batch / d * risks.mean()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ValidityWarning)
        assert gap(ClippedSGD(rate, c, batch=batch, clip="mean")) < allowed
        assert gap(ClippedSGD(rate, c, batch=batch, clip="per-sample")) > allowed  # control


def test_a_large_batch_comes_with_a_warning():
    from limitlab.solvers.streaming.validity import _about_batch

    problem = LeastSquares(LAW, Laplace(0.6))
    assert "% of its square" in _about_batch(problem, clipped(64))
    assert _about_batch(problem, clipped(2)) is None
