"""The quadratic expansion of a network: orders of its error, and its motion."""

import numpy as np
import pytest

from limitlab.theory.core.errors import NotAvailable
from limitlab.theory.methods import GradientDescent
from limitlab.validation.networks.expansion import quadratic_expansion
from limitlab.validation.networks.mlp import MLP
from limitlab.validation.networks.train import train
from limitlab.validation.simulate import simulate


@pytest.fixture(scope="module")
def network():
    rng = np.random.default_rng(1)
    return MLP(rng.standard_normal((8, 3)), rng.standard_normal((8, 1)), hidden=(5, 4))


@pytest.fixture(scope="module")
def theta(network):
    return network.start(np.random.default_rng(2))


def errors(network, theta, sizes, order, expansion=None):
    expansion = expansion or quadratic_expansion(network, theta)
    direction = np.random.default_rng(3).standard_normal(network.parameters)
    direction /= np.linalg.norm(direction)
    return [
        np.linalg.norm(
            network.residual(theta + s * direction).ravel()
            - expansion.residual(s * direction, order)
        )
        for s in sizes
    ]


@pytest.mark.parametrize("order", [1, 2])
def test_order_of_the_error(network, theta, order):
    """|δ|^(order + 1), off by O(|δ|)."""
    small, large = errors(network, theta, (0.01, 0.02), order)
    assert np.log2(large / small) == pytest.approx(order + 1, abs=0.1)


def test_wrong_curvature_is_seen(network, theta):
    expansion = quadratic_expansion(network, theta)
    wrong = type(expansion)(expansion.problem, 1.05 * expansion.tensor)
    small, large = errors(network, theta, (0.01, 0.02), 2, wrong)
    assert np.log2(large / small) != pytest.approx(3, abs=0.1)


@pytest.mark.interpreted
def test_one_step_of_descent(network, theta):
    """The sharpness is equal at θ₀; the loss after one step up to third order in the step."""
    expansion = quadratic_expansion(network, theta)
    gaps = []
    for rate in (0.02, 0.04):
        method = GradientDescent(rate)
        ours = train(network, method, 1, every=1, start=theta)
        model = simulate(expansion.problem, method, times=[0, 1], runs=1, tensor=expansion.tensor)
        assert ours.sharpness[0] == pytest.approx(model.sharpness[0], rel=1e-9)
        gaps.append(abs(ours.loss[1] - model.loss[1]))
    assert np.log2(gaps[1] / gaps[0]) == pytest.approx(3, abs=0.2)


def test_refusals(network):
    for field, change in (("activation", {"activation": "relu"}), ("outputs", {})):
        targets = np.ones((8, 1 if change else 2))
        other = MLP(network.inputs, targets, hidden=(3,), **change)
        with pytest.raises(NotAvailable, match=field):
            quadratic_expansion(other, np.zeros(other.parameters))
