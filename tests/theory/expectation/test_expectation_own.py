"""Rules and laws that the package has never seen: μ and N against a double integral."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
import sympy as sp
from scipy import stats

import limitlab as ll
from limitlab.solvers.streaming.expectations import expectations
from limitlab.theory.streaming.derive import bind

GAUSS_X, GAUSS_W = np.polynomial.legendre.leggauss(20)


def problem_with(law):
    return ll.LeastSquares(ll.isotropic(10), noise=law)


def panels(edges):
    edges = np.unique(edges)
    half, middle = 0.5 * np.diff(edges), 0.5 * (edges[1:] + edges[:-1])
    return (middle[:, None] + half[:, None] * GAUSS_X).ravel(), (half[:, None] * GAUSS_W).ravel()


@dataclass(frozen=True)
class SoftSign(ll.Method):
    width: float

    def rule(self, l):  # noqa: E741
        return l / (self.width + sp.Abs(l))


@dataclass(frozen=True)
class Tanh(ll.Method):
    width: float

    def rule(self, l):  # noqa: E741
        return sp.tanh(l / self.width)


@dataclass(frozen=True)
class Trimmed(ll.Method):
    width: float

    def rule(self, l):  # noqa: E741
        return sp.Piecewise((l, sp.Abs(l) < self.width), (0, True))


@dataclass(frozen=True)
class Triangular(ll.Noise):
    b: float

    def density(self, e):
        return sp.Max(0, 1 - sp.Abs(e) / self.b) / self.b

    def sample(self, rng, n):
        return rng.triangular(-self.b, 0, self.b, n)


@dataclass(frozen=True)
class Logistic(ll.Noise):
    s: float

    def density(self, e):
        return 1 / (4 * self.s * sp.cosh(e / (2 * self.s)) ** 2)

    def sample(self, rng, n):
        return rng.logistic(0, self.s, n)


@dataclass(frozen=True)
class Welsch(ll.Method):
    width: float

    def rule(self, l):  # noqa: E741
        return l * sp.exp(-(l**2) / (2 * self.width**2))


@dataclass(frozen=True)
class Logarithmic(ll.Method):
    width: float

    def rule(self, l):  # noqa: E741
        return sp.sign(l) * sp.log(1 + sp.Abs(l) / self.width)


@dataclass(frozen=True)
class Cauchit(ll.Method):
    width: float

    def rule(self, l):  # noqa: E741
        return l / (1 + (l / self.width) ** 2)


@dataclass(frozen=True)
class TwoSided(ll.Noise):
    """Two exponential sides of their own scales: the mean is not zero."""

    right: float
    left: float

    def density(self, e):
        sides = sp.Piecewise((sp.exp(-e / self.right), e >= 0), (sp.exp(e / self.left), True))
        return sides / (self.right + self.left)

    def sample(self, rng, n):
        side = rng.random(n) < self.right / (self.right + self.left)
        return np.where(side, rng.exponential(self.right, n), -rng.exponential(self.left, n))


@dataclass(frozen=True)
class Gumbel(ll.Noise):
    s: float

    def density(self, e):
        return sp.exp(-e / self.s - sp.exp(-e / self.s)) / self.s

    def sample(self, rng, n):
        return rng.gumbel(0, self.s, n)


def two_sided(e):
    with np.errstate(over="ignore"):
        return np.where(e >= 0, np.exp(-np.abs(e) / 0.8), np.exp(-np.abs(e) / 0.2))


RULES = {
    "welsch": (Welsch(0.8, 0.7), lambda l: l * np.exp(-(l**2) / 0.98), [0.0]),
    "logarithmic": (Logarithmic(0.8, 0.7), lambda l: np.sign(l) * np.log1p(abs(l) / 0.7), [0.0]),
    "cauchit": (Cauchit(0.8, 0.7), lambda l: l / (1 + (l / 0.7) ** 2), [0.0]),
    "soft sign": (SoftSign(0.8, 0.7), lambda l: l / (0.7 + abs(l)), [0.0]),
    "tanh": (Tanh(0.8, 0.7), lambda l: np.tanh(l / 0.7), [0.0]),
    "trimmed": (Trimmed(0.8, 0.7), lambda l: np.where(abs(l) < 0.7, l, 0.0), [-0.7, 0.7]),
    "clip": (ll.Huber(0.8, 0.7), lambda l: np.clip(l, -0.7, 0.7), [-0.7, 0.7]),
}
OWN_LAWS = {
    "two-sided": (TwoSided(0.8, 0.2), two_sided, [0.0]),
    "gumbel": (Gumbel(0.3), stats.gumbel_r(0, 0.3).pdf, [0.0]),
    "gaussian": (ll.Gaussian(0.5), stats.norm(0, 0.5).pdf, [0.0]),
    "laplace": (ll.Laplace(0.6), stats.laplace(0, 0.6).pdf, [0.0]),
    "triangular": (Triangular(0.9), lambda e: np.maximum(0, 1 - abs(e) / 0.9) / 0.9, [-0.9, 0.9]),
    "logistic": (
        Logistic(0.2),
        lambda e: 1 / (0.8 * np.cosh(np.minimum(abs(e), 100) / 0.4) ** 2),
        [0.0],
    ),
}


def double_integral(psi, kinks, density, centres, risk):
    """Return E ψ(ℓ) Z/√(2R) (which is μ by Stein) and E ψ(ℓ)² over the pair (Z, ε)."""
    s, fine = math.sqrt(2 * risk), 2.0 ** np.arange(-28.0, 8.0)
    around = [0.0, *kinks, *centres]
    edges = [c + z for c in around for z in (*-fine, 0.0, *fine)]
    edges += [c + s * z for c in (0.0, *kinks) for z in np.linspace(-12, 12, 37)]
    e, w = panels(edges)
    w = w * density(e)
    e, w = e[w > 1e-22], w[w > 1e-22]
    near = np.concatenate([-fine[:31][::-1], [0.0], fine[:31]])
    mu = power = 0.0
    for part in np.array_split(np.arange(e.size), max(1, e.size // 400)):
        noise, weight = e[part], w[part]
        places = [np.clip((k + noise[:, None]) / s + near, -9.5, 9.5) for k in (0.0, *kinks)]
        places.append(np.tile(np.linspace(-9.5, 9.5, 20), (noise.size, 1)))
        z_edges = np.sort(np.concatenate(places, axis=1), axis=1)
        half, middle = 0.5 * np.diff(z_edges), 0.5 * (z_edges[:, 1:] + z_edges[:, :-1])
        for x, gauss in zip(GAUSS_X, GAUSS_W, strict=True):
            z = middle + half * x
            mass = half * gauss * np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
            value = psi(s * z - noise[:, None])
            mu += weight @ (value * z * mass).sum(1) / s
            power += weight @ (value**2 * mass).sum(1)
    return mu, power


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", OWN_LAWS)
def test_own_rules_and_own_laws(name, rule):
    """A rule and a law that the package has never seen, to the accuracy of the shipped ones."""
    law, density, centres = OWN_LAWS[name]
    method, psi, kinks = RULES[rule]
    found = expectations(problem_with(law), method)
    for risk in (1e-4, 0.25, 4.0):
        mu, power = double_integral(psi, kinks, density, centres, risk)
        assert abs(float(found.mu(risk)) / mu - 1) <= 1e-9
        assert abs(float(found.N(risk)) / power - 1) <= 1e-9


def test_a_rule_that_branches_on_its_field_falls_back_to_numbers(interpreted):
    @dataclass(frozen=True)
    class Branching(ll.Method):
        width: float

        def rule(self, l):  # noqa: E741
            return l if self.width > 3 else sp.Max(-self.width, sp.Min(l, self.width))

    problem = problem_with(ll.Gaussian(0.5))
    ours = expectations(problem, Branching(0.8, 0.7))
    shipped = expectations(problem, ll.Huber(0.8, 0.7))
    risks = np.array([1e-6, 1e-2, 1.0, 30.0])
    assert np.allclose(ours.mu(risks), shipped.mu(risks), rtol=1e-12)


def test_bind_discretises_a_density_to_unit_mass():
    problem, method = problem_with(Logistic(0.2)), ll.Huber(0.8, 0.7)
    binding = bind(ll.derive(problem, method), problem, method)
    assert abs(binding.weights.sum() - 1) < 1e-13
    assert abs(binding.weights @ binding.means**2 / ((0.2 * math.pi) ** 2 / 3) - 1) < 1e-12


@pytest.mark.slow
def test_two_quadratures_that_disagree_are_refused():
    @dataclass(frozen=True)
    class Growing(ll.Method):
        def rule(self, l):  # noqa: E741
            return sp.sinh(4 * l)

    with pytest.raises(ll.NoLimit, match="disagree"):
        expectations(problem_with(Logistic(0.2)), Growing(0.5))


@pytest.mark.slow
@pytest.mark.interpreted
def test_a_clip_that_moves_under_a_density_of_polynomials():
    """Nodes cannot stand around a kink that moves: the closed form agrees with them where it stands
    still."""
    problem = ll.LeastSquares(ll.isotropic(10), noise=Triangular(0.9))
    moving = expectations(problem, ll.Huber(0.5, ll.power_decay(1.0, 0.5, 2.0)))
    for time, threshold in ((0.0, 1.0), (6.0, 0.5)):
        still = expectations(problem, ll.Huber(0.5, threshold))
        for risk in (1e-6, 0.1, 3.0):
            assert float(moving.mu(risk, time)) == pytest.approx(float(still.mu(risk)), rel=1e-9)
            assert float(moving.N(risk, time)) == pytest.approx(float(still.N(risk)), rel=1e-9)
