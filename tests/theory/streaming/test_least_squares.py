"""The start of a streaming problem: energies and vectors agree, and refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from limitlab.theory.core.errors import InvalidInput, InvalidType
from limitlab.theory.covariance import (
    from_eigenvalues,
    from_matrix,
    isotropic,
    marchenko_pastur,
    power_law,
    toeplitz,
)
from limitlab.theory.noise import Gaussian, Laplace
from limitlab.theory.streaming.problem import LeastSquares

NOISE = Gaussian(0.5)
LAWS = {
    "isotropic": isotropic(30),
    "power law": power_law(30, 0.8),
    "grouped": from_eigenvalues([2, 0.5, 2], [3, 4, 5]),
    "atom at zero": marchenko_pastur(30, 2.0),
    "dense": toeplitz(30, 0.7, np.linspace(1, 3, 30)),
}


def inverse_root(eigenvalues):
    return 1 / np.sqrt(eigenvalues)


def starts(law):
    vector = np.random.default_rng(0).standard_normal(law.dimension)
    return {"default": None, "vector": vector, "function": inverse_root}


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
@pytest.mark.parametrize("kind", ["default", "vector", "function"])
def test_energies_are_those_of_the_vector(law, kind):
    problem = LeastSquares(law, NOISE, start=starts(law)[kind], initial_risk=0.7)
    delta = problem.delta()
    K = np.diag(law.expanded()) if law.is_diagonal else law.matrix
    assert delta.shape == (law.dimension,)
    assert 0.5 * delta @ K @ delta == pytest.approx(problem.risk, rel=1e-12)
    directions = np.eye(law.dimension) if law.is_diagonal else law.eigenvectors
    halves = 0.5 * (directions.T @ delta) ** 2
    edges = np.cumsum(law.multiplicities)[:-1]
    counted = law.multiplicities.sum()
    sums = [part.sum() for part in np.split(halves[:counted], edges)]
    np.testing.assert_allclose(problem.energies(), sums, rtol=1e-10)


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_the_default_start_is_even_and_scaled(law):
    problem = LeastSquares(law, NOISE, initial_risk=0.7)
    assert problem.risk == pytest.approx(0.7, rel=1e-13)
    even = problem.energies() / law.multiplicities
    np.testing.assert_allclose(even, even[0], rtol=1e-12)


def test_given_starts_are_not_scaled():
    law = power_law(30, 0.8)
    function = LeastSquares(law, NOISE, start=inverse_root, initial_risk=5.0)
    assert function.risk == pytest.approx(15.0)
    vector = LeastSquares(law, NOISE, start=np.full(30, 0.1), initial_risk=5.0)
    assert vector.risk == pytest.approx(0.5 * 0.01 * 30)


def test_the_dense_default_start_is_fixed_and_mixed():
    law = toeplitz(30, 0.7)
    first, second = LeastSquares(law, NOISE).delta(), LeastSquares(law, Laplace(1)).delta()
    np.testing.assert_array_equal(first, second)
    components = law.eigenvectors.T @ first
    assert 5 < np.count_nonzero(components > 0) < 25


def test_the_energies_of_the_specification():
    problem = LeastSquares(from_eigenvalues([2, 0.5], [50, 150]), Laplace(0.6))
    np.testing.assert_allclose(problem.energies(), np.array([50, 150]) / 175, rtol=1e-14)


def test_a_spectral_density_starts_from_the_spectral_measure():
    law = marchenko_pastur(math.inf, 0.5)
    problem = LeastSquares(law, NOISE, initial_risk=0.7)
    assert problem.risk == pytest.approx(0.7, rel=1e-13)
    np.testing.assert_allclose(problem.energies() / law.multiplicities, 0.7, rtol=1e-12)
    finite = LeastSquares(marchenko_pastur(4000, 0.5), NOISE, initial_risk=0.7)
    decay = [p.energies() @ np.exp(-p.covariance.eigenvalues) for p in (problem, finite)]
    assert decay[0] == pytest.approx(decay[1], rel=1e-3)
    assert LeastSquares(law, NOISE, start=inverse_root).risk == pytest.approx(0.5)
    with pytest.raises(InvalidInput, match="finite d"):
        problem.delta()


def test_a_billion_dimensions():
    problem = LeastSquares(from_eigenvalues([2.0, 0.5], [4e8, 6e8]), NOISE)
    assert problem.risk == pytest.approx(1.0) and problem.dimension == 10**9
    with pytest.raises(InvalidInput, match="dimension"):
        problem.delta()


def test_equality_by_content_and_protection():
    law, vector = isotropic(3000), np.zeros(3000)
    other = vector.copy()
    other[1500] = 1e-9
    assert LeastSquares(law, NOISE, vector) == LeastSquares(isotropic(3000), Gaussian(0.5), vector)
    assert LeastSquares(law, NOISE, vector) != LeastSquares(law, NOISE, other)
    K, L = np.eye(60) + 0.1, np.eye(60) + 0.1
    L[30, 30] += 1e-9
    assert LeastSquares(from_matrix(K), NOISE) != LeastSquares(from_matrix(L), NOISE)
    problem = LeastSquares(law, NOISE, vector)
    vector[0] = 9.0
    assert problem.delta()[0] == 0.0


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"covariance": np.eye(3)}, "covariance"),
        ({"noise": 0.5}, "noise"),
        ({"noise": Gaussian}, "noise"),
        ({"initial_risk": 0}, "initial_risk"),
        ({"initial_risk": math.nan}, "initial_risk"),
        ({"start": np.ones(2)}, "start"),
        ({"start": [1, 2, math.nan]}, "start"),
        ({"start": "ones"}, "start"),
        ({"start": lambda eigenvalues: np.ones(7)}, "start"),
        ({"start": lambda eigenvalues: np.nan * eigenvalues}, "start"),
        ({"covariance": marchenko_pastur(math.inf, 1), "start": np.ones(3)}, "dimension"),
    ],
)
def test_bad_input_is_refused_by_name(arguments, field):
    good = {"covariance": isotropic(3), "noise": NOISE}
    with pytest.raises(InvalidInput) as caught:
        LeastSquares(**(good | arguments))
    assert caught.value.field == field
    assert field not in ("covariance", "noise") or isinstance(caught.value, InvalidType)
