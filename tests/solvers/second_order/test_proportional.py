"""T2: the spec's numbers, the first step in closed form, and what it does not know."""

import numpy as np
import pytest

from limitlab.solvers.second_order.proportional import solve_proportional
from limitlab.solvers.second_order.solve import solve as solve_quadratic
from limitlab.theory.core.errors import InvalidInput, NotAvailable
from limitlab.theory.methods import SGD, GradientDescent
from limitlab.theory.methods.sampling import mask_moments
from limitlab.theory.second_order.problem import QuadraticRegression

pytestmark = pytest.mark.interpreted


def test_sanity_values():
    problem = QuadraticRegression(40, 40, 0.4 / 40)
    found = solve_proportional(problem, np.full(6, 0.3), mask_moments("bernoulli", 20, 40))
    assert 2 * found.loss[1] == pytest.approx(0.790405, abs=5e-7)
    assert 2 * found.loss[6] == pytest.approx(0.425025, abs=5e-7)
    assert found.norm[6] == pytest.approx(0.281680, abs=5e-7)


@pytest.mark.parametrize("sampling", ["without_replacement", "with_replacement", "bernoulli"])
def test_first_step(sampling):
    """ℓ₁ = σ²(1 − 2βgã + b₁g²ã²) + α(ãc₁ + κ̃c₁²/2), c₁ = b₁g²ãσ²."""
    problem = QuadraticRegression(30, 60, 0.05)
    moments, g, alpha, kappa = mask_moments(sampling, 10, 30), 0.5, 0.5, 1.5
    found = solve_proportional(problem, np.full(2, g), moments)
    c1 = moments.b1 * g**2
    ell = 1 - 2 * moments.beta * g + moments.b1 * g**2 + alpha * (c1 + kappa * c1**2 / 2)
    assert found.norm[1] == pytest.approx(c1, rel=1e-13)
    assert 2 * found.loss[1] == pytest.approx(ell, rel=1e-13)


def test_curve_says_what_it_does_not_know():
    problem = QuadraticRegression(20, 40, 0.02)
    curve = solve_quadratic(problem, SGD(3.0, batch=10), 6, limit="proportional")
    edge = (1 + np.sqrt(0.5)) ** 2
    assert 20 * curve["bulk_edge"][0] == pytest.approx(edge)
    assert curve.loss[0] == pytest.approx(0.5)
    with pytest.raises(NotAvailable, match="fixed-data"):
        curve["sharpness"]


def test_divergence_is_flagged():
    problem = QuadraticRegression(20, 20, 0.1)
    curve = solve_quadratic(problem, GradientDescent(40.0), 30, limit="proportional")
    step = curve.provenance["diverged"]["0"]
    assert np.all(np.isnan(curve.loss[step:])) and np.all(np.isfinite(curve.loss[:step]))


def test_few_pilot_runs_are_refused():
    with pytest.raises(InvalidInput, match="at least 20"):
        solve_quadratic(
            QuadraticRegression(20, 20, 0.1), SGD(1.0), 4, limit="proportional", pilot_runs=5
        )
