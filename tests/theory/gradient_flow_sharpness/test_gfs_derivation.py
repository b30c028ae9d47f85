"""Gradient descent on small exact networks, derived: balances, normal form, drift, its end."""

import numpy as np
import pytest
import sympy as sp

from limitlab.theory.core.errors import InvalidInput, InvalidType, NotAvailable
from limitlab.theory.core.symbols import t
from limitlab.theory.derive import derive
from limitlab.theory.gradient_flow_sharpness import maps
from limitlab.theory.gradient_flow_sharpness import normal_form as form
from limitlab.theory.gradient_flow_sharpness.problem import DiagonalLinearNetwork, ScalarNetwork
from limitlab.theory.methods import SGD, GradientDescent

SCALAR = ScalarNetwork([2, 0.5, 0.3])
DIAGONAL = DiagonalLinearNetwork([1.0, 0.5], [0.5, 0.8], [[1.0, 0.3]], [0.4])


def test_balances_shrink_by_a_factor_of_second_order():
    steps = {str(step.left): step.right for step in maps.balances()}
    pi, eta, one, two = maps.product, maps.rate, *sp.symbols("s_i s_j", positive=True)
    law = 1 - eta**2 * (pi - 1) ** 2 * pi**2 / (one * two)
    assert sp.simplify(steps["(s_i − s_j)'/(s_i − s_j)"] - law) == 0
    assert sp.simplify(steps["ṡ_i"] + 2 * pi * (pi - 1)) == 0


def test_coefficients_of_the_normal_form():
    theory, (q1, q2, q3) = form.normal_form(), (form.q1, form.q2, form.q3)
    eta = alpha = 2 / q1
    beta = 2 / q1 * (-sp.Rational(1, 2) + q2 / q1**2)
    E2, E2_slope = (q1**2 - q2) / 2, alpha * (q3 - q1 * q2)
    E3 = (q1**3 - 3 * q1 * q2 + 2 * q3) / 6
    a2 = -eta * (2 * q1 - alpha * q2) + eta**2 * E2
    a3 = -eta * (q1 - 2 * alpha * q2 - beta * q2 + alpha**2 * q3)
    a3 += eta**2 * (3 * E2 + E2_slope) - eta**3 * E3
    expected = {"alpha": alpha, "beta": beta, "a_2": a2, "a_3": a3}
    for name, value in expected.items():
        assert sp.simplify(theory[name] - value) == 0, name
    drift = form.rate**3 * (q3 - q2**2 / q1)
    assert sp.simplify(theory["C"] - drift) == 0
    assert sp.simplify(theory["kappa"] - 1 / (form.second**2 + form.third)) == 0


def test_two_layers_in_closed_form():
    """a₂ = −η², a₃ = η⁴, κ = 1/(2η⁴), C = 2η²(1 − η²) at φ = 2/η."""
    theory, eta = form.normal_form(), sp.Symbol("eta", positive=True)
    phi = 2 / eta
    gap = sp.sqrt(phi**2 - 4)
    x = [(gap + phi) / 2, (phi - gap) / 2]
    sums = {
        q: sp.simplify(sum(1 / value**k for value in x))
        for k, q in enumerate((form.q1, form.q2, form.q3), start=1)
    }
    a2, a3 = (sp.simplify(theory[name].subs(sums)) for name in ("a_2", "a_3"))
    assert sp.simplify(a2 + eta**2) == 0 and sp.simplify(a3 - eta**4) == 0
    drift = sp.simplify(theory["C"].subs(sums).subs(form.rate, eta))
    assert sp.simplify(drift - 2 * eta**2 * (1 - eta**2)) == 0


def test_the_orbit_solves_its_equation():
    theory = form.normal_form()
    s, delta = theory["s"], form.delta
    slope = 2 * (s / form.stiffness - delta) / form.drift
    assert sp.simplify(sp.diff(s, delta) - slope) == 0
    from_start = theory["s_from_start"]
    assert sp.simplify(from_start.subs(delta, form.start_delta) - form.start_square) == 0
    assert sp.simplify(sp.diff(from_start, delta) - slope.subs(s, from_start)) == 0
    assert theory["delta_end"] == -form.drift * form.stiffness / 2


def test_sharpness_falls_with_every_gap():
    """dφ for a shift that raises a group of larger x and lowers one of smaller: of one sign."""
    xi, xj = sp.symbols("x_i x_j", positive=True)
    term = (1 / xi - 1 / xj) / (xi * xj)
    assert term.subs({xi: 1, xj: 2}) > 0 and term.subs({xi: 1, xj: 1}) == 0


def test_systems_print():
    for problem, limits in (
        (SCALAR, ("map", "quasi-static", "normal-form", "flow")),
        (DIAGONAL, ("map", "flow")),
    ):
        for limit in limits:
            system = derive(problem, GradientDescent(0.1), limit=limit)
            assert system.latex() and "def " in system.source and system.explain()


def test_map_is_the_gradient():
    """The squares after one step against a numerical gradient of the loss."""
    w = np.array([1.5, 0.8, 0.6])

    def loss(weights):
        return (np.prod(weights) - 1) ** 2 / 2

    steps = 1e-6 * np.eye(3)
    gradient = np.array([(loss(w + h) - loss(w - h)) / 2e-6 for h in steps])
    pi, eta = float(np.prod(w)), 0.2
    factors = [
        float(maps._factor(square).subs({maps.product: pi, maps.rate: eta})) for square in w**2
    ]
    np.testing.assert_allclose(w * factors, w - eta * gradient, rtol=1e-8)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (lambda: ScalarNetwork([1.0]), "weights"),
        (lambda: ScalarNetwork([1.0, 0.0]), "weights"),
        (lambda: ScalarNetwork([1.0, -0.5]), "weights"),
        (lambda: ScalarNetwork([1.0, np.nan]), "weights"),
        (lambda: ScalarNetwork("ab"), "weights"),
        (lambda: DiagonalLinearNetwork([1, 0], [1, 1], [[1, 2]], [1]), "u"),
        (lambda: DiagonalLinearNetwork([1, 1], [1], [[1, 2]], [1]), "v"),
        (lambda: DiagonalLinearNetwork([1, 1], [1, 1], [[1, 2, 3]], [1]), "inputs"),
        (lambda: DiagonalLinearNetwork([1, 1], [1, 1], [[1, 2]], [1, 2]), "targets"),
        (lambda: DiagonalLinearNetwork([1, 1], [1, 1], [[1, 2], [2, 4]], [1, 3]), "targets"),
        (lambda: derive(SCALAR, SGD(0.1)), "method"),
        (lambda: derive(SCALAR, SGD(0.1, momentum=0.5)), "momentum"),
        (lambda: derive(SCALAR, GradientDescent(0.1 / (1 + t))), "rate"),
        (lambda: derive(DIAGONAL, GradientDescent(0.1), limit="normal-form"), "limit"),
        (lambda: derive(SCALAR, GradientDescent(0.1), limit="sde"), "limit"),
    ],
)
def test_bad_input(wrong, field):
    with pytest.raises((InvalidInput, InvalidType, NotAvailable)) as caught:
        wrong()
    assert caught.value.field == field


def test_two_signs_are_one_side():
    assert ScalarNetwork([-2.0, -0.5, 0.3]).depth == 3
