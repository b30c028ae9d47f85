"""Modes and the sign geometry: the values and identities of the specification."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from limitlab.theory.covariance import (
    from_eigenvalues,
    from_matrix,
    isotropic,
    marchenko_pastur,
    power_law,
    toeplitz,
)
from limitlab.theory.noise import Gaussian
from limitlab.theory.streaming.modes import (
    max_rho_squared,
    modes,
    preconditioned_intrinsic_dimension,
    sign_geometry,
)
from limitlab.theory.streaming.problem import LeastSquares

SIGN = SimpleNamespace(batch=1, acts_on="coordinate")
RESIDUAL = SimpleNamespace(batch=1, acts_on="residual")
NOISE = Gaussian(0.5)


def random_matrix(d=15, seed=0):
    rng = np.random.default_rng(seed)
    factor = rng.standard_normal((2 * d, d)) * np.linspace(0.3, 3, d)
    return factor.T @ factor / (2 * d)


def test_the_two_by_two_of_the_specification():
    problem = LeastSquares(from_matrix([[4, 1], [1, 1]]), NOISE, start=[1, -1])
    result = modes(problem, SIGN)
    np.testing.assert_allclose(result.rates, [0.6339746, 2.3660254], atol=5e-8)
    np.testing.assert_allclose(result.energies, [0.75, 0.75], atol=1e-14)
    np.testing.assert_allclose(2 * result.sources, [0.5239323, 5.1427344], atol=5e-8)


MATRICES = {"random": random_matrix(), "toeplitz": toeplitz(40, 0.8).matrix}


@pytest.mark.parametrize("K", MATRICES.values(), ids=MATRICES)
def test_identities_of_the_sign_modes(K):
    law = from_matrix(K)
    geometry = sign_geometry(law)
    D = np.diag(K)
    correlation = K / np.sqrt(np.outer(D, D))
    arcsine = 2 / math.pi * np.arcsin(np.clip(correlation, -1, 1))
    assert geometry.sources.sum() == pytest.approx(np.trace(K @ arcsine), rel=1e-11)
    assert (geometry.sources / geometry.rates).sum() == pytest.approx(np.sqrt(D).sum(), rel=1e-11)
    np.testing.assert_allclose(geometry.left.T @ geometry.right, np.eye(len(K)), atol=1e-11)
    preconditioned = K / np.sqrt(D)[:, None]
    np.testing.assert_allclose(
        preconditioned @ geometry.right, geometry.right * geometry.rates, atol=1e-11
    )
    np.testing.assert_allclose(K @ geometry.right, geometry.left * geometry.rates, atol=1e-10)


def test_singular_values_are_not_the_rates():
    """The trap: for a dense K an SVD of D^(-1/2) K gives other numbers."""
    K = random_matrix()
    preconditioned = K / np.sqrt(np.diag(K))[:, None]
    rates = sign_geometry(from_matrix(K)).rates
    assert np.abs(np.sort(np.linalg.svd(preconditioned)[1]) / rates - 1).max() > 0.01


@pytest.mark.parametrize("method", [SIGN, RESIDUAL], ids=["sign", "residual"])
@pytest.mark.parametrize("start", [None, "vector"])
def test_energies_sum_to_the_risk(method, start):
    law = from_matrix(random_matrix())
    vector = None if start is None else np.random.default_rng(1).standard_normal(15)
    problem = LeastSquares(law, NOISE, vector)
    assert modes(problem, method).risk == pytest.approx(problem.risk, rel=1e-11)


def test_the_drift_of_the_risk_is_that_of_the_matrices():
    """Σ λ_i y_i = ½ δᵀ K K̄ δ, which mixes all modes."""
    K = random_matrix()
    problem = LeastSquares(from_matrix(K), NOISE, np.linspace(-1, 2, 15))
    delta, D = problem.delta(), np.diag(K)
    sign, residual = modes(problem, SIGN), modes(problem, RESIDUAL)
    expected = 0.5 * delta @ K @ (K @ delta / np.sqrt(D))
    assert sign.rates @ sign.energies == pytest.approx(expected, rel=1e-11)
    assert residual.rates @ residual.energies == pytest.approx(0.5 * (K @ delta) @ (K @ delta))
    assert residual.sources.sum() == pytest.approx(np.trace(K @ K) / 15)


@pytest.mark.parametrize("method", [SIGN, RESIDUAL], ids=["sign", "residual"])
def test_diagonal_and_dense_roads_agree(method):
    variances = np.array([0.5, 1.0, 2.0, 3.0])
    start = np.array([1.0, -1.0, 0.5, 0.2])
    diagonal = modes(LeastSquares(from_eigenvalues(variances), NOISE, start), method)
    # an invisible correlation takes the dense road
    K = np.diag(variances)
    K[0, 1] = K[1, 0] = 1e-14
    dense = modes(LeastSquares(from_matrix(K), NOISE, start), method)
    for name in ("rates", "energies", "sources"):
        np.testing.assert_allclose(getattr(dense, name), getattr(diagonal, name), rtol=1e-10)


def test_groups_are_sums_of_their_coordinates():
    grouped = LeastSquares(from_eigenvalues([2.0, 0.5], [3, 5]), NOISE)
    distinct = np.repeat([2.0, 0.5], [3, 5]) + np.arange(8) * 1e-13
    single = LeastSquares(from_eigenvalues(distinct), NOISE)
    for method in (SIGN, RESIDUAL):
        few, many = modes(grouped, method), modes(single, method)
        for name in ("energies", "sources"):
            sums = [part.sum() for part in np.split(getattr(many, name), [3])]
            np.testing.assert_allclose(getattr(few, name), sums, rtol=1e-10)


def test_modes_of_the_identity():
    for d in (7, 10**9, math.inf):
        result = modes(LeastSquares(isotropic(d), NOISE), SIGN)
        assert result.rates == result.sources == 1.0 and result.dimension == d


def test_directions_without_data_are_left_out():
    law = marchenko_pastur(40, 2.0)
    result = modes(LeastSquares(law, NOISE), RESIDUAL)
    assert result.rates.size == 20 and result.dimension == 40
    rank_one = from_matrix(np.ones((3, 3)))
    for method in (SIGN, RESIDUAL):
        result = modes(LeastSquares(rank_one, NOISE, np.ones(3)), method)
        np.testing.assert_allclose(result.rates, [3.0])
        assert result.risk == pytest.approx(4.5)


def test_localisation():
    d = 50
    spread = LeastSquares(isotropic(d), NOISE)
    spike = LeastSquares(isotropic(d), NOISE, np.eye(d)[3])
    assert max_rho_squared(spread) == pytest.approx(1 / d)
    assert max_rho_squared(spike) == pytest.approx(1.0)
    assert max_rho_squared(LeastSquares(isotropic(math.inf), NOISE)) == 0.0
    steep = LeastSquares(power_law(d, 1.0), NOISE)
    assert max_rho_squared(steep) == pytest.approx(1 / np.sum(1 / np.arange(1, d + 1)))
    law = from_matrix(random_matrix())
    problem = LeastSquares(law, NOISE, np.linspace(-1, 2, 15))
    rho = law.matrix @ problem.delta() / np.sqrt(2 * problem.risk * law.diagonal)
    assert max_rho_squared(problem) == pytest.approx(np.max(rho**2))
    assert max_rho_squared(LeastSquares(isotropic(d), NOISE, np.zeros(d))) == 0.0


def test_intrinsic_dimension_after_preconditioning():
    law = power_law(50, 1.0)
    roots = np.sqrt(law.expanded())
    assert preconditioned_intrinsic_dimension(law) == pytest.approx(roots.sum() / roots.max())
    K = random_matrix()
    D = np.diag(K) ** 0.25
    S = K / np.outer(D, D)
    measured = preconditioned_intrinsic_dimension(from_matrix(K))
    assert measured == pytest.approx(np.trace(S) / np.linalg.norm(S, 2))


def test_common_correlation():
    d = 30
    strong = from_matrix(0.5 * np.eye(d) + 0.5)
    assert sign_geometry(strong).common_correlation == pytest.approx((0.5 + 0.5 * d) / d)
    assert sign_geometry(toeplitz(d, 0.0)).common_correlation == pytest.approx(1 / d)


def test_the_geometry_is_kept():
    law = from_matrix(random_matrix())
    assert sign_geometry(law) is sign_geometry(from_matrix(random_matrix()))
