"""Training, the criterion and the control on a network small enough for the everyday tests."""

import numpy as np
import pytest

from limitlab.solvers.linear.critical import critical_rate
from limitlab.theory.core.errors import InvalidInput, InvalidType, NotAvailable
from limitlab.theory.linear.problem import LinearModel
from limitlab.theory.methods import SGD, GradientDescent
from limitlab.validation.networks.control import control_linear, control_network
from limitlab.validation.networks.criterion import AGREES, Criterion, criterion
from limitlab.validation.networks.digits import digits_network
from limitlab.validation.networks.mlp import MLP
from limitlab.validation.networks.train import train


@pytest.fixture(scope="module")
def network():
    rng = np.random.default_rng(1)
    return MLP(rng.standard_normal((10, 4)), rng.standard_normal((10, 2)), hidden=(6,))


def test_full_batch_is_gradient_descent(network):
    start = network.start(np.random.default_rng(0))
    curve = train(network, GradientDescent(0.1), 4, every=2, start=start)
    theta = start
    for _ in range(4):
        theta = theta - 0.1 / 10 * network.jacobian(theta).T @ network.residual(theta).ravel()
    assert curve.loss[-1] == pytest.approx(network.loss(theta), rel=1e-12)
    assert np.all(curve.kernel_norm == 0)


def test_held_norm_is_held(network):
    curve = train(network, SGD(1.0, batch=2), 40, hold=0.4, every=10, runs=2, seed=1)
    np.testing.assert_allclose(curve.kernel_norm, 0.4, rtol=1e-6)
    assert np.ptp(curve.sample("rate")[0]) > 0
    again = train(network, SGD(1.0, batch=2), 40, hold=0.4, every=10, runs=3, seed=1)
    np.testing.assert_array_equal(again.sample("loss")[:2], curve.sample("loss"))


def test_the_last_step_is_recorded(network):
    """As many steps, and the same batches, however often the network is measured."""
    start, method = network.start(np.random.default_rng(0)), SGD(0.1, batch=2)
    ends = []
    for every, steps in ((1, range(6)), (2, [0, 2, 4, 5]), (5, [0, 5]), (20, [0, 5])):
        curve = train(network, method, 5, every=every, start=start, seed=1)
        assert curve.steps.tolist() == list(steps)
        ends.append(curve.loss[-1])
    assert ends[1:] == pytest.approx([ends[0]] * 3, rel=1e-12)


def test_divergence_is_kept(network):
    curve = train(network, SGD(50.0, batch=2), 100, every=20, runs=2, seed=1)
    assert curve.provenance["diverged"] and np.isnan(curve.loss[-1])


def test_linear_network_is_its_linearisation():
    """Without a hidden layer the network is linear: growth agrees to the standard errors, and
    the criterion carries over."""
    rng = np.random.default_rng(4)
    net = MLP(rng.standard_normal((8, 3)), rng.standard_normal((8, 2)), hidden=())
    theta = net.start(rng)
    shares = (0.3, 1.0, 1.2, 1.5, 2.0, 3.0)
    found = criterion(net, theta, SGD(1.0, batch=2), shares=shares, steps=20, runs=40, seed=2)
    gap = np.abs(found.network - found.linear)[0]
    assert gap < 4 * found.error[0] + 1e-12
    # negative control: the growth at the next share
    assert np.abs(found.network[0] - found.linear[3]) > 4 * found.error[0]
    assert "critical rate" in str(found)


def test_verdict_of_the_criterion():
    shares, error = np.array([0.5, 1.0, 1.5, 2.0]), np.full(4, 0.01)
    linear = np.array([0.0, 0.2, 1.2, 3.0])

    def verdict(network, error=error):
        return Criterion(1.0, shares, 10, 1, np.array(network), error, linear).verdict

    assert verdict(linear * 1.05) == "carries over"
    assert verdict([0.0, 0.0, 0.0, 3.0]) == "does not"
    assert verdict([0.0, 0.0, 0.0, 0.0]) == "undecided"
    assert verdict(linear * 1.05, error * 40) == "undecided"
    assert AGREES < 0.5


def test_holding_the_norm_of_a_linear_model_is_a_constant_rate():
    rng = np.random.default_rng(0)
    jacobian = rng.standard_normal((10, 20)) / np.sqrt(20)
    model = LinearModel(jacobian=jacobian, residual=rng.standard_normal(10))
    report = control_linear(model, SGD(1.0, batch=2), 50, targets=(0.3, 0.6))
    assert report.difference >= 0 and report.verdict in ("hurts", "no difference")
    assert critical_rate(model, SGD(1.0, batch=2), level=0.5) < critical_rate(
        model, SGD(1.0, batch=2)
    )
    with pytest.raises(InvalidInput, match="targets"):
        control_linear(model, SGD(1.0, batch=2), 50, targets=(1.2,))


def test_control_of_a_network(network):
    report = control_network(
        network, SGD(1.0, batch=2), 20, targets=(0.3,), rates=[0.05], runs=3, every=10
    )
    assert set(report.held) == {0.3} and report.error > 0
    assert report.verdict in ("helps", "hurts", "no difference") and "K held" in str(report)


def test_bad_input(network):
    with pytest.raises(NotAvailable, match="momentum"):
        train(network, SGD(0.1, batch=2, momentum=0.5), 10)
    with pytest.raises(InvalidInput, match="start = .* has length 2"):
        train(network, SGD(0.1, batch=2), 10, start=[1, 2])
    with pytest.raises(InvalidInput, match="shares"):
        criterion(network, np.zeros(network.parameters), SGD(1.0, batch=2), shares=(1.0, 0.5))
    with pytest.raises(InvalidInput, match="targets"):
        MLP(np.ones((3, 2)), np.ones((2, 1)))


def test_bad_input_of_the_criterion_and_of_networks(network):
    theta, method = np.zeros(network.parameters), SGD(1.0, batch=2)
    with pytest.raises(NotAvailable, match="momentum"):
        criterion(network, theta, SGD(1.0, batch=2, momentum=0.5))
    for verb in (
        lambda net: train(net, method, 10),
        lambda net: criterion(net, theta, method),
        lambda net: control_network(net, method, 10, rates=[0.1]),
    ):
        with pytest.raises(InvalidType, match="give an MLP"):
            verb(None)
    with pytest.raises(NotAvailable, match="method"):
        control_network(network, None, 10, rates=[0.1])


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ({"method": GradientDescent(1.0)}, NotAvailable, "batch = .* no noise kernel"),
        ({"method": SGD(1.0, batch=3)}, NotAvailable, "batch = 3"),
        ({"shares": (0.5, -0.1)}, InvalidInput, "shares = .*-0.1"),
        ({"until": 5.5}, InvalidInput, "until"),
        ({"problem": None}, InvalidType, "give a LinearModel"),
        ({"problem": LinearModel(np.eye(3), residual=np.zeros(3))}, InvalidInput, "residual"),
        ({"problem": LinearModel(np.zeros((3, 3)))}, NotAvailable, "nothing moves"),
    ],
)
def test_bad_input_of_the_control(given, error, text):
    options = {"problem": LinearModel(kernel=np.eye(3)), "method": SGD(1.0), "until": 5} | given
    with pytest.raises(error, match=text):
        control_linear(**options)


def test_steps_of_the_control_may_be_a_whole_float():
    model = LinearModel(kernel=np.eye(3) + 0.1)
    five, floating = (control_linear(model, SGD(1.0), steps) for steps in (5, 5.0))
    assert str(five) == str(floating) and floating.steps == 5


def test_digits():
    pytest.importorskip("sklearn")
    net = digits_network(20, hidden=(4,))
    assert (net.data, net.outputs, net.inputs.shape[1]) == (20, 10, 64)
    assert np.mean(net.inputs**2) == pytest.approx(1)
    with pytest.raises(InvalidInput, match="1797"):
        digits_network(5000)


@pytest.mark.slow
def test_criterion_on_digits():
    """After training, at batch 1, a tanh network's loss doubles where its linearisation's does."""
    pytest.importorskip("sklearn")
    net = digits_network(30, hidden=(32,))
    start = net.start(np.random.default_rng(0))
    for _ in range(300):
        start = start - 0.02 / 30 * net.gradient(start, np.ones(30))
    found = criterion(net, start, SGD(1.0, batch=1), runs=40, seed=1)
    network_, linear = found.crossings
    assert network_ == pytest.approx(linear, rel=0.3)
    small = found.shares <= 0.75
    gap = np.abs(found.network - found.linear)[small]
    assert np.all(gap < 5 * found.error[small] + 0.1)


@pytest.mark.slow
def test_criterion_on_fresh_subsets():
    """The rule was fixed before these seeds were run: none "does not", and most carry over."""
    pytest.importorskip("sklearn")
    verdicts = []
    for subset, seed in ((11, 21), (12, 22), (13, 23)):
        net = digits_network(20, seed=subset, hidden=(32,))
        theta = net.start(np.random.default_rng(seed))
        for _ in range(300):
            theta = theta - 0.02 / 20 * net.gradient(theta, np.ones(20))
        for batch in (1, 4):
            method = SGD(1.0, batch=batch)
            verdicts.append(criterion(net, theta, method, runs=60, seed=100 + subset).verdict)
    assert "does not" not in verdicts
    assert verdicts.count("carries over") > len(verdicts) / 2
