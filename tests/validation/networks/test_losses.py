"""Cross-entropy: its derivatives, its Gauss-Newton kernel, and the factor 1/(C − 1)."""

import numpy as np
import pytest

from limitlab.solvers.linear.moments import exact_map
from limitlab.solvers.linear.noise_kernel import NoiseKernel
from limitlab.theory.core.errors import InvalidInput, NotAvailable
from limitlab.theory.linear.derivation import linear_theory
from limitlab.theory.linear.problem import LinearModel
from limitlab.theory.methods import SGD
from limitlab.theory.methods.sampling import batches, draw_masks
from limitlab.validation.networks.criterion import criterion
from limitlab.validation.networks.digits import digits_network
from limitlab.validation.networks.linearisation import Linearisation
from limitlab.validation.networks.losses import gauss_newton, half_weights, softmax
from limitlab.validation.networks.mlp import MLP
from limitlab.validation.networks.probe import probe
from limitlab.validation.networks.train import train

D, C = 12, 4
METHOD = SGD(0.1, batch=3)


def classifier(hidden=(5,), seed=1, data=D):
    rng = np.random.default_rng(seed)
    inputs, targets = rng.standard_normal((data, 3)), softmax(rng.standard_normal((data, C)))
    return MLP(inputs, targets, hidden=hidden, objective="cross_entropy"), rng


def test_gradient_is_that_of_the_loss():
    network, rng = classifier()
    theta = network.start(rng)
    gradient, step = network.gradient(theta, np.ones(D)) / D, 1e-6
    for i in range(0, network.parameters, 5):
        shift = step * np.eye(network.parameters)[i]
        slope = (network.loss(theta + shift) - network.loss(theta - shift)) / (2 * step)
        assert gradient[i] == pytest.approx(slope, abs=1e-8)


def test_kernel_is_the_hessian_where_the_logits_are_linear():
    network, rng = classifier(hidden=())
    theta, v = network.start(rng), rng.standard_normal(network.parameters)
    near, step = network.linearisation(theta), 1e-6
    ones = np.ones(D)
    change = network.gradient(theta + step * v, ones) - network.gradient(theta - step * v, ones)
    np.testing.assert_allclose(near.pull(near.push(v)), change / (2 * step), atol=1e-7)


def test_weights():
    p = softmax(np.random.default_rng(0).standard_normal((5, C)))
    factors = half_weights(p)
    weights = p[:, :, None] * (np.eye(C) - p[:, None, :])
    assert factors.shape == (5, C - 1, C)
    np.testing.assert_allclose(factors.transpose(0, 2, 1) @ factors, weights, atol=1e-14)
    certain = half_weights(np.eye(C))
    np.testing.assert_allclose(certain, 0, atol=1e-8)


def test_probabilities_are_checked():
    J = np.random.default_rng(0).standard_normal((6, 2))
    near = Linearisation(J.dot, J.T.dot, data=2, parameters=2, outputs=3)
    right = np.full((2, 3), 1 / 3)
    assert gauss_newton(near, right).outputs == 2
    for wrong, why in ((right.T, "shape"), (2 * right, "sum to 1"), (right - [1, -1, 0], ">= 0")):
        with pytest.raises(InvalidInput, match=f"probabilities = .*{why}"):
            gauss_newton(near, wrong)


def test_sampled_labels_are_hutchinson_vectors():
    """E|J_kᵀ(e_y − p_k)|² over labels y ~ p_k is tr(H_k J_k J_kᵀ): enumerated."""
    network, rng = classifier()
    theta = network.start(rng)
    p = softmax(network.outputs_at(theta))
    rows = network.jacobian(theta).reshape(D, C, -1)
    found = probe(network.linearisation(theta), METHOD, examples=D)
    each = [
        sum(p[k, y] * np.sum((rows[k].T @ (np.eye(C)[y] - p[k])) ** 2) for y in range(C))
        for k in range(D)
    ]
    assert found.trace == pytest.approx(sum(each) / D, rel=1e-12)


def test_decoupled_classes_are_one_output():
    """Equal probabilities, no hidden layer: H = (I − 11ᵀ/C)/C, and the kernel is that of a single
    output with N/C. Negative control: 1/C in place of 1/(C − 1)."""
    network, _ = classifier(hidden=())
    near = network.linearisation(np.zeros(network.parameters))
    gram = network.inputs @ network.inputs.T + 1
    single = NoiseKernel(LinearModel(kernel=gram / (D * C)), batches(METHOD, D))
    found = NoiseKernel(near.linear_model(), batches(METHOD, D))
    rate = 0.5 / single.problem.sharpness
    for name in ("trace", "closure", "second_moment", "exact", "highest"):
        assert getattr(found, name)(rate) == pytest.approx(getattr(single, name)(rate), rel=1e-9)
    measured = probe(near, METHOD, examples=D, top=3)
    assert measured.kernel_trace(rate) == pytest.approx(single.trace(rate), rel=1e-12)
    wrong = measured.kernel_trace(rate) * (C - 1) / C
    assert wrong != pytest.approx(single.trace(rate), rel=0.2)


def test_bracket_of_a_hidden_layer():
    network, rng = classifier()
    near = network.linearisation(network.start(rng))
    kernel = NoiseKernel(near.linear_model(), batches(METHOD, D))
    found = probe(near, METHOD, examples=D, top=3)
    for share in (0.1, 0.8):
        rate = share / kernel.problem.sharpness
        assert found.lower(rate) <= kernel.exact(rate) <= found.upper(rate)


def squares_near_interpolation(network, theta, method, steps, runs, rng):
    """|F⁻¹ z|² of SGD from a small kick off the interpolating θ, (runs, steps + 1)."""
    inverse = np.linalg.pinv(half_weights(network.targets)).transpose(0, 2, 1)
    kick = 1e-3 * rng.standard_normal(network.parameters)
    drawn, squares = batches(method, network.data), np.empty((runs, steps + 1))
    for run in range(runs):
        now = theta + kick
        masks = draw_masks(drawn, steps, rng)
        for step in range(steps + 1):
            s = np.einsum("kic,kc->ki", inverse, network.residual(now))
            squares[run, step] = np.sum(s**2)
            if step < steps:
                now = now - method.rate / drawn.batch * network.gradient(now, masks[step])
    start = np.einsum("kic,kc->ki", inverse, network.residual(theta + kick)).ravel()
    return squares, start


def test_noise_near_interpolation_is_that_of_the_weighted_kernel():
    """Soft targets that some θ* meets: there SGD is linear, and its mean square is exact; z-test
    at 4.5, and the kernel of unweighted rows fails it."""
    network, rng = classifier(data=6)
    theta = network.start(rng)
    network = MLP(
        network.inputs, softmax(network.outputs_at(theta)), hidden=(5,), objective="cross_entropy"
    )
    method = SGD(1.0, batch=1)
    squares, start = squares_near_interpolation(network, theta, method, 8, 200, rng)
    mean, error = squares[:, -1].mean(), squares[:, -1].std(ddof=1) / np.sqrt(len(squares))

    def expected(model):
        functions = linear_theory("without_replacement").functions
        moments = exact_map(model, batches(method, 6), functions)
        return moments.energies(model.start, np.full(8, method.rate), np.array([8])).sum()

    model = network.linearisation(theta).linear_model(start)
    assert error < 0.1 * mean
    assert abs(mean - expected(model)) < 4.5 * error
    plain = LinearModel(network.jacobian(theta)[np.arange(24) % 4 > 0], residual=start, outputs=3)
    assert abs(mean - expected(plain)) > 4.5 * error


def test_training_and_refusals():
    network, rng = classifier()
    curve = train(network, SGD(0.5, batch=3), 60, every=20, seed=1)
    assert curve.loss[-1] < curve.loss[0]
    entropy = -np.sum(network.targets * np.log(network.targets)) / D
    assert curve.loss[-1] > entropy
    with pytest.raises(NotAvailable, match="objective"):
        criterion(network, network.start(rng), METHOD)
    for targets in (np.ones((D, C)), np.ones((D, 1)), np.eye(D)[:, :C] * 2 - 1):
        with pytest.raises(InvalidInput, match="probabilities"):
            MLP(network.inputs, targets, objective="cross_entropy")


def test_digits_as_classes():
    pytest.importorskip("sklearn")
    network = digits_network(20, hidden=(4,), objective="cross_entropy")
    assert np.all(network.targets.sum(axis=1) == 1) and network.objective == "cross_entropy"
