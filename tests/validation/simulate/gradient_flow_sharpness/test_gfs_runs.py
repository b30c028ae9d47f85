"""Gradient descent in the weights beside the closed maps."""

import numpy as np
import pytest

from limitlab.solvers.solve import solve
from limitlab.theory.core.errors import InvalidInput, NotAvailable
from limitlab.theory.gradient_flow_sharpness.problem import DiagonalLinearNetwork, ScalarNetwork
from limitlab.theory.methods import GradientDescent
from limitlab.validation.simulate import simulate

pytestmark = pytest.mark.interpreted

INPUTS = np.array([[1.0, 0.5, -0.3, 0.2], [0.2, -0.4, 0.9, 0.6]])
DIAGONAL = DiagonalLinearNetwork([1.0, -0.8, 0.9, 1.1], [0.9, 1.0, 0.7, -0.8], INPUTS, [1, -0.5])


@pytest.mark.parametrize(
    ("problem", "rate"),
    [(ScalarNetwork([2, 0.5, 0.3]), 0.4), (ScalarNetwork([1.2, -0.9, -0.8]), 0.3), (DIAGONAL, 0.2)],
)
def test_closed_maps_are_descent(problem, rate):
    method = GradientDescent(rate)
    theory, run = (verb(problem, method, 50, points=51) for verb in (solve, simulate))
    for name in theory.values:
        scale = np.abs(theory[name]).max()
        np.testing.assert_allclose(run[name], theory[name], atol=1e-13 * max(scale, 1.0))
    other = simulate(problem, GradientDescent(1.01 * rate), 50, points=51)
    assert np.abs(other.loss - theory.loss).max() > 1e-6


def test_descent_by_hand():
    """In the weights of the diagonal network, with the gradient by differences."""
    X, y, d = INPUTS, np.array([1.0, -0.5]), 4
    theta = np.concatenate([DIAGONAL.u, DIAGONAL.v])

    def loss(weights):
        return np.sum((X @ (weights[:d] ** 2 - weights[d:] ** 2) - y) ** 2) / 4

    for _ in range(3):
        steps = 1e-6 * np.eye(2 * d)
        theta = theta - 0.2 * np.array([(loss(theta + h) - loss(theta - h)) / 2e-6 for h in steps])
    run = simulate(DIAGONAL, GradientDescent(0.2), 3, points=4)
    assert run.loss[-1] == pytest.approx(loss(theta), rel=1e-7)


def test_many_starts():
    problem = ScalarNetwork([1.2, 0.9])
    runs = simulate(problem, GradientDescent(0.5), 200, starts=[[1.2, 0.9], [2.0, 0.4]])
    assert runs.runs == 2 and runs.provenance["states"] == ["converged"] * 2
    with pytest.raises(InvalidInput, match="weights"):
        simulate(problem, GradientDescent(0.5), 5, starts=[[1.0, -1.0]])
    with pytest.raises(NotAvailable, match="starts"):
        simulate(DIAGONAL, GradientDescent(0.1), 5, starts=[[1.0, 1.0]])
