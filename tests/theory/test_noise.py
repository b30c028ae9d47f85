"""Every law: samples against cdf and moments beside a negative control, moments, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy as sp
from scipy import integrate, stats

from limitlab.theory.core.errors import InvalidInput, NotAvailable
from limitlab.theory.noise import (
    LAWS,
    Cauchy,
    Empirical,
    Gaussian,
    GaussianMixture,
    Laplace,
    Noise,
    NoNoise,
    Rademacher,
    StudentT,
    Uniform,
)

DRAWS = 100_000
LEVEL = 1e-5  # of one test; a few dozen tests keep the false alarms of the file below 1e-3
MIXTURE = ((0.9, 0.1), (0.3, 2.0), (0.0, 1.0))
RESIDUALS = np.array([-1.0, -0.25, 0.5, 0.5, 2.0])


def mixture_cdf(x, weights, scales, means):
    return sum(p * stats.norm.cdf(x, m, s) for p, s, m in zip(weights, scales, means, strict=True))


CONTINUOUS = {
    "gaussian": (Gaussian(0.5), stats.norm(scale=0.5).cdf),
    "uniform": (Uniform(0.9), stats.uniform(-0.9, 1.8).cdf),
    "laplace": (Laplace(0.6), stats.laplace(scale=0.6).cdf),
    "student": (StudentT(4, 0.5), stats.t(4, scale=0.5).cdf),
    "heavy student": (StudentT(0.8, 0.5), stats.t(0.8, scale=0.5).cdf),
    "cauchy": (Cauchy(0.3), stats.cauchy(scale=0.3).cdf),
    "mixture": (GaussianMixture(*MIXTURE), lambda x: mixture_cdf(x, *MIXTURE)),
    "smoothed": (
        Empirical(RESIDUALS, bandwidth=0.2),
        lambda x: mixture_cdf(x, [0.2] * 5, [0.2] * 5, RESIDUALS),
    ),
}
DISCRETE = {
    "rademacher": (Rademacher(0.5), {-0.5: 0.5, 0.5: 0.5}),
    "empirical": (Empirical(RESIDUALS), {-1.0: 0.2, -0.25: 0.2, 0.5: 0.4, 2.0: 0.2}),
    "none": (NoNoise(), {0.0: 1.0}),
}
ALL = [law for law, _ in (*CONTINUOUS.values(), *DISCRETE.values())]


def test_every_shipped_law_is_covered():
    assert {type(law) for law in ALL} == set(LAWS)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_samples_follow_the_cdf_and_not_one_ten_percent_wider(name):
    law, cdf = CONTINUOUS[name]
    draws = law.sample(np.random.default_rng(11), DRAWS)
    assert stats.kstest(draws, cdf).pvalue > LEVEL
    assert stats.kstest(draws, lambda x: cdf(x / 1.1)).pvalue < LEVEL


@pytest.mark.parametrize("name", DISCRETE)
def test_atoms_occur_with_their_frequencies(name):
    law, atoms = DISCRETE[name]
    draws = law.sample(np.random.default_rng(12), DRAWS)
    values, counts = np.unique(draws, return_counts=True)
    np.testing.assert_array_equal(values, sorted(atoms))
    expected = np.array([atoms[v] for v in values]) * DRAWS
    assert len(atoms) == 1 or stats.chisquare(counts, expected).pvalue > LEVEL


def test_wrong_frequencies_are_seen():
    draws = Rademacher(1).sample(np.random.default_rng(13), DRAWS)
    up = np.count_nonzero(draws > 0)
    assert stats.binomtest(up, DRAWS, 0.52).pvalue < LEVEL


WITH_ERRORS = [(law, k) for law in ALL for k in (1, 2, 4) if math.isfinite(law.moment(2 * k))]


@pytest.mark.parametrize(("law", "order"), WITH_ERRORS)
def test_sampled_moments(law, order):
    powers = law.sample(np.random.default_rng(14), DRAWS) ** order
    error = math.sqrt(law.moment(2 * order) - law.moment(order) ** 2) / math.sqrt(DRAWS)
    assert abs(powers.mean() - law.moment(order)) <= 4.5 * error + 1e-15


@pytest.mark.parametrize("law", ALL, ids=lambda law: law.label)
def test_shapes_seeds_and_hash(law):
    first = law.sample(np.random.default_rng(5), (3, 4))
    second = law.sample(np.random.default_rng(5), (3, 4))
    assert first.shape == (3, 4) and first.dtype == np.float64
    np.testing.assert_array_equal(first, second)
    assert hash(law) == hash(law) and law == law
    assert list(law.support_points) == sorted(law.support_points)


def test_moments_of_the_laws():
    assert Gaussian(0.5).fourth_moment == pytest.approx(3 * 0.5**4, rel=1e-15)
    assert Rademacher(0.5).fourth_moment == 0.5**4
    assert Uniform(0.9).variance == pytest.approx(0.9**2 / 3, rel=1e-15)
    assert Laplace(0.6).variance == pytest.approx(2 * 0.6**2, rel=1e-15)
    assert Laplace(0.6).fourth_moment == pytest.approx(24 * 0.6**4, rel=1e-15)
    assert StudentT(6, 0.5).fourth_moment == pytest.approx(3 * 36 / (4 * 2) * 0.5**4, rel=1e-15)
    assert StudentT(2.2).variance == pytest.approx(2.2 / 0.2, rel=1e-14)
    assert StudentT(2, 0.5).variance == math.inf
    assert StudentT(3, 0.4).fourth_moment == math.inf
    assert Cauchy(1).moment(1) == math.inf
    assert Empirical(RESIDUALS, 0.2).variance == pytest.approx(np.mean(RESIDUALS**2) + 0.04)
    assert [law.moment(0) for law in ALL] == [1.0] * len(ALL)


def test_density_at_zero():
    assert Gaussian(0.5).density_at_zero == pytest.approx(stats.norm(scale=0.5).pdf(0))
    assert Uniform(0.9).density_at_zero == pytest.approx(1 / 1.8)
    assert Laplace(0.6).density_at_zero == pytest.approx(1 / 1.2)
    assert StudentT(4, 0.5).density_at_zero == pytest.approx(stats.t(4, scale=0.5).pdf(0))
    assert Cauchy(0.3).density_at_zero == pytest.approx(1 / (0.3 * math.pi))
    assert Rademacher(1).density_at_zero == 0
    assert NoNoise().density_at_zero == math.inf


@pytest.mark.parametrize("df", [0.5, 1.0, 2.2, 4.0, 30.0, 1e3, 1e6])
def test_student_nodes_make_the_student_density(df):
    weights, means, scales = StudentT(df, 0.5).component_arrays()
    assert weights.size >= 100 and not means.any()
    e = np.concatenate([[0.0], np.geomspace(1e-3, 20.0, 60)])
    mixture = stats.norm.pdf(e[:, None] / scales) / scales @ weights
    exact = stats.t.pdf(e, df, scale=0.5)
    # the nodes leave out a mass of e^-40, which is all that some far tails have
    np.testing.assert_allclose(mixture, exact, rtol=1e-11, atol=1e-17)


@pytest.mark.parametrize(
    ("law", "phi"), [(Laplace(0.6), 0.44928776), (StudentT(4, 0.5), 0.48513909)]
)
def test_sign_drift_of_the_specification(law, phi):
    """φ(R) = (2/π) E exp(-ε²/4R) at R = 1/4, from the density."""
    e = sp.Symbol("e", real=True)
    density = sp.lambdify(e, law.density(e), "numpy")
    value = 2 * integrate.quad(lambda x: density(x) * np.exp(-x * x), 0, np.inf, epsabs=1e-13)[0]
    assert 2 / math.pi * value == pytest.approx(phi, abs=5e-9)


@pytest.mark.parametrize("law", ALL, ids=lambda law: law.label)
def test_densities_are_those_of_the_components(law):
    e = sp.Symbol("e", real=True)
    density, parts = law.density(e), law.component_arrays()
    if density is None or parts is None:
        assert density is not None or parts is not None
        return
    weights, means, scales = parts
    for x in (0.0, 0.3, -1.7):
        mixture = weights @ stats.norm.pdf(x, means, scales)
        assert float(density.subs(e, x)) == pytest.approx(mixture, rel=1e-12)


@pytest.mark.parametrize("kind", [Gaussian, Rademacher, Uniform, Laplace, Cauchy])
def test_formulas_hold_for_symbolic_fields(kind):
    twin = object.__new__(kind)
    scale = sp.Symbol("s", positive=True)
    object.__setattr__(twin, "halfwidth" if kind is Uniform else "scale", scale)
    shown = twin.density(sp.Symbol("e", real=True))
    if shown is None:
        shown = sp.Tuple(*twin.components()[1])
    assert scale in shown.free_symbols
    assert kind is Cauchy or sp.sympify(twin.moment(2)).free_symbols == {scale}


# ---- laws of the user ----


class Shifted(Noise):
    """A Laplace law about 1, by its density alone."""

    def density(self, e):
        return sp.exp(-sp.Abs(e - 1) / 2) / 4


class Heavy(Noise):
    def __init__(self, df):
        self.df = df

    def density(self, e):
        return StudentT(self.df, 0.4).density(e)


class Triangle(Noise):
    def density(self, e):
        return sp.Max(0, 1 - sp.Abs(e))

    def sample(self, rng, n):
        return rng.triangular(-1, 0, 1, n)


class Sparse(Noise):
    def components(self):
        return (0.8, 0.1, 0.1), (0, -2, 2), (0, 0, 0)


class Declared(Triangle):
    variance = math.inf


def test_moments_of_a_density_by_quadrature():
    np.testing.assert_allclose([Shifted().moment(k) for k in range(5)], [1, 1, 9, 25, 433], 1e-12)
    assert Triangle().variance == pytest.approx(1 / 6, rel=1e-12)
    assert Triangle().fourth_moment == pytest.approx(1 / 15, rel=1e-12)
    for df in (2.2, 3.5, 4.02):
        assert Heavy(df).variance == pytest.approx(StudentT(df, 0.4).variance, rel=1e-11)
    assert Heavy(3.5).fourth_moment == math.inf
    assert Heavy(2.0).variance == math.inf


def test_kinks_of_a_density_are_found():
    assert Shifted().support_points == (1.0,)
    assert Triangle().support_points == (-1.0, 0.0, 1.0)


def test_a_mixture_needs_no_sampler():
    draws = Sparse().sample(np.random.default_rng(3), DRAWS)
    counts = np.unique(draws, return_counts=True)[1]
    assert stats.chisquare(counts, DRAWS * np.array([0.1, 0.8, 0.1])).pvalue > LEVEL
    assert Sparse().variance == pytest.approx(0.8)
    assert Sparse().density_at_zero == math.inf


def test_a_declared_moment_is_believed():
    assert Declared().variance == math.inf
    assert Declared().moment(2) == Declared().moment(4) == math.inf


def test_a_density_without_sampler_says_so():
    with pytest.raises(NotAvailable, match="sample"):
        Shifted().sample(np.random.default_rng(0), 3)


def test_a_density_that_misses_mass_is_refused():
    class Half(Noise):
        def density(self, e):
            return sp.exp(-sp.Abs(e)) / 4

    with pytest.raises(InvalidInput, match="integrates to 0.5"):
        Half().moment(2)


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Gaussian(0), "scale"),
        (lambda: Gaussian(math.nan), "scale"),
        (lambda: Gaussian("0.5"), "scale"),
        (lambda: Rademacher(-1), "scale"),
        (lambda: Uniform(math.inf), "halfwidth"),
        (lambda: Laplace(True), "scale"),
        (lambda: StudentT(0), "df"),
        (lambda: StudentT(3, -1), "scale"),
        (lambda: Cauchy(None), "scale"),
        (lambda: GaussianMixture([0.5, 0.4], [1, 1]), "weights"),
        (lambda: GaussianMixture([1.5, -0.5], [1, 1]), "weights"),
        (lambda: GaussianMixture([0.5, 0.5], [1]), "scales"),
        (lambda: GaussianMixture([0.5, 0.5], [1, -1]), "scales"),
        (lambda: GaussianMixture([0.5, 0.5], [1, 1], [0, math.nan]), "means"),
        (lambda: Empirical([]), "samples"),
        (lambda: Empirical([1.0, math.inf]), "samples"),
        (lambda: Empirical([[1.0]]), "samples"),
        (lambda: Empirical(["a"]), "samples"),
        (lambda: Empirical([1.0], -0.1), "bandwidth"),
    ],
)
def test_bad_input_is_refused_by_name(make, field):
    with pytest.raises(InvalidInput) as caught:
        make()
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field} = ") and caught.value.remedy
    assert isinstance(caught.value, ValueError)


def test_empirical_laws_compare_by_content():
    long = np.arange(5000.0)
    other = long.copy()
    other[2500] += 1e-9
    assert Empirical(long) == Empirical(long.copy())
    assert Empirical(long) != Empirical(other)
    assert len({Empirical(long), Empirical(long.copy()), Empirical(long, 0.1)}) == 2
    with pytest.raises(ValueError, match="read-only"):
        Empirical(long).samples[0] = 1.0
