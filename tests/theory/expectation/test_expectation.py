"""Every derived μ, N and φ against quadrature that knows nothing of the derivation."""

import math

import mpmath
import numpy as np
import pytest
from scipy.special import log_ndtr, logsumexp

import limitlab as ll
from limitlab.solvers.streaming.expectations import expectations
from limitlab.theory.expectation.reference import reference

RISKS = np.array([1e-6, 1e-4, 1e-2, 0.25, 1.0, 30.0])
THRESHOLDS = (0.01, 0.7, 5.0)
LAWS = {
    "none": ll.NoNoise(),
    "gaussian": ll.Gaussian(0.5),
    "rademacher": ll.Rademacher(0.5),
    "uniform": ll.Uniform(0.9),
    "laplace": ll.Laplace(0.6),
    "student 4": ll.StudentT(4, 0.5),
    "student 3": ll.StudentT(3, 0.4),
    "cauchy": ll.Cauchy(0.3),
    "mixture": ll.GaussianMixture([0.8, 0.2], [0.2, 1.5], means=[0.1, -0.4]),
    "empirical": ll.Empirical([-0.8, -0.1, 0.2, 0.9, 0.3]),
}
GAUSS_X, GAUSS_W = np.polynomial.legendre.leggauss(20)
OCTAVES = 2.0 ** np.arange(-25.0, 45.0)


def problem_with(law):
    return ll.LeastSquares(ll.isotropic(10), noise=law)


def panels(edges):
    edges = np.unique(edges)
    half, middle = 0.5 * np.diff(edges), 0.5 * (edges[1:] + edges[:-1])
    return (middle[:, None] + half[:, None] * GAUSS_X).ravel(), (half[:, None] * GAUSS_W).ravel()


def density_of(law):
    """Densities written out here once more, as an independent statement of each law."""
    if isinstance(law, ll.Gaussian):
        return lambda e: np.exp(-0.5 * (e / law.scale) ** 2) / (law.scale * math.sqrt(2 * math.pi))
    if isinstance(law, ll.Laplace):
        return lambda e: np.exp(-abs(e) / law.scale) / (2 * law.scale)
    if isinstance(law, ll.Uniform):
        return lambda e: (abs(e) < law.halfwidth) / (2 * law.halfwidth)
    if isinstance(law, (ll.StudentT, ll.Cauchy)):
        df = getattr(law, "df", 1.0)
        height = math.gamma((df + 1) / 2) / math.gamma(df / 2) / math.sqrt(df * math.pi)
        return lambda e: height / law.scale * (1 + (e / law.scale) ** 2 / df) ** (-(df + 1) / 2)
    if isinstance(law, ll.GaussianMixture):
        parts = list(zip(law.weights, law.means, law.scales, strict=True))
        return lambda e: sum(
            w * np.exp(-0.5 * ((e - m) / s) ** 2) / (s * math.sqrt(2 * math.pi))
            for w, m, s in parts
        )
    return None


def nodes_of(law, kinks, s):
    """Nodes and weights of the noise, fine near its own kinks and near those of the rule."""
    density = density_of(law)
    if density is None:
        weights, means, _ = law.component_arrays()
        return means, weights
    centres = [0.0, *kinks, *law.support_points]
    edges = [c + z for c in centres for z in (*-OCTAVES, 0.0, *OCTAVES)]
    edges += [c + s * z for c in centres for z in np.linspace(-10, 10, 41)]
    e, w = panels(edges)
    w = w * density(e)
    kept = w > 1e-40 * w.max()
    return e[kept], w[kept]


def log_direct(law, risk, c, what):
    """Logarithm of μ, N or φ as a double integral over noise and Gaussian, in log space."""
    s = math.sqrt(2 * risk)
    e, w = nodes_of(law, [0.0] if what == "phi" else [c, -c], s)
    if what == "phi":
        return math.log(2 / math.pi) + logsumexp(-(e**2) / (4 * risk), b=w)
    inside = _log_inside(e, w, s, c, (lambda l: 0 * l) if what == "mu" else _log_square)
    if what == "mu":
        return inside
    tails = [logsumexp(2 * math.log(c) + log_ndtr((sign * e - c) / s), b=w) for sign in (-1, 1)]
    return logsumexp([inside, *tails])


def _log_square(l):  # noqa: E741
    return 2 * np.log(np.abs(l) + 1e-300)


def _log_inside(e, w, s, c, log_f):
    near = np.clip(-e, -c, c)
    reach = s * 2.0 ** np.arange(-4, 5.4, 0.25)
    offsets = np.concatenate([-reach[::-1], [0.0], reach])
    edges = np.clip(near[:, None] + offsets, -c, c)
    ends = np.full((e.size, 1), c)
    edges = np.concatenate([-ends, edges, ends], axis=1)
    half, middle = 0.5 * np.diff(edges, axis=1), 0.5 * (edges[:, 1:] + edges[:, :-1])
    parts = []
    for x, weight in zip(GAUSS_X, GAUSS_W, strict=True):
        l = middle + half * x  # noqa: E741
        exponent = log_f(l) - 0.5 * ((l + e[:, None]) / s) ** 2
        parts.append(logsumexp(exponent, b=half * weight, axis=1))
    return logsumexp(logsumexp(parts, axis=0), b=w) - math.log(s * math.sqrt(2 * math.pi))


def relative_error(value, log_reference):
    """Return the relative error, of the logarithm where the value is below 1e-100."""
    if value == 0.0:
        return math.inf
    gap = math.log(value) - log_reference
    return abs(gap / log_reference) if log_reference < math.log(1e-100) else abs(math.expm1(gap))


def errors(law, c, risks=RISKS):
    """Return the worst relative error over ``risks`` for μ and N of the clip and φ of the sign."""
    problem = problem_with(law)
    clip, sign = (
        expectations(problem, ll.ClippedSGD(0.8, c)),
        expectations(problem, ll.SignSGD(0.4)),
    )
    found = {"mu": clip.mu(risks), "N": clip.N(risks), "phi": sign.phi(risks)}
    worst = dict.fromkeys(found, 0.0)
    for what, values in found.items():
        for risk, value in zip(risks, values, strict=True):
            exact = log_direct(law, risk, c, what)
            if exact < -700:  # below the smallest float: see test_values_below_the_smallest_float
                assert value < 1e-300
                continue
            worst[what] = max(worst[what], relative_error(value, exact))
    return worst


@pytest.mark.parametrize("name", ["none", "rademacher", "uniform", "laplace", "empirical"])
def test_laws_against_independent_quadrature(name, interpreted):
    worst = errors(LAWS[name], 0.7, np.array([1e-4, 0.25, 30.0]))
    assert max(worst.values()) <= 1e-9, worst


@pytest.mark.slow
@pytest.mark.parametrize("c", THRESHOLDS)
@pytest.mark.parametrize("name", LAWS)
def test_every_law_against_independent_quadrature(name, c, interpreted):
    worst = errors(LAWS[name], c)
    assert max(worst.values()) <= 1e-9, worst


def test_the_quadrature_notices_a_wrong_law():
    exact = log_direct(ll.Laplace(0.6), 0.25, 0.7, "mu")
    wrong = log_direct(ll.Laplace(0.61), 0.25, 0.7, "mu")
    assert abs(exact - wrong) > 1e-4


def test_values_below_the_smallest_float(interpreted):
    """Rademacher noise, c < a, R → 0: log μ and log φ from the derived formula itself."""
    problem, a = problem_with(ll.Rademacher(0.5)), 0.5
    for method, c in ((ll.SignSGD(0.4), None), (ll.ClippedSGD(0.8, 0.01), 0.01)):
        system = ll.derive(problem, method)
        values = {
            q.symbol: q.read({"method": method, "noise": problem.noise}) for q in system.parameters
        }
        mu = reference(dict(system.definitions)[system.definitions[0][0]], values, ((), (), ()))
        log_mu = float(mpmath.log(mu(1e-6)))
        if c is None:  # μ = 2 p(0)
            exact = math.log(2 / math.sqrt(4e-6 * math.pi)) - a**2 / 4e-6
        else:
            exact = float(log_ndtr((c - a) / math.sqrt(2e-6)))
        assert abs(log_mu / exact - 1) <= 1e-9


@pytest.mark.parametrize(
    ("law", "phi", "mu", "power"),
    [
        (ll.Laplace(0.6), 0.44928776, 0.50948957, 0.31755648),
        (ll.Uniform(0.9), None, 0.56620224, 0.29824292),
        (ll.StudentT(4, 0.5), 0.48513909, 0.54607475, 0.30461511),
    ],
)
def test_sanity_values(law, phi, mu, power, interpreted):
    problem = problem_with(law)
    clip = expectations(problem, ll.ClippedSGD(0.8, 0.7))
    assert round(float(clip.mu(0.25)), 8) == mu
    assert round(float(clip.N(0.25)), 8) == power
    if phi is not None:
        assert round(float(expectations(problem, ll.SignSGD(0.4)).phi(0.25)), 8) == phi
