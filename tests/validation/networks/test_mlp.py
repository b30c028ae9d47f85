"""The network's derivatives, and the checks of a user's products."""

import numpy as np
import pytest

from limitlab.theory.activations import GELU, Quadratic, ReLU, Tanh
from limitlab.theory.core.errors import InvalidInput
from limitlab.validation.networks.layer import Layer, _compiled, of
from limitlab.validation.networks.linearisation import Linearisation, rate_from_library
from limitlab.validation.networks.mlp import MLP


@pytest.fixture(params=["tanh", "relu", GELU(1.5), Quadratic()])
def network(request):
    rng = np.random.default_rng(1)
    shape = rng.standard_normal((6, 4)), rng.standard_normal((6, 3))
    return MLP(*shape, hidden=(5, 4), activation=request.param)


def test_products_are_the_jacobian(network):
    rng = np.random.default_rng(2)
    theta = network.start(rng) + 0.1 * rng.standard_normal(network.parameters)
    J, near = network.jacobian(theta), network.linearisation(theta)
    step = 1e-6
    for i in range(0, network.parameters, 7):
        shift = step * np.eye(network.parameters)[i]
        slope = (network.residual(theta + shift) - network.residual(theta - shift)) / (2 * step)
        np.testing.assert_allclose(J[:, i], slope.ravel(), atol=1e-8)
    v, u = rng.standard_normal(network.parameters), rng.standard_normal(len(J))
    np.testing.assert_allclose(near.push(v), J @ v, atol=1e-12)
    np.testing.assert_allclose(near.pull(u), J.T @ u, atol=1e-12)
    np.testing.assert_allclose(near.linear_model().jacobian, J, atol=1e-12)
    mask = np.array([0.0, 1, 0, 0, 2, 0])
    expected = J.T @ (np.repeat(mask, 3) * network.residual(theta).ravel())
    np.testing.assert_allclose(network.gradient(theta, mask), expected, atol=1e-12)
    np.testing.assert_allclose(near.rows(4), J[12:15], atol=1e-12)


def test_wrong_products_are_refused():
    J = np.random.default_rng(0).standard_normal((6, 5))
    shape = {"data": 6, "parameters": 5}
    Linearisation(lambda v: J @ v, lambda u: J.T @ u, **shape)
    wrong = [
        (lambda v: J @ v, lambda u: 1.001 * J.T @ u),
        (lambda v: J @ v, lambda u: J[::-1].T @ u),
        (lambda v: J @ v * np.nan, lambda u: J.T @ u),
        (lambda v: (J @ v)[:3], lambda u: J.T @ u),
    ]
    for jvp, vjp in wrong:
        with pytest.raises(InvalidInput):
            Linearisation(jvp, vjp, **shape)
    single = J.astype(np.float32)
    Linearisation(lambda v: single @ v.astype("f4"), lambda u: single.T @ u.astype("f4"), **shape)


def test_library_rate():
    """θ ← θ − η Jᵀz/D is a step of rate η C/2 on |z|²/(D C), whose gradient is 2 Jᵀz/(D C)."""
    assert rate_from_library(0.3 * 10 / 2, outputs=10) == pytest.approx(0.3)


@pytest.mark.parametrize("unit", [Tanh(), ReLU()])
def test_quick_slopes_are_those_of_the_form(unit):
    import sympy as sp

    x = sp.Symbol("x", real=True)
    form = unit.function(x).rewrite(sp.Piecewise)
    sums = np.linspace(-3, 3, 14)
    value, quick = _compiled(form)(sums), of(unit)
    np.testing.assert_allclose(quick.value(sums), value, atol=1e-15)
    slope = _compiled(sp.diff(form, x))(sums)
    np.testing.assert_allclose(quick.slope(sums, value), slope, atol=1e-15)
    assert isinstance(quick, Layer) and not np.allclose(quick.slope(sums, value), 1.01 * slope)


def test_the_curvature_is_the_derivative_of_the_gradient(network):
    rng = np.random.default_rng(4)
    theta, v = network.start(rng), rng.standard_normal(network.parameters)
    mask, step = np.ones(6), 1e-5
    there = [network.gradient(theta + sign * step * v, mask) for sign in (1, -1)]
    expected = (there[0] - there[1]) / (2 * step)
    found = network.curvature(theta, v, mask)
    np.testing.assert_allclose(found, expected, atol=1e-6 * np.abs(expected).max())
