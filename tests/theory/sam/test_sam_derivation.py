"""SAM derived: its step in words and loops, edge and cycle, the two-variable map, averages."""

import numpy as np
import pytest
import sympy as sp

from limitlab.theory.core.errors import InvalidInput, NotAvailable
from limitlab.theory.covariance import isotropic
from limitlab.theory.derive import derive
from limitlab.theory.methods import SAM
from limitlab.theory.noise import Gaussian
from limitlab.theory.sam import early_time, edge, regression, two_eigenvalues
from limitlab.theory.second_order.problem import QuadraticRegression
from limitlab.theory.streaming.problem import LeastSquares
from limitlab.theory.two_eigenvalues.problem import TwoEigenvalueModel

STREAM = LeastSquares(isotropic(3), noise=Gaussian(0.1))
MODEL = TwoEigenvalueModel(0.3, 0.1, (0.1, 1.2))


def test_edge_and_cycle():
    derived = edge.edge()
    eta, rho, s = edge.rate, edge.radius, edge.curvature
    critical = derived[edge.critical]
    assert sp.simplify(eta * critical * (1 + rho * critical) - 2) == 0
    assert sp.limit(critical, rho, 0) == 2 / eta
    assert float(critical.subs({eta: 0.5, rho: 0.1})) == pytest.approx(3.0622577, abs=5e-8)
    cycle = derived[edge.cycle]
    assert sp.simplify(cycle - eta * rho * s / (2 - eta * s)) == 0
    assert float(cycle.subs({eta: 0.5, rho: 0.1, s: 1})) == pytest.approx(1 / 30, rel=1e-14)
    assert sp.simplify(derived[edge.multiplier] - (1 - eta * s)) == 0
    # the 2-cycle sits at its own edge
    assert derived.steps[-1].right == 0


def test_edge_has_no_cancellation():
    found = edge.edge().functions["s_c"]
    for rho in (1e-14, 1e-9, 0.1, 1e6):
        s = found(eta=0.5, rho=rho)
        assert 0.5 * s * (1 + rho * s) == pytest.approx(2, rel=1e-14)


def test_two_variable_map_of_the_page():
    """(w₁, w₂, E) = (1, −1, 1), rate .5, radius .1, (a, b) = (2.6, .5), in units of the rate."""
    rate, found = 0.5, two_eigenvalues.motion()
    z, T = 0.05 * rate, 3.1 * rate
    symbols = two_eigenvalues
    numbers = {
        symbols.epsilon: 1,
        symbols.E: -rate,
        symbols.z: z,
        symbols.T: T,
        symbols.reach: 0.1 / rate,
    }
    squares = [float(form.subs(numbers)) / rate for form in found.squares]
    assert squares == pytest.approx([2.6, 0.5], rel=1e-14)
    numbers |= dict(zip((symbols.first, symbols.second), rate * np.array(squares), strict=True))
    up = float(found.up.subs(numbers))
    assert up / rate == pytest.approx(0.06552625, abs=5e-9)
    numbers[symbols.ascended] = up
    z_after, T_after = (float(f.subs(numbers)) for f in (found.z_after, found.T_after))
    assert T_after / rate == pytest.approx(2.4315988 + 0.5331307, abs=1e-7)
    assert z_after / rate == pytest.approx((2.4315988 - 0.5331307) / 2 - 1, abs=1e-7)


def test_conserved_and_reduces_to_descent():
    found = two_eigenvalues.motion()
    steps = {str(step.left): step.right for step in found.steps}
    assert steps["E' − E"] == 0
    z, T, E, epsilon = (getattr(two_eigenvalues, n) for n in ("z", "T", "E", "epsilon"))
    squares = dict(zip((two_eigenvalues.first, two_eigenvalues.second), found.squares, strict=True))
    still = {two_eigenvalues.reach: 0, two_eigenvalues.ascended: z}
    plain = found.z_after.subs(still).subs(squares)
    T_1 = (1 - epsilon) * T + 2 * epsilon * (z - E)
    assert sp.simplify(plain - (z - z * T + z**2 * T_1 / 2)) == 0


def test_edge_of_the_two_variable_map():
    """The multiplier of z at the fixed line is 1 − T(1 + ρT)."""
    found = two_eigenvalues.motion()
    s = two_eigenvalues
    after = found.z_after.subs(s.ascended, found.up)
    after = after.subs(dict(zip((s.first, s.second), found.squares, strict=True)))
    multiplier = sp.diff(sp.expand(after), s.z).subs(s.z, 0)
    on_line = sp.simplify(multiplier.subs(s.E, 0))
    assert sp.simplify(on_line - (1 - s.T * (1 + s.reach * s.T))) == 0


def test_averages_are_those_of_the_page():
    """η ρ V [(P + 1) z + ρ (P + 2) K z] gᵀ, and with batches b₂ and β − b₂."""
    rng = np.random.default_rng(4)
    D, P = 3, 5
    z, J = rng.standard_normal(D), rng.standard_normal((D, P))
    K, g, f = J @ J.T, J.T @ z, early_time.averages().functions
    numbers = {"z": z, "J": J, "Theta": K, "q": 0.3, "P": P, "h": 0.2, "rho": 0.7}
    exact = -0.2 * 0.7 * 0.3 * np.outer((P + 1) * z + 0.7 * (P + 2) * K @ z, g)
    np.testing.assert_allclose(f["Delta_J"](**numbers), exact, rtol=1e-13)
    leading = -0.2 * 0.7 * 0.3 * P * np.outer(z, g)
    np.testing.assert_allclose(f["Delta_J_leading"](**numbers), leading, rtol=1e-13)
    beta, b2 = 2 / 3, 1 / 3
    numbers |= {"beta": beta, "b_1": beta, "b_2": b2}
    mixed = b2 * np.outer(z, z) + (beta - b2) * np.diag(z**2)
    batch = -0.2 * 0.7 * 0.3 * (P + 1) * mixed @ J
    np.testing.assert_allclose(f["Delta_J_batch"](**numbers), batch, rtol=1e-13)
    moved = -0.2 * beta * K @ z
    moved = moved - 0.2 * 0.7 * K @ (b2 * K + (beta - b2) * np.diag(np.diag(K))) @ z
    np.testing.assert_allclose(f["Delta_z"](**numbers), moved, rtol=1e-13)
    u = np.linalg.svd(J)[0][:, 0]
    slope = f["slope"](**numbers, u_a=u, s_a=1.5)
    assert slope == pytest.approx(-2 * 0.2 * 0.7 * 0.3 * P * 1.5**2 * (u @ z) ** 2, rel=1e-13)


def test_it_prints():
    system = derive(QuadraticRegression(3, 8, 0.1), SAM(0.3, 0.2, batch=2))
    assert r"J^{+}_{a,b}" in system.latex() and "def advance" in system.source
    assert "the gradient of the batch" in system.explain()
    assert derive(MODEL, SAM(0.3, 0.2, True)).numbers[-1] == two_eigenvalues.radius
    assert "z_{flow}" in derive(MODEL, SAM(0.3, 0.2), limit="flow").latex()
    assert r"\rho" in early_time.averages().latex()
    assert regression.velocity(False).source


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (lambda: SAM(0.3, -0.1), "radius"),
        (lambda: SAM(0.0, 0.1), "rate"),
        (lambda: SAM(0.3, np.nan), "radius"),
        (lambda: SAM(0.3, 0.1, 1), "normalised"),
        (lambda: SAM(0.3, 0.1, batch=0), "batch"),
        (lambda: SAM(0.3, 0.1, batch=2, sampling="shuffled"), "sampling"),
        (lambda: derive(QuadraticRegression(3, 8, 0.1), SAM(0.3, 0.1, batch=4)), "batch"),
        (lambda: derive(MODEL, SAM(0.3, 0.1, batch=2)), "batch"),
        (lambda: derive(MODEL, SAM(0.3, 0.1), limit="sde"), "limit"),
        (lambda: derive(MODEL, SAM(0.3, 0.1, True), limit="flow"), "normalised"),
        (
            lambda: derive(QuadraticRegression(3, 8, 0.1), SAM(0.3, 0.1, batch=2), limit="flow"),
            "batch",
        ),
        (lambda: derive(STREAM, SAM(0.3, 0.1)), "rule"),
    ],
)
def test_bad_input(wrong, field):
    with pytest.raises((InvalidInput, NotAvailable)) as caught:
        wrong()
    assert caught.value.field == field
