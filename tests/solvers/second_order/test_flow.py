"""Gradient flow at P → ∞: exact without curvature, and the limit of T1 at first order."""

import numpy as np
import pytest

from limitlab.solvers.second_order.fixed_data import solve_fixed_data
from limitlab.solvers.second_order.flow import ORDER, solve_flow
from limitlab.solvers.second_order.solve import solve as solve_quadratic
from limitlab.theory.methods import SGD, GradientDescent
from limitlab.theory.second_order.problem import QuadraticRegression

pytestmark = pytest.mark.interpreted

GRAM, START = np.array([[2, 0.5], [0.5, 1]]), np.array([1, -0.5])
TIMES = np.array([0.0, 0.5, 1.0])


def test_without_curvature_it_is_exponential():
    problem = QuadraticRegression(2, 9, 0.0, GRAM, START)
    values, error, _ = solve_flow(problem, TIMES, 1e-5)
    rates, V = np.linalg.eigh(GRAM)
    z = V @ (np.exp(-np.outer(rates, TIMES)) * (V.T @ START)[:, None])
    np.testing.assert_allclose(values[0], np.sum(z**2, axis=0) / 4, rtol=1e-4)
    assert error <= 1e-5


def test_steps_converge_to_it_at_their_order():
    problem = QuadraticRegression(2, 9, 0.5, GRAM, START)
    limit = solve_flow(problem, TIMES, 1e-5)[0][:, -1]
    gaps = []
    for n in (16, 32, 64):
        run = solve_fixed_data(problem, np.full(n, 1 / n), np.ones((n, 2)))
        gaps.append(np.abs(np.array(run.observe(n)) - limit))
    slopes = np.diff(np.log2(gaps), axis=0)
    np.testing.assert_allclose(slopes[-1], -ORDER, atol=0.2)


def test_what_is_zero_throughout_has_converged():
    """Without a Jacobian θ does not move."""
    problem = QuadraticRegression(2, 9, 0.5, gram=np.zeros((2, 2)), residual=START)
    for limit in ("flow", "fixed-data"):
        curve = solve_quadratic(problem, GradientDescent(0.2), 2, points=3, limit=limit)
        np.testing.assert_array_equal(curve.loss, START @ START / 4)
        np.testing.assert_array_equal([curve.sharpness, curve.overlap, curve.isotropic], 0)


def test_batches_are_said_to_be_left_out():
    problem = QuadraticRegression(2, 9, 0.0, GRAM, START)
    batch, full = (
        solve_quadratic(problem, method, 1, points=2, limit="flow").provenance["remarks"]
        for method in (SGD(0.2, batch=1), GradientDescent(0.2))
    )
    assert "no batches" in batch[0] and full == []
