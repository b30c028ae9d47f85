"""Covariances: spectra, normalisation, size, and refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate

from limitlab.theory.core.errors import InvalidInput, ValidityWarning
from limitlab.theory.covariance import (
    Diagonal,
    from_data,
    from_density,
    from_eigenvalues,
    from_matrix,
    isotropic,
    marchenko_pastur,
    power_law,
    toeplitz,
)
from limitlab.theory.covariance.marchenko_pastur import mass


def random_matrix(d=12, seed=0):
    factor = np.random.default_rng(seed).standard_normal((3 * d, d))
    return factor.T @ factor / (3 * d) * np.outer(np.arange(1, d + 1), np.arange(1, d + 1)) / 9


FINITE = {
    "isotropic": isotropic(20),
    "power law": power_law(20, 0.7),
    "marchenko pastur": marchenko_pastur(20, 0.4),
    "wide marchenko pastur": marchenko_pastur(20, 2.5),
    "grouped": from_eigenvalues([2, 0.5, 2], [3, 4, 1]),
    "matrix": from_matrix(random_matrix()),
    "toeplitz": toeplitz(15, -0.6, np.linspace(0.5, 2, 15)),
    "data": from_data(np.random.default_rng(1).standard_normal((40, 9))),
}


def as_matrix(law):
    return np.diag(law.expanded()) if law.is_diagonal else law.matrix


@pytest.mark.parametrize("law", FINITE.values(), ids=FINITE)
def test_the_common_interface_against_the_matrix(law):
    K = as_matrix(law)
    d = law.dimension
    assert K.shape == (d, d) and isinstance(d, int)
    np.testing.assert_allclose(law.diagonal, np.diag(K))
    np.testing.assert_allclose(np.sort(law.expanded()), np.linalg.eigvalsh(K), atol=1e-12)
    assert law.trace == pytest.approx(np.trace(K), rel=1e-12)
    assert law.mean_eigenvalue == pytest.approx(np.trace(K) / d, rel=1e-12)
    assert law.second_moment == pytest.approx(np.trace(K @ K) / d, rel=1e-12)
    assert law.norm == pytest.approx(np.linalg.norm(K, 2), rel=1e-12)
    assert law.intrinsic_dimension == pytest.approx(np.trace(K) / np.linalg.norm(K, 2), rel=1e-12)
    assert law.multiplicities.dtype == np.int64
    with pytest.raises(ValueError, match="read-only"):
        law.eigenvalues[0] = 1


@pytest.mark.parametrize("name", ["matrix", "toeplitz", "data"])
def test_eigenvectors_belong_to_the_eigenvalues(name):
    law = FINITE[name]
    rebuilt = law.eigenvectors * law.eigenvalues @ law.eigenvectors.T
    np.testing.assert_allclose(rebuilt, law.matrix, atol=1e-12 * law.norm)
    top = np.argmax(np.abs(law.eigenvectors), axis=0)
    assert np.all(law.eigenvectors[top, np.arange(top.size)] > 0)


def test_mean_eigenvalue_one_unless_told():
    for law in (power_law(50, 0.5), marchenko_pastur(50, 0.5), FINITE["data"]):
        assert law.mean_eigenvalue == pytest.approx(1.0, rel=1e-14)
    assert marchenko_pastur(51, 3.0).mean_eigenvalue == pytest.approx(1.0, rel=1e-14)
    kept = power_law(4, 2, normalise=False)
    np.testing.assert_allclose(kept.eigenvalues, [1, 1 / 4, 1 / 9, 1 / 16])
    X = np.random.default_rng(1).standard_normal((40, 9)) * 3
    np.testing.assert_allclose(from_data(X, normalise=False).matrix, X.T @ X / 40)
    scaled = from_data(X)
    np.testing.assert_allclose(scaled.matrix, X.T @ X / 40 * scaled.scale)


def test_equal_neighbours_are_grouped_and_order_is_kept():
    law = from_eigenvalues([2, 2, 0.5, 2])
    np.testing.assert_array_equal(law.eigenvalues, [2, 0.5, 2])
    np.testing.assert_array_equal(law.multiplicities, [2, 1, 1])
    np.testing.assert_array_equal(law.expanded(), [2, 2, 0.5, 2])
    assert power_law(1000, 0).eigenvalues.size == 1


def test_a_billion_dimensions_cost_nothing():
    law = from_eigenvalues([2.0, 0.5], [4e8, 6e8])
    assert law.eigenvalues.size == 2
    assert law.dimension == 10**9
    assert law.trace == pytest.approx(1.1e9)
    assert law.intrinsic_dimension == pytest.approx(5.5e8)
    with pytest.raises(InvalidInput, match="d = 100000000"):
        law.expanded()
    with pytest.raises(InvalidInput, match="bin them"):
        power_law(10**9, 0.5)


def test_a_diagonal_matrix_is_recognised():
    law = from_matrix(np.diag([3.0, 1.0, 2.0]))
    assert isinstance(law, Diagonal) and law.matrix is None
    np.testing.assert_array_equal(law.expanded(), [3, 1, 2])


def test_toeplitz_entries():
    K = toeplitz(4, 0.5, [1, 4, 9, 16]).matrix
    assert K[0, 2] == pytest.approx(0.25 * 1 * 3) and K[1, 3] == pytest.approx(0.25 * 2 * 4)
    np.testing.assert_allclose(toeplitz(3, 0.0).matrix, np.eye(3))


# ---- spectral densities and quantiles ----


def pastur_density(x, aspect):
    low, high = (1 - math.sqrt(aspect)) ** 2, (1 + math.sqrt(aspect)) ** 2
    return np.sqrt(np.maximum((high - x) * (x - low), 0)) / (2 * math.pi * aspect * x)


@pytest.mark.parametrize("aspect", [0.002, 0.0026, 0.3, 0.99, 1.0])
def test_marchenko_pastur_mass_against_quadrature(aspect):
    q = math.sqrt(aspect)

    def slope(angle):
        return 2 / math.pi * math.sin(angle) ** 2 / (1 + q * q - 2 * q * math.cos(angle))

    for angle in (0.3, 1.0, 2.5, math.pi):
        expected = integrate.quad(slope, 0, angle, epsabs=1e-14, epsrel=1e-13)[0]
        assert mass(np.array([angle]), q)[0] == pytest.approx(expected, abs=1e-13)


@pytest.mark.parametrize("aspect", [0.01, 0.4, 1.0, 3.0])
def test_quantiles_have_their_levels(aspect):
    d = 501
    law = marchenko_pastur(d, aspect, normalise=False)
    high = (1 + math.sqrt(aspect)) ** 2
    assert law.zeros == pytest.approx(d * max(0, 1 - 1 / aspect), abs=1)
    for j in (0, law.eigenvalues.size // 2, law.eigenvalues.size - 1):
        x = law.eigenvalues[j]
        above = integrate.quad(pastur_density, x, high, args=(aspect,), epsrel=1e-11)[0]
        assert above == pytest.approx((law.eigenvalues.size - j - 0.5) / d, abs=1e-9)


@pytest.mark.parametrize("aspect", [0.01, 0.4, 1.0, 3.0])
def test_the_limit_spectrum_has_the_moments_of_the_law(aspect):
    law = marchenko_pastur(math.inf, aspect)
    moments = [law.multiplicities @ law.eigenvalues**k for k in (0, 1, 2, 3)]
    exact = [min(1, 1 / aspect), 1, 1 + aspect, 1 + 3 * aspect + aspect**2]
    np.testing.assert_allclose(moments, exact, rtol=1e-12)
    assert law.dimension == law.trace == law.intrinsic_dimension == math.inf


def test_a_given_density_becomes_a_rule():
    law = from_density(lambda x: pastur_density(x, 1.0), (0, 4))
    np.testing.assert_allclose([law.mean_eigenvalue, law.second_moment], [1, 2], rtol=1e-12)
    uniform = from_density(lambda x: 0.5, (1, 3))
    decay = uniform.multiplicities @ np.exp(-2 * uniform.eigenvalues)
    assert decay == pytest.approx((math.exp(-2) - math.exp(-6)) / 4, rel=1e-12)
    assert uniform.norm == 3
    with pytest.raises(InvalidInput, match="no coordinates"):
        uniform.expanded()


# ---- equality ----


def test_equality_by_content():
    assert isotropic(5) == isotropic(5) != isotropic(6)
    K = random_matrix(40)
    L = K.copy()
    L[20, 20] += 1e-9
    assert from_matrix(K) == from_matrix(K.copy()) != from_matrix(L)
    assert len({from_matrix(K), from_matrix(K.copy())}) == 1


# ---- refusals ----


def broken(value, at=(0, 1)):
    K = random_matrix()
    K[at] = value
    return K


@pytest.mark.parametrize(
    ("make", "field", "match"),
    [
        (lambda: from_matrix(broken(5.0)), "K", "not symmetric at"),
        (lambda: from_matrix(broken(math.nan)), "K", "NaN"),
        (lambda: from_matrix([[1, 2], [2, 1]]), "K", "eigenvalue -1 is negative"),
        (lambda: from_matrix([[0, 1], [1, 1]]), "K", "is negative"),
        (lambda: from_matrix(np.ones((2, 3))), "K", "shape"),
        (lambda: from_matrix([1, 2]), "K", "axes"),
        (lambda: from_matrix(np.zeros((0, 0))), "K", "empty"),
        (lambda: from_matrix(np.zeros((2, 2))), "values", "zero"),
        (lambda: isotropic(0), "d", ">= 1"),
        (lambda: isotropic(2.5), "d", "integer"),
        (lambda: isotropic("3"), "d", "integer"),
        (lambda: power_law(10, -1), "exponent", ">= 0"),
        (lambda: power_law(math.inf, 0.5), "d", "integer"),
        (lambda: marchenko_pastur(10, 0), "aspect", "> 0"),
        (lambda: from_eigenvalues([1, -1]), "values", "negative"),
        (lambda: from_eigenvalues([]), "values", "empty"),
        (lambda: from_eigenvalues([0, 0]), "values", "all eigenvalues are zero"),
        (lambda: from_eigenvalues([1, math.inf]), "values", "infinity at index"),
        (lambda: from_eigenvalues([1, 2], [1]), "multiplicities", "length"),
        (lambda: from_eigenvalues([1, 2], [1, 1.5]), "multiplicities", "integers"),
        (lambda: from_eigenvalues([1, 2], [1, 0]), "multiplicities", "integers"),
        (lambda: toeplitz(5, 1.0), "correlation", r"\(-1, 1\)"),
        (lambda: toeplitz(0, 0.5), "d", ">= 1"),
        (lambda: toeplitz(2, 0.5, [1, 0]), "variances", "> 0"),
        (lambda: from_data(np.ones(4)), "X", "axes"),
        (lambda: from_data([[1, math.nan]]), "X", "NaN"),
        (lambda: from_data(np.zeros((3, 2))), "X", "no coordinate varies"),
        (lambda: from_density(lambda x: x, (0, 1)), "density", "integrates to 0.5"),
        (lambda: from_density(lambda x: x - 0.5, (0, 2)), "density", "negative"),
        (lambda: from_density(lambda x: x, (1, 0)), "support", "low < high"),
        (lambda: from_density(3.0, (0, 1)), "density", "function"),
    ],
)
def test_bad_input_is_refused_by_name(make, field, match):
    with pytest.raises(InvalidInput, match=match) as caught:
        make()
    assert caught.value.field == field and caught.value.remedy


def test_rounding_below_zero_is_forgiven_but_not_more():
    vector = np.array([3.0, 4.0]) / 5
    rank_one = np.outer(vector, vector)
    assert from_matrix(rank_one).eigenvalues[0] == 0.0
    with pytest.raises(InvalidInput, match="positive semidefinite"):
        from_matrix(rank_one - 1e-9 * np.eye(2))


def test_dead_coordinates_are_dropped_with_a_warning():
    X = np.random.default_rng(3).standard_normal((30, 4))
    X[:, 2] = 0
    with pytest.warns(ValidityWarning, match="1 coordinates have zero variance"):
        law = from_data(X)
    assert law.dimension == 3 and law.mean_eigenvalue == pytest.approx(1)
    np.testing.assert_array_equal(law.kept, [0, 1, 3])
    with pytest.warns(ValidityWarning, match="dropped"):
        assert from_eigenvalues([1, 0, 2], [1, 5, 1]).dimension == 2
    with pytest.warns(ValidityWarning, match="dropped"):
        assert from_matrix(np.diag([1.0, 0.0])).dimension == 1
