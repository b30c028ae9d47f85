"""The two-eigenvalue model and its derivation: elimination, conservation, average, end."""

import numpy as np
import pytest
import sympy as sp

from limitlab.theory.core.errors import InvalidInput, NotAvailable
from limitlab.theory.derive import derive
from limitlab.theory.methods import SGD, GradientDescent
from limitlab.theory.two_eigenvalues import derivation as derived
from limitlab.theory.two_eigenvalues.problem import TwoEigenvalueModel

z, T, y, Y, E, epsilon = (derived.z, derived.T, derived.y, derived.Y, derived.E, derived.epsilon)


@pytest.fixture(scope="module")
def theory():
    return derive(TwoEigenvalueModel(0.01, 0.25), GradientDescent(1.0))


def test_closed_map_is_the_published_one(theory):
    T_1 = (1 - epsilon) * T + 2 * epsilon * (z - E)
    expected = {
        "T_1": T_1,
        "z_next": z - z * T + z**2 * T_1 / 2,
        "T_next": T - 2 * z * T_1 + z**2 * ((1 - epsilon) * T_1 + epsilon * T),
        "z_flow": -z * T,
        "T_flow": -2 * z * T_1,
    }
    for name, form in expected.items():
        assert sp.expand(theory[name] - form) == 0, name


def test_step_is_gradient_descent_on_the_quadratic(theory):
    """The model's own step against the gradient of L = z²/2 at θ."""
    rng = np.random.default_rng(3)
    G, theta, Q = rng.standard_normal(2), rng.standard_normal(2), np.diag([1, -0.3])

    def at(theta):
        return 0.4 + G @ theta + theta @ Q @ theta / 2, G + Q @ theta

    residual, jacobian = at(theta)
    after, jacobian_after = at(theta - residual * jacobian)
    values = {"z": residual, "J_1": jacobian[0], "J_2": jacobian[1], "epsilon": 0.3}
    names = ("z_full", "J_1_next", "J_2_next")
    found = [theory.functions[name](**values) for name in names]
    np.testing.assert_allclose(found, [after, *jacobian_after], rtol=1e-13)


def test_conserved_and_slow(theory):
    steps = {str(step.left): step.right for step in theory.steps}
    assert steps["E' − E"] == 0
    assert sp.expand(steps["W'/W"] - (1 + epsilon * z) ** 2) == 0


def test_average_over_two_steps(theory):
    assert sp.expand(theory["z_pair"] - z * (2 * y - 4 * z**2)) == 0
    assert sp.expand(theory["y_pair"] + 4 * epsilon * (1 + E) * z**2) == 0
    assert sp.expand(theory["T_pair"] - (2 + y - z**2)) == 0


def test_end(theory):
    C = derived.constant
    orbit = C * sp.exp(2 * Y / (1 + E)) + Y / 2 + (1 + E) / 4
    assert sp.simplify(theory["Z"] - orbit) == 0
    assert sp.expand(theory["T_end"] - (2 - epsilon * (1 + E) / 2)) == 0
    for kept in (-0.05, 0.0, 0.3):  # on either side of the slow manifold, and on it
        root = theory[derived.END_FROM_START].subs({C: kept, E: 0.5})
        assert abs(orbit.subs({C: kept, E: 0.5, Y: root})) < 1e-14


def test_prints(theory):
    assert "E' − E = 0" in theory.explain()
    assert r"\epsilon" in theory.latex() and "def z_next" in theory.source


def test_state_and_invariant():
    model = TwoEigenvalueModel.from_state([2, -0.02], 0.025, [1.5, 0.1])
    assert model.start == pytest.approx((0.05, 2.26))
    assert model.invariant == pytest.approx(0.05 - (1.5**2 - 0.1**2 / 0.01) / 2)
    np.testing.assert_allclose(model.squares, [1.5**2, 0.1**2], rtol=1e-12)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: TwoEigenvalueModel(-1, 0),
        lambda: TwoEigenvalueModel(np.nan, 0),
        lambda: TwoEigenvalueModel(0.01, 0, (0.1, -1)),
        lambda: TwoEigenvalueModel(0.01, 0, (3, 2)),
        lambda: TwoEigenvalueModel(0.01, 0, (1, 2, 3)),
        lambda: TwoEigenvalueModel.from_state([1, 2], 0, [1, 1]),
        lambda: derive(TwoEigenvalueModel(0.01, 0), SGD(1.0, batch=2)),
    ],
)
def test_bad_input(wrong):
    with pytest.raises((InvalidInput, NotAvailable)):
        wrong()
