"""The probe against the exact kernel of the same Jacobian."""

import numpy as np
import pytest

from limitlab.solvers.linear.noise_kernel import NoiseKernel
from limitlab.theory.core.errors import InvalidInput, InvalidType, NotAvailable
from limitlab.theory.methods import SGD, GradientDescent
from limitlab.theory.methods.sampling import batches
from limitlab.validation.networks.linearisation import Linearisation
from limitlab.validation.networks.mlp import MLP
from limitlab.validation.networks.probe import probe

METHOD = SGD(0.1, batch=2)


@pytest.fixture(scope="module")
def network():
    rng = np.random.default_rng(1)
    net = MLP(rng.standard_normal((20, 6)), rng.standard_normal((20, 3)), hidden=(8,))
    return net.linearisation(net.start(rng))


@pytest.fixture(scope="module")
def kernel(network):
    return NoiseKernel(network.linear_model(), batches(METHOD, 20))


def test_exact_where_every_example_is_visited(network, kernel):
    found = probe(network, METHOD, examples=20, top=3)
    problem = kernel.problem
    assert found.trace == pytest.approx(problem.eigenvalues.sum(), rel=1e-12)
    np.testing.assert_allclose(found.top, problem.eigenvalues[:3], rtol=1e-9)
    small = 1e-6 / problem.sharpness  # what is of first order only is compared there
    for name, own in (("second_moment", kernel.second_moment), ("highest", kernel.highest)):
        assert getattr(found, name)(small) == pytest.approx(own(small), rel=1e-5)
    for share in (0.1, 0.8):
        rate = share / problem.sharpness
        low, high = found.closure(rate)
        assert low <= kernel.closure(rate) <= high
        assert found.lower(rate) <= kernel.exact(rate) <= found.upper(rate)
        if found.verdict(rate) != "undecided":
            assert (found.verdict(rate) == "stable") == (kernel.exact(rate) < 1)


def test_missing_factor_of_the_outputs_is_seen(network, kernel):
    """Negative control: the full trace without 1/C is C times too large."""
    found = probe(network, METHOD, examples=20)
    right = kernel.trace(0.1)
    assert found.kernel_trace(0.1) == pytest.approx(right, rel=1e-12)
    assert 3 * found.kernel_trace(0.1) != pytest.approx(right, rel=0.5)


def test_hutchinson_covers_the_trace(network, kernel):
    """Student's t of 200 vectors, at 1e-4; with a wrong trace it is beyond."""
    found = probe(network, METHOD, probes=200, examples=4, seed=3)
    exact = kernel.problem.eigenvalues.sum()
    assert abs(found.trace - exact) < 4 * found.trace_error < 0.2 * exact
    assert abs(found.trace - 1.2 * exact) > 4 * found.trace_error
    assert found.upper(0.1) is None and found.verdict(1e-9) == "undecided"
    assert "4 of 20" in str(found)


def test_rate_at_target(network):
    found = probe(network, METHOD, examples=20)
    assert found.lower(found.rate_at(0.5)) == pytest.approx(0.5, rel=1e-6)
    assert found.verdict(1.01 * found.rate_at()) == "unstable"
    assert found.verdict(3 / found.sharpness) == "unstable"


def test_bad_input(network):
    with pytest.raises(InvalidInput, match="top"):
        probe(network, METHOD, top=60)
    with pytest.raises(NotAvailable, match="noise"):
        probe(network, GradientDescent(0.1)).rate_at()
    with pytest.raises(InvalidType, match="give a Linearisation"):
        probe(np.eye(3), METHOD)
    for seed, error in (("a", InvalidType), (-1, InvalidInput)):
        with pytest.raises(error, match="seed"):
            probe(network, METHOD, seed=seed)
    flat = Linearisation(lambda v: np.zeros(4), lambda u: np.zeros(3), data=4, parameters=3)
    with pytest.raises(InvalidInput, match="its Jacobian is 0"):
        probe(flat, METHOD, top=1)


J = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 1.0], [1.0, 0.0, 0.5], [0.3, 0.1, 0.2]])
PUSH, PULL = J.dot, J.T.dot


@pytest.mark.parametrize("outputs", [1, 2])
def test_rows_of_an_example_are_checked(outputs):
    rows = J.reshape(-1, outputs, 3)
    near = Linearisation(PUSH, PULL, 4 // outputs, 3, outputs, lambda k: rows[k])
    np.testing.assert_allclose(near.linear_model().jacobian, J)
    for wrong in (lambda k: 3 * rows[k], lambda k: rows[k - 1], lambda k: 0 * rows[k]):
        with pytest.raises(InvalidInput, match="example = .* not those of jvp"):
            Linearisation(PUSH, PULL, 4 // outputs, 3, outputs, wrong)


@pytest.mark.parametrize(
    ("push", "pull", "error", "field"),
    [
        (lambda v: 0 * PUSH(v), PULL, InvalidInput, "vjp"),
        (lambda v: PUSH(v) + 1j, PULL, InvalidType, "jvp"),
        (PUSH, lambda u: [*PULL(u)[:2], 1j], InvalidType, "vjp"),
        (J, PULL, InvalidType, "jvp"),
        (lambda v: "abc", PULL, InvalidType, "jvp"),
        (lambda v: [[1.0, 2.0], [3.0]], PULL, InvalidType, "jvp"),
        (PUSH, None, InvalidType, "vjp"),
    ],
)
def test_products_that_are_none(push, pull, error, field):
    with pytest.raises(error, match=field) as failed:
        Linearisation(push, pull, data=4, parameters=3)
    assert failed.type is error
