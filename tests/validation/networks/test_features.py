"""Features of trained networks: the first instant by formula, and steps that follow it."""

import numpy as np
import pytest

import limitlab as ll
from limitlab.validation.networks.features import (
    early_features,
    label_statistics,
    paired_start,
    tangent,
    train_features,
)
from limitlab.validation.networks.mlp import MLP


def network(unit="quadratic", outputs=2, hidden=(6,), seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((40, 4)) * [2.0, 1.0, 1.0, 0.5]
    B = rng.standard_normal((2, 4, 4)) / np.outer([2.0, 1.0, 1.0, 0.5], [2.0, 1.0, 1.0, 0.5])
    Y = np.einsum("ki,cij,kj->kc", X, B, X)[:, :outputs]
    return MLP(X, Y, hidden=hidden, activation=unit)


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("correlation", ["cosine", "pearson"])
def test_the_formula_is_the_first_step(outputs, correlation):
    """Statistics alone give the network's own value, and a step of descent tends to it."""
    net = network(outputs=outputs)
    theta = net.start(np.random.default_rng(2))
    found = early_features(net, theta, correlation)
    assert found.value == pytest.approx(found.statistics, abs=1e-12)
    gaps = []
    for rate in (1e-4, 5e-5):
        curve = train_features(
            net, ll.GradientDescent(rate), 1, every=1, start=theta, correlation=correlation
        )
        assert curve.centred_alignment[0] == found.value
        gaps.append(curve.centred_alignment[1] - found.value)
    assert np.log2(gaps[0] / gaps[1]) == pytest.approx(1, abs=0.1)
    # negative control: other labels
    other = early_features(network(seed=1, outputs=outputs), theta, correlation)
    assert abs(other.statistics - found.statistics) > 1e-3


def test_other_units_are_only_compared():
    net = network("relu")
    found = early_features(net, net.start(np.random.default_rng(2)))
    assert abs(found.value - found.statistics) > 1e-4


@pytest.mark.parametrize("unit", ["quadratic", "tanh", ll.GELU(3.0)])
def test_the_tangent_pulls_back_to_the_gradients_by_the_inputs(unit):
    """WᵀKW is the mean of ∇f∇fᵀ, here by differences of the outputs."""
    net = network(unit)
    theta = net.start(np.random.default_rng(3)) + 0.1
    W, step = net.layers(theta)[0][:-1].T, 1e-5
    slopes = []
    for i in range(4):
        shift = step * np.eye(4)[i]
        two = [net.forward(theta, net.inputs + s * shift).output for s in (1, -1)]
        slopes.append((two[0] - two[1]) / (2 * step))
    gradients = np.array(slopes)
    expected = np.einsum("ikc,jkc->ij", gradients, gradients) / net.data
    np.testing.assert_allclose(W.T @ tangent(net, theta) @ W, expected, rtol=1e-7)


def test_a_paired_start_gives_nothing_and_labels_speak_for_themselves():
    net = network("tanh")
    one, two = (paired_start(net, np.random.default_rng(k)) for k in (1, 2))
    assert np.abs(net.outputs_at(one)).max() < 1e-14 and not np.array_equal(one, two)
    first, second = (label_statistics(net, theta)[1] for theta in (one, two))
    np.testing.assert_allclose(first, second, atol=1e-13)
    signs = net.layers(paired_start(net, np.random.default_rng(1), readouts="signs"))[1][:-1]
    assert np.ptp(np.abs(signs)) == 0
    with pytest.raises(ll.InvalidInput, match="hidden"):
        paired_start(network(hidden=(5,)), np.random.default_rng(0))
    with pytest.raises(ll.InvalidInput, match="readouts"):
        paired_start(net, np.random.default_rng(0), readouts="ones")


def test_speeds_of_layers():
    """A layer moves by rate · speed in every step, until the target is reached."""
    net = network("tanh")
    theta = net.start(np.random.default_rng(4))
    from limitlab.validation.networks.descend import path

    method = ll.SpeedLimited(0.01, (1.0, 0.5))
    _, (first, second) = path(net, method, 1, every=1, start=theta)
    moves = [np.linalg.norm(b - a) for a, b in zip(*map(net.layers, (first, second)), strict=True)]
    np.testing.assert_allclose(moves, [0.01, 0.005], rtol=1e-9)
    target = 0.9 * net.loss(theta)
    _, thetas = path(net, ll.SpeedLimited(0.01, target=target), 400, every=200, start=theta)
    assert net.loss(thetas[-1]) < target and np.array_equal(thetas[-1], thetas[-2])
    assert net.loss(thetas[-1]) > 0.9 * target
    with pytest.raises(ll.NotAvailable, match="hidden"):
        path(network("tanh", hidden=(4, 4)), method, 1, every=1, start=np.zeros(50))


def test_refusals():
    net = network()
    with pytest.raises(ll.InvalidType, match="network"):
        train_features(3, ll.GradientDescent(0.1), 5)
    with pytest.raises(ll.InvalidInput, match="correlation"):
        train_features(net, ll.GradientDescent(0.1), 5, correlation="rank")
    deep = network(hidden=(4, 4))
    with pytest.raises(ll.NotAvailable, match="hidden"):
        early_features(deep, np.zeros(deep.parameters))


@pytest.mark.filterwarnings("ignore::limitlab.theory.core.errors.ValidityWarning")
def test_a_run_that_diverges_says_so():
    curve = train_features(network(), ll.GradientDescent(50.0), 40, every=10, seed=0)
    assert np.isnan(curve.loss[-1]) and curve.provenance["diverged"]


def test_the_limit_from_statistics_is_that_of_the_problem():
    """The same numbers as from a QuadraticNetwork with B = S⁻¹MS⁻¹, diagonal or not."""
    rng = np.random.default_rng(0)
    s, b = rng.uniform(0.5, 2, 30), rng.standard_normal(30)
    problem = ll.QuadraticNetwork(40, 30, teacher=b, inputs=s)
    expected = ll.early_alignment(problem, "limit")
    found = ll.early_limit_of(s, s * b * s, problem.ratio)
    assert found == expected
    turn, _ = np.linalg.qr(rng.standard_normal((30, 30)))
    dense = ll.early_limit_of((turn * s) @ turn.T, (turn * s * b * s) @ turn.T, problem.ratio)
    assert dense.value == pytest.approx(expected.value, rel=1e-10)
    assert dense.bound == pytest.approx(expected.bound, rel=1e-10)
    s[0] = 0.0
    assert ll.early_limit_of(s, b, 1.0).bound == 0
    for wrong, field in (
        ((s, b[:5], 1.0), "labels"),
        ((s, 0 * b, 1.0), "labels"),
        ((s, b, -1.0), "ratio"),
    ):
        with pytest.raises(ll.InvalidInput, match=field):
            ll.early_limit_of(*wrong)


def test_targets_of_digits():
    pytest.importorskip("sklearn")
    parity = ll.digits_network(60, components=5, targets="parity")
    assert parity.inputs.shape == (60, 5) and set(parity.targets.ravel()) == {-1.0, 1.0}
    variances = parity.inputs.var(axis=0)
    assert np.all(np.diff(variances) < 0)
    eight = ll.digits_network(60, targets=8)
    assert eight.outputs == 1 and abs(eight.targets.mean()) < 1e-12
    with pytest.raises(ll.InvalidInput, match="targets"):
        ll.digits_network(60, targets="odd")
    with pytest.raises(ll.InvalidInput, match="components"):
        ll.digits_network(60, components=65)
