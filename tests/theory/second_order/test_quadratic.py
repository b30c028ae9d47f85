"""QuadraticRegression: what it takes, what it refuses, and its defaults."""

from dataclasses import replace

import numpy as np
import pytest

from limitlab.theory.core.errors import InvalidInput, NotAvailable
from limitlab.theory.methods import SGD
from limitlab.theory.second_order.derive import derive as derive_quadratic
from limitlab.theory.second_order.problem import QuadraticRegression

GRAM = [[2.0, 0.5], [0.5, 1.0]]


def test_strengths():
    problem = QuadraticRegression(4, 100, 0.5)
    assert (problem.kappa, problem.q, problem.kappa_tilde) == (0.5, 0.005, 2.0)


def test_every_name_of_the_curvature_gives_the_same_problem():
    by_kappa, by_q, by_tilde = (
        QuadraticRegression(4, 100, **given)
        for given in ({"curvature": 0.5}, {"q": 0.005}, {"kappa_tilde": 2.0})
    )
    assert by_kappa == by_q == by_tilde
    assert QuadraticRegression(4, 100, 0.5, q=0.005, kappa_tilde=2.0) == by_kappa
    assert replace(by_q, curvature=1.0).q == 0.01


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "curvature"),
        ({"q": -1.0}, "q"),
        ({"curvature": 0.5, "kappa_tilde": 0.5}, "curvature, kappa_tilde"),
        ({"q": 0.005, "kappa_tilde": 2.0 * (1 + 1e-11)}, "q, kappa_tilde"),
        ({"q": 0.1, "gram": np.eye(3)}, "gram"),
        ({"q": 0.1, "gram": np.ones((4, 100))}, "gram"),
        ({"q": 0.1, "gram": np.eye(4), "jacobian": np.eye(4)}, "gram"),
        ({"q": 0.1, "gram": "foo"}, "gram"),
        ({"q": 0.1, "gram": 1e150 * np.eye(4)}, "gram"),
        ({"q": 0.1, "jacobian": 1e150 * np.ones((4, 100))}, "jacobian"),
        ({"q": 0.1, "residual": 1e160 * np.ones(4)}, "residual"),
    ],
)
def test_curvatures_that_differ_and_bad_gram_matrices_are_named(given, field):
    with pytest.raises(InvalidInput) as error:
        QuadraticRegression(4, 100, **given)
    assert error.value.field == field


def test_gram_is_never_a_jacobian():
    assert QuadraticRegression(2, 5, 0.1, gram=GRAM) == QuadraticRegression(2, 5, 0.1, GRAM)
    with pytest.raises(InvalidInput, match="D < P"):
        QuadraticRegression(2, 2, 0.1, gram=GRAM)


def test_a_gram_matrix_gets_a_jacobian():
    problem = QuadraticRegression(2, 5, 0.1, GRAM)
    assert problem.G.shape == (2, 5)
    np.testing.assert_allclose(problem.G @ problem.G.T, GRAM, atol=1e-14)


def test_a_square_jacobian_is_a_jacobian():
    problem = QuadraticRegression(2, 2, 0.1, GRAM)
    np.testing.assert_allclose(problem.gram, np.array(GRAM) @ GRAM)


def test_default_start_depends_on_the_seed_only():
    one, same, other = (QuadraticRegression(3, 50, 0.1, seed=s) for s in (1, 1, 2))
    assert one == same and hash(one) == hash(same) and one != other
    np.testing.assert_array_equal(one.G, same.G)
    assert not np.allclose(one.G, other.G)
    assert one.residual_variance == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ((0, 10, 0.1), "data"),
        ((2, 10, -0.1), "curvature"),
        ((2, 10, np.nan), "curvature"),
        ((2, 10, 0.1, np.ones((2, 3))), "jacobian"),
        ((2, 10, 0.1, [[1, 0.5], [0, 1]]), "jacobian"),
        ((2, 10, 0.1, [[1, 2], [2, 1]]), "jacobian"),
        ((3, 2, 0.1, np.eye(3)), "jacobian"),
        ((2, 10, 0.1, GRAM, [1.0]), "residual"),
        ((2, 10, 0.1, GRAM, [1.0, np.inf]), "residual"),
    ],
)
def test_bad_input_is_named(arguments, field):
    with pytest.raises(InvalidInput) as error:
        QuadraticRegression(*arguments)
    assert error.value.field == field


def test_derivations():
    problem = QuadraticRegression(2, 5, 0.1)
    texts = {
        n: derive_quadratic(problem, SGD(0.1), limit=n).latex()
        for n in ("fixed-data", "proportional", "sde")
    }
    assert len(set(texts.values())) == 3
    with pytest.raises(InvalidInput, match="fixed-data"):
        derive_quadratic(problem, SGD(0.1), limit="ode")


def test_batches_above_the_data_are_refused():
    with pytest.raises((InvalidInput, NotAvailable), match="batch"):
        derive_quadratic(QuadraticRegression(2, 5, 0.1), SGD(0.1, batch=3))
