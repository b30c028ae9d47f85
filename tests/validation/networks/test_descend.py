"""Any rule of descent on a network: by hand, and the end of its gradient flow."""

import numpy as np
import pytest

import limitlab as ll
from limitlab.theory.core.errors import InvalidType, NotAvailable, SolveFailed
from limitlab.validation.networks.descend import descend, path
from limitlab.validation.networks.flow_end import flow_end
from limitlab.validation.networks.mlp import MLP

rng = np.random.default_rng(0)
X, Y = rng.standard_normal((6, 4)), rng.standard_normal((6, 2))
CLASSES = np.eye(2)[rng.integers(0, 2, 6)]
NETWORKS = [
    MLP(X, Y, hidden=(8,)),
    MLP(X, CLASSES, hidden=(8,), objective="cross_entropy"),
    MLP(X, Y, hidden=(8, 5), activation="relu"),
]


@pytest.mark.parametrize("network", NETWORKS, ids=["squared", "classes", "relu"])
def test_curvature_is_the_derivative_of_the_gradient(network):
    """Central differences: an error of h², and a control."""
    theta, v = network.start(rng), rng.standard_normal(network.parameters)
    mask = np.array([1.0, 0, 2, 1, 0, 1])
    h = 1e-6
    slope = (network.gradient(theta + h * v, mask) - network.gradient(theta - h * v, mask)) / (
        2 * h
    )
    found = network.curvature(theta, v, mask)
    np.testing.assert_allclose(found, slope, atol=1e-8 * np.abs(slope).max())
    assert np.abs(1.001 * found - slope).max() > 1e-5 * np.abs(slope).max()
    whole = np.ones(6)
    assert network.batch_loss(theta, whole) / 6 == pytest.approx(network.loss(theta), rel=1e-14)


@pytest.mark.parametrize(
    "method",
    [
        ll.CDAT(1.7),
        ll.CDAT(1.7, ema=0.6, damping=0.01, largest=2.0, batch=3),
        ll.Armijo(0.2, first=0.7, backtrack=0.7),
        ll.Polyak(0.8, largest=0.5),
        ll.OnEdge(0.5),
        ll.SAM(0.1, 0.3),
        ll.SAM(0.1, 0.3, True),
        ll.GradientDescent(0.1),
    ],
    ids=repr,
)
def test_a_rule_is_what_it_says(method):
    """One step and the next, by numbers; a tuner remembers."""
    network, start = NETWORKS[0], NETWORKS[0].start(np.random.default_rng(1))
    _, thetas = path(network, method, 2, every=1, start=start, seed=3)
    if getattr(method, "batch", None) not in (None, 1):
        return _follows_its_gradient(network, method, start)
    one, D, x = np.ones(6), 6, start
    memory = np.array([getattr(method, "first", 0.0), 0.0])
    for after in thetas[1:]:
        g = network.gradient(x, one) / D
        eta, move = _by_hand(network, method, x, g, memory)
        np.testing.assert_allclose(after, x - eta * move, atol=1e-12)
        x = after


def _by_hand(network, method, x, g, memory):
    D, one, square = 6, np.ones(6), g @ g
    if isinstance(method, ll.SAM):
        climb = g / np.linalg.norm(g) if method.normalised else g
        return method.rate, network.gradient(x + method.radius * climb, one) / D
    if isinstance(method, ll.GradientDescent):
        return float(method.rate), g
    if isinstance(method, ll.OnEdge):
        J = network.jacobian(x)
        return 2 * method.fraction / (np.linalg.eigvalsh(J @ J.T)[-1] / D), g
    if isinstance(method, ll.Polyak):
        return min(method.scale * network.loss(x) / square, method.largest), g
    if isinstance(method, ll.CDAT):
        bend = g @ network.curvature(x, g, one) / D
        return method.scale * square / abs(bend), g
    eta = method.increase * memory[0]
    while network.loss(x) - network.loss(x - eta * g) < method.c * eta * square:
        eta *= method.backtrack
    memory[0] = eta
    return eta, g


def _follows_its_gradient(network, method, start):
    """A batch: the run is that of the seed, and no longer than its cap allows."""
    runs = [path(network, method, 2, every=1, start=start, seed=s)[1] for s in (3, 3, 4)]
    assert np.array_equal(runs[0], runs[1]) and not np.array_equal(runs[0], runs[2])


def test_a_curve_has_its_edge_and_says_where_it_diverged():
    curve = descend(NETWORKS[0], ll.CDAT(1.5), 10, every=5, runs=2, seed=1, progress=False)
    np.testing.assert_allclose(
        curve.sample("edge"), curve.sample("step") * curve.sample("sharpness")
    )
    assert curve.time.tolist() == [0, 5, 10]
    with pytest.warns(ll.ValidityWarning, match="diverged"):
        lost = descend(NETWORKS[2], ll.GradientDescent(80.0), 40, seed=1, progress=False)
    assert np.isnan(lost.loss[-1])


def test_the_flow_ends_where_short_steps_of_descent_do():
    """To first order in the rate: half the rate, half the gap; the estimated error covers rtol."""
    network = MLP(X, Y, hidden=(40,))
    start = network.start(np.random.default_rng(2))
    end = flow_end(network, start, loss=1e-9, rtol=1e-9)
    assert end.loss <= 1.01e-9 and end.error < 1e-4 * end.sharpness
    gaps = []
    for rate in (0.02, 0.01):
        x = start
        while network.loss(x) > 1e-9:
            x = x - rate * network.gradient(x, np.ones(6)) / 6
        gaps.append(network.linearisation(x))
    tops = [_top(near) for near in gaps]
    assert (tops[0] - end.sharpness) / (tops[1] - end.sharpness) == pytest.approx(2, rel=0.2)
    closer = flow_end(network, start, loss=1e-11, rtol=1e-10)
    rest = flow_end(network, end.theta, loss=1e-8)  # over already, and short of its end
    assert rest.time == 0.0
    for found in (end, rest):
        assert 0.5 * found.error <= abs(closer.sharpness - found.sharpness) <= 1.2 * found.error


def _top(near):
    J = np.concatenate([near.rows(k) for k in range(near.data)])
    return float(np.linalg.eigvalsh(J @ J.T)[-1]) / near.data


def test_what_is_refused():
    for wrong in (descend, path):
        with pytest.raises((InvalidType, AttributeError)):
            wrong(3, ll.CDAT(1.0), 5, every=1, start=np.zeros(3))
    with pytest.raises(NotAvailable, match="momentum"):
        descend(NETWORKS[0], ll.SGD(0.1, batch=2, momentum=0.5), 5)
    with pytest.raises(NotAvailable, match="objective"):
        flow_end(NETWORKS[1], np.zeros(NETWORKS[1].parameters))
    narrow = MLP(X, Y, hidden=(1,))
    with pytest.raises(SolveFailed, match="interpolate"):
        flow_end(narrow, narrow.start(np.random.default_rng(0)), rtol=1e-3, longest=200.0)
