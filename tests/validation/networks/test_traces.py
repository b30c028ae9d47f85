"""Hutchinson's traces against those of the Hessian itself, entry by entry."""

import numpy as np
import pytest

import limitlab as ll
from limitlab.validation.networks.mlp import MLP
from limitlab.validation.networks.traces import hessian_traces


def exact_traces(network, theta):
    """tr H from the product with every unit vector, tr GN from the Jacobian."""
    units, whole = np.eye(network.parameters), np.ones(network.data)
    H = np.array([network.curvature(theta, e, whole) for e in units]) / network.data
    near = network.linearisation(theta)
    J = np.array([near.push(e) for e in units]).T
    np.testing.assert_allclose(H, H.T, atol=1e-12)
    return np.trace(H), np.sum(J**2) / network.data


@pytest.mark.parametrize("objective", ["squared", "cross_entropy"])
@pytest.mark.parametrize("unit", [ll.GELU(), ll.GELU(8.0), ll.Tanh(), ll.ReLU(), ll.Quadratic()])
def test_traces_of_a_tiny_network(unit, objective):
    """Student's t of 400 vectors, 30 comparisons, at 4.5; with the other part it is beyond."""
    rng = np.random.default_rng(3)
    targets = np.eye(3)[rng.integers(3, size=12)]
    network = MLP(rng.standard_normal((12, 3)), targets, (6,), unit, objective)
    theta = network.start(rng) + 0.3 * rng.standard_normal(network.parameters)
    found = hessian_traces(network, theta, probes=400, seed=1)
    whole, first = exact_traces(network, theta)
    assert abs(found.hessian - whole) < 4.5 * found.hessian_error
    assert abs(found.gauss_newton - first) < 4.5 * found.gauss_newton_error
    assert abs(found.neglected - (whole - first)) < 4.5 * found.neglected_error
    assert found.hessian == pytest.approx(found.gauss_newton + found.neglected, rel=1e-12)
    assert abs(found.gauss_newton - 1.3 * first) > 4.5 * found.gauss_newton_error
    assert "400 vectors" in str(found)


def test_of_a_quadratic_network_they_are_those_of_its_theory():
    """On many samples the traces of the population, with the readout frozen: a step apart."""
    rng = np.random.default_rng(0)
    d, k, n = 3, 2, 40_000
    X, W, a = rng.standard_normal((n, d)), rng.standard_normal((k, d)), np.array([0.7, -0.4])
    B = np.diag([1.0, -0.5, 0.2])
    y = (np.einsum("ni,ij,nj->n", X, B, X) / 2)[:, None]
    network = MLP(X, y, (k,), "quadratic")
    theta = np.concatenate([np.r_[W.T.ravel(), np.zeros(k)], np.r_[a, 0.0]])
    exact = ll.quadratic_traces(W, a, B)
    whole, near = np.ones(n), network.linearisation(theta)
    E = W.T @ (a[:, None] * W) - B
    first = neglected = 0.0
    for i in range(k * d):  # the weights alone
        unit = np.eye(network.parameters)[i]
        square = float(np.sum(near.push(unit) ** 2)) / n
        first += square
        neglected += unit @ network.curvature(theta, unit, whole) / n - square
    # uncentred outputs: E[x_i² (x·w)²] without the mean, and the mean of the residual beside E
    assert first == pytest.approx(exact.gauss_newton + np.sum(a**2 * np.sum(W**2, 1)), rel=0.05)
    uncentred = exact.neglected + a.sum() * d * np.trace(E) / 2
    assert neglected == pytest.approx(uncentred, rel=0.1, abs=0.05)


def test_bad_input():
    network = MLP(np.eye(3), np.zeros((3, 1)), (2,))
    with pytest.raises(ll.InvalidInput, match="probes"):
        hessian_traces(network, np.zeros(network.parameters), probes=1)
    with pytest.raises(ll.InvalidInput, match="theta"):
        hessian_traces(network, np.zeros(3))
    with pytest.raises(ll.InvalidType, match="network"):
        hessian_traces(3, np.zeros(3))
