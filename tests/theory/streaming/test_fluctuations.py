"""The covariance of one step: its moments, its closed forms, and what is read off it."""

import dataclasses
import math

import numpy as np
import pytest
import sympy as sp

import limitlab as ll
from limitlab.solvers.core.compile import load
from limitlab.theory.core.symbols import (
    decay_rate,
    dimension,
    energy,
    other_decay_rate,
    other_energy,
    other_source_weight,
    risk,
    same_mode,
    source_weight,
)
from limitlab.theory.streaming.derive import bind
from limitlab.theory.streaming.derive import derive as derive_streaming
from limitlab.theory.streaming.noise_parts import noise_parts

LAWS = {
    "none": ll.NoNoise(),
    "gaussian": ll.Gaussian(0.5),
    "rademacher": ll.Rademacher(0.5),
    "uniform": ll.Uniform(0.9),
    "laplace": ll.Laplace(0.6),
    "student 5": ll.StudentT(5, 0.5),
    "mixture": ll.GaussianMixture([0.8, 0.2], [0.2, 1.5], means=[0.1, -0.4]),
    "empirical": ll.Empirical([-0.8, -0.1, 0.2, 0.9, 0.3]),
}
eta = sp.Symbol("eta", positive=True, real=True)
variance = sp.Symbol("sigma^2", nonnegative=True, real=True)
fourth = sp.Symbol("m_4", nonnegative=True, real=True)


@dataclasses.dataclass(frozen=True)
class Trimmed(ll.Method):
    """A rule with jumps: they reach every term of the moments."""

    width: float

    def rule(self, l):  # noqa: E741
        return sp.Piecewise((l, sp.Abs(l) < self.width), (0, True))


@dataclasses.dataclass(frozen=True)
class SmoothTanh(ll.Method):
    """A rule without closed forms."""

    def rule(self, l):  # noqa: E741
        return sp.tanh(l)


RULES = {
    "sgd": (ll.SGD(0.5), lambda l: l, ()),
    "clip": (ll.ClippedSGD(0.8, 0.7), lambda l: np.clip(l, -0.7, 0.7), (-0.7, 0.7)),
    "trimmed": (Trimmed(0.8, 0.7), lambda l: np.where(abs(l) < 0.7, l, 0.0), (-0.7, 0.7)),
}


def derived(law, method):
    problem = ll.LeastSquares(ll.isotropic(50), noise=law)
    return problem, derive_streaming(problem, method, limit="fluctuations")


def definitions(system):
    return {f.func.__name__: e for f, e in system.definitions}


def values_of(law, method, names, risks):
    """Return generated functions at risks, one row a name."""
    problem, system = derived(law, method)
    module = load(system.source, "streaming/expectations")
    b = bind(system, problem, method)
    arrays = [np.array(a) for a in (b.p, b.weights, b.means, b.scales)]
    return np.array([[getattr(module, n)(R, 0.0, *arrays) for R in risks] for n in names])


def test_unclipped_sgd_has_the_closed_form():
    """D, E, F, H of clipping.md 4.2 for ψ(ℓ) = ℓ and centred noise."""
    _, system = derived(ll.Laplace(0.6), ll.SGD(0.5))
    given = system.definitions
    parts = [sp.expand(p.subs(given)) for p in vars(system.noise).values()]
    P = 2 * risk + variance
    H = eta**4 / 4 * (8 * risk**2 + 8 * risk * variance + fourth - variance**2)
    for part, exact in zip(parts, (2 * eta**2 * P, 4 * eta**2, -2 * eta**3 * P, H), strict=True):
        assert sp.expand(part - exact) == 0


def test_signs_lose_the_outer_product_of_their_mean():
    """signsgd.md 4.3 for diagonal K: 2 λ² y δ − 4 g² λ y λ y with g = √(2/π) μ."""
    _, system = derived(ll.Laplace(0.6), ll.SignSGD(0.4))
    mu, power = (f for f, _ in system.definitions[:2])
    flow, other = decay_rate * energy, other_decay_rate * other_energy
    own = 2 * decay_rate * other_decay_rate * energy * same_mode
    exact = own - 8 / sp.pi * mu**2 * flow * other
    assert sp.simplify(system.covariance - eta**2 * power * exact) == 0


def double_integral(psi, kinks, law, R):
    """Return χ, ζ and M₄ by Stein the other way: E ψ²(Z² − 1)/2R, E ψ³ Z/√2R and E ψ⁴."""
    s = math.sqrt(2 * R)
    e, w = noise_nodes(law, kinks, s)
    x, gauss = np.polynomial.legendre.leggauss(20)
    places = [np.clip((k + e[:, None]) / s, -9.5, 9.5) for k in kinks]
    places.append(np.tile(np.linspace(-9.5, 9.5, 40), (e.size, 1)))
    edges = np.sort(np.concatenate(places, axis=1), axis=1)
    half, middle = 0.5 * np.diff(edges), 0.5 * (edges[:, 1:] + edges[:, :-1])
    total = np.zeros(3)
    for node, weight in zip(x, gauss, strict=True):
        z = middle + half * node
        mass = half * weight * np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
        h = psi(s * z - e[:, None])
        terms = (h**2 * (z**2 - 1) / s**2, h**3 * z / s, h**4)
        total += [w @ (term * mass).sum(1) for term in terms]
    return total


def noise_nodes(law, kinks, s):
    """Return nodes and weights of a law with an elementary density, or of its atoms."""
    heights = {
        "Gaussian": lambda e: np.exp(-2 * e**2) * math.sqrt(2 / math.pi),
        "Laplace": lambda e: np.exp(-abs(e) / 0.6) / 1.2,
        "Uniform": lambda e: (abs(e) < 0.9) / 1.8,
    }
    density = heights.get(type(law).__name__)
    if density is None:
        weights, means, _ = law.component_arrays()
        return means, weights
    edges = np.concatenate(
        [
            np.linspace(-6, 6, 25),
            np.linspace(-30, 30, 31),
            (-0.9, 0.0, 0.9),
            *(k + s * np.linspace(-10, 10, 21) for k in kinks),
        ]
    )
    edges = np.unique(edges)
    x, gauss = np.polynomial.legendre.leggauss(20)
    half, middle = 0.5 * np.diff(edges), 0.5 * (edges[1:] + edges[:-1])
    e = (middle[:, None] + half[:, None] * x).ravel()
    w = (half[:, None] * gauss).ravel() * density(e)
    return e[w > 1e-22], w[w > 1e-22]


def worst_error(rule, name, risks):
    method, psi, kinks = RULES[rule]
    found = values_of(LAWS[name], method, ("chi", "zeta", "fourth"), risks)
    exact = np.array([double_integral(psi, kinks, LAWS[name], R) for R in risks]).T
    return np.max(np.abs(found - exact) / (1e-3 + np.abs(exact)))


@pytest.mark.parametrize(
    ("rule", "name"),
    [("sgd", "uniform"), ("clip", "rademacher"), ("trimmed", "none"), ("trimmed", "laplace")],
)
def test_moments_against_quadrature(rule, name, interpreted):
    assert worst_error(rule, name, (0.25,)) <= 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", ["none", "rademacher", "laplace", "uniform", "gaussian"])
def test_every_moment_against_quadrature(rule, name, interpreted):
    assert worst_error(rule, name, (0.02, 0.25, 3.0)) <= 1e-9


def test_the_quadrature_notices_a_lost_kink(interpreted):
    """Without the jumps of (ψ²)′ the χ of a clip is twice its μ: the comparison refuses that."""
    method, psi, kinks = RULES["clip"]
    exact = double_integral(psi, kinks, LAWS["laplace"], 0.25)[0]
    (mu,) = values_of(LAWS["laplace"], method, ("mu",), (0.25,))
    assert abs(2 * mu[0] - exact) > 0.05


@pytest.mark.parametrize(
    ("rule", "name"),
    [("clip", "laplace"), ("clip", "student 5"), ("trimmed", "mixture"), ("tanh", "gaussian")],
)
def test_chi_is_the_slope_of_the_mean_square(rule, name, interpreted):
    """d/dR E f(ℓ) = E f″(ℓ): the heat equation, for laws of every form."""
    method = SmoothTanh(0.8) if rule == "tanh" else RULES[rule][0]
    R, step = 0.25, 1e-3
    risks = R * np.exp(step * np.arange(-2, 3))
    chi, power = values_of(LAWS[name], method, ("chi", "power"), risks)
    slope = (power @ [1, -8, 0, 8, -1]) / (12 * step * R)
    assert abs(chi[2] / slope - 1) < 1e-8


def sampled_means(psi, law, R, rng, count=100_000):
    """Return samples of h²g², h³g and h⁴ with g = √(2R) Z."""
    g = math.sqrt(2 * R) * rng.standard_normal(count)
    h = psi(g - law.sample(rng, count))
    return np.array([h**2 * g**2, h**3 * g, h**4])


def z_scores(rule, name, count, wrong=1.0):
    method, psi, _ = RULES[rule]
    rng = np.random.default_rng(20)
    risks = np.exp(rng.uniform(-3, 1, count))
    names = ("power", "chi", "zeta", "fourth")
    N, chi, zeta, m4 = values_of(LAWS[name], method, names, risks)
    s2 = 2 * risks
    exact = np.array([s2 * N + s2**2 * chi * wrong, s2 * zeta, m4])
    scores = []
    for k, R in enumerate(risks):
        draws = sampled_means(psi, LAWS[name], R, rng)
        scores.append((draws.mean(1) - exact[:, k]) / (draws.std(1) / math.sqrt(draws.shape[1])))
    return np.abs(scores)


def test_moments_against_monte_carlo(interpreted):
    """8 random states, 24 z-scores: one above 5 in 7·10⁴ repetitions."""
    assert z_scores("clip", "mixture", 8).max() <= 5
    assert z_scores("clip", "mixture", 8, wrong=1.5).max() > 5


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", ["laplace", "uniform", "mixture"])
def test_every_moment_against_monte_carlo(rule, name, interpreted):
    assert z_scores(rule, name, 50).max() <= 5


def test_the_mean_needs_two_moments_and_the_spread_four():
    problem = ll.LeastSquares(ll.isotropic(10), noise=ll.StudentT(3, 0.5))
    assert derive_streaming(problem, ll.SGD(0.5)).covariance is None
    with pytest.raises(ll.NoLimit, match=r"E ε\^4 is infinite.*fluctuations"):
        derive_streaming(problem, ll.SGD(0.5), limit="fluctuations")
    for method in (ll.ClippedSGD(0.8, 1.0), ll.SignSGD(0.4)):
        assert derive_streaming(problem, method, limit="fluctuations").covariance is not None


@pytest.mark.parametrize("method", [ll.SGD(0.5), ll.SignSGD(0.4 / (1 + ll.t)), RULES["clip"][0]])
@pytest.mark.parametrize("name", ["laplace", "student 5"])
def test_the_mean_of_a_noisy_system_is_the_plain_one(method, name):
    """The same generated text: adding the covariance costs the risk ODE nothing."""
    problem, system = derived(LAWS[name], method)
    assert system.mean.source == derive_streaming(problem, method).source


def test_a_covariance_of_another_form_is_refused():
    _, system = derived(ll.Gaussian(0.5), ll.SGD(0.5))
    for wrong in (energy**2, decay_rate * system.covariance, source_weight * other_energy):
        with pytest.raises(ll.InvalidInput, match="covariance"):
            noise_parts(wrong)


def test_what_is_read_off_adds_up_to_the_covariance():
    _, system = derived(ll.Laplace(0.6), ll.ClippedSGD(0.8, 1.0))
    D, E, F, H = vars(system.noise).values()
    flow, other = decay_rate * energy, other_decay_rate * other_energy
    c, c_other = source_weight / dimension, other_source_weight / dimension
    rebuilt = D * flow * other_decay_rate * same_mode + E * flow * other
    rebuilt += F * (c * other + c_other * flow) + H * c * c_other
    assert sp.expand(rebuilt - system.covariance) == 0


def drawn(system):
    """Return the lines of LaTeX, each of which mathtext has drawn."""
    from matplotlib.mathtext import MathTextParser

    lines, parser = system.latex().splitlines(), MathTextParser("path")
    for line in lines:
        parser.parse(f"${line}$")
    return lines


@pytest.mark.slow
@pytest.mark.parametrize("name", ["laplace", "student 5"])
def test_every_latex_is_drawn_by_mathtext(name):
    drawn(derived(LAWS[name], ll.ClippedSGD(0.8, 1.0))[1])


def test_latex_and_explanation():
    _, system = derived(ll.Gaussian(0.5), ll.SGD(0.5))
    for start in ("G_{ij}", "J_{ij}", r"\dot{\Sigma}", r"\chi", r"\zeta", "M_{4}"):
        assert any(line.startswith(start) for line in drawn(system))
    for word in ("Stein twice", "E[h² g_i g_j]", "Δy_i", "G_ij"):
        assert word in system.explain()
