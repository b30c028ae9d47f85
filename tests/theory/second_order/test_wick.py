"""The rewrite rules against the contraction rules of one GOE matrix, and against components."""

import itertools

import numpy as np
import pytest
import sympy as sp

from limitlab.theory.core.derivation import Derivation
from limitlab.theory.core.errors import NotAvailable
from limitlab.theory.methods.sampling import Batches
from limitlab.theory.second_order.letters import Curvature, Ket, Symmetric, Trace, basis
from limitlab.theory.second_order.wick import batch_average, gaussian_average
from limitlab.theory.second_order.words import as_arrays, close, rewrite

q, P, beta = sp.symbols("q P beta")
x, y, u, v = (Ket(sp.Symbol(name)) for name in "xyuv")
Q, other = Curvature(sp.Symbol("a")), Curvature(sp.Symbol("b"))
S, mask = Symmetric(sp.Symbol("S")), Symmetric(sp.Symbol("M"))


def average(expression):
    return sp.expand(close(gaussian_average(expression, q, P)))


def dot(left, right):
    return close(left.T * right)


def test_one_matrix_acts_twice():
    assert sp.expand(gaussian_average(Q * Q * x, q, P) - q * (P + 1) * x) == 0


def test_two_forms_pair_in_two_ways():
    expected = q * (dot(x, u) * dot(y, v) + dot(x, v) * dot(y, u))
    assert sp.expand(average(x.T * Q * y * u.T * Q * v) - expected) == 0


def test_column_times_form():
    expected = q * (u * dot(v, x) + v * dot(u, x))
    assert sp.expand(average(Q * x * u.T * Q * v) - expected) == 0


def test_projector_in_between():
    result = close(u.T * gaussian_average(Q * x * x.T * Q, q, P) * v)
    assert sp.expand(result - q * (dot(x, x) * dot(u, v) + dot(u, x) * dot(x, v))) == 0


def test_traces():
    i, j = basis("i", P), basis("j", P)
    assert sp.expand(average(i.T * Q * i * x.T * Q * y) - 2 * q * dot(x, y)) == 0
    assert sp.expand(average(j.T * Q * S * Q * j) - q * (P + 1) * Trace(S)) == 0


def test_odd_orders_and_different_examples_vanish():
    assert average(x.T * Q * Q * Q * y) == 0
    assert average(x.T * Q * other * y) == 0


def test_fourth_order_is_isserlis():
    """2 + 5/P + 5/P² times P²q²: the fourth moment of a GOE matrix of any size."""
    assert sp.factor(average(x.T * Q**4 * x) / dot(x, x)) == q**2 * (2 * P**2 + 5 * P + 5)


def gauss_hermite(function, size, diagonal):
    """Exact mean of a polynomial of degree <= 5 over a GOE matrix with q = 1, entry by entry."""
    entries = list(itertools.combinations_with_replacement(range(size), 2))
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)
    weights = weights / weights.sum()
    total = 0.0
    for choice in itertools.product(range(3), repeat=len(entries)):
        matrix, weight = np.zeros((size, size)), 1.0
        for (i, j), k in zip(entries, choice, strict=True):
            matrix[i, j] = matrix[j, i] = nodes[k] * (np.sqrt(diagonal) if i == j else 1.0)
            weight *= weights[k]
        total += weight * function(matrix)
    return total


def test_fourth_order_against_components():
    start = np.array([0.6, -0.8])
    found = gauss_hermite(lambda m: start @ np.linalg.matrix_power(m, 4) @ start, 2, 2.0)
    expected = average(x.T * Q**4 * x).subs({dot(x, x): 1, q: 1, P: 2})
    assert found == pytest.approx(float(expected), rel=1e-12)


def test_a_diagonal_of_variance_q_is_not_goe():
    """Negative control."""
    start = np.array([0.6, -0.8])
    found = gauss_hermite(lambda m: start @ m @ m @ start, 2, 1.0)
    assert abs(found - 3) > 0.5


def test_batch_average_against_all_batches():
    batch = Batches("without_replacement", 2, 4)
    masks = [np.isin(range(4), c).astype(float) for c in itertools.combinations(range(4), 2)]
    rng = np.random.default_rng(1)
    values = {name: rng.standard_normal(4) for name in "xyuv"}
    values["S"] = rng.standard_normal((4, 4))
    values["S"] = values["S"] + values["S"].T
    word = x.T * mask * S * mask * y * u.T * v + 3 * u.T * mask * y * x.T * mask * v
    formula = close(batch_average(word, mask, beta))
    derived = Derivation("mean", ((sp.Symbol("mean"), formula),)).functions["mean"]
    moments = batch.moments
    got = derived(**values, beta=moments.beta, b_1=moments.b1, b_2=moments.b2)
    a, b, c, d, s = (values[k] for k in ("x", "y", "u", "v", "S"))
    each = [(a * m) @ s @ (m * b) * (c @ d) + 3 * (c * m) @ b * ((a * m) @ d) for m in masks]
    assert got == pytest.approx(np.mean(each), rel=1e-12)


@pytest.mark.parametrize("shape", ["number column", "row number", "column row", "three"])
def test_two_factors_share_a_mask(shape):
    """A number beside a column or a row, and a column beside a row, over all batches."""
    forms = {
        "number column": lambda m, d: d(u, m, x) * (S * m * y),
        "row number": lambda m, d: d(u, m, x) * (y.T * m * S),
        "column row": lambda m, d: S * m * x * (y.T * m * S),
        "three": lambda m, d: d(u, None, v) * d(u, m, x) * (S * m * y) * (v.T * S),
    }
    word = forms[shape](mask, lambda a, m, b: a.T * (b if m is None else m * b))
    formula = as_arrays(close(batch_average(word, mask, beta)))
    got = Derivation("mean", ((sp.Symbol("mean"), formula),)).functions["mean"]
    rng = np.random.default_rng(2)
    values = {name: rng.standard_normal(4) for name in "xyuv"} | {"S": np.diag(np.arange(4.0))}
    values["S"] = values["S"] + np.ones((4, 4))
    a, b, c, d, s = (values[k] for k in ("x", "y", "u", "v", "S"))
    each = []
    for chosen in itertools.combinations(range(4), 2):
        m = np.isin(range(4), chosen).astype(float)
        number, column, row = (c * m) @ a, s @ (m * b), (b * m) @ s
        each.append(
            {
                "number column": number * column,
                "row number": number * row,
                "column row": np.outer(s @ (m * a), row),
                "three": (c @ d) * number * np.outer(column, d @ s),
            }[shape]
        )
    moments = Batches("without_replacement", 2, 4).moments
    given = {"beta": moments.beta, "b_1": moments.b1, "b_2": moments.b2}
    np.testing.assert_allclose(got(**values, **given), np.mean(each, axis=0), rtol=1e-12)
    # negative control: independent masks
    wrong = got(**values, **given | {"b_1": moments.beta**2, "b_2": moments.beta**2})
    assert np.abs(wrong - np.mean(each, axis=0)).max() > 1e-3


def test_a_number_beside_a_matrix_is_no_word():
    with pytest.raises(NotAvailable, match="number times a matrix"):
        batch_average(u.T * mask * x * (S * mask * S), mask, beta)


def test_three_factors_of_a_mask_are_refused():
    with pytest.raises(NotAvailable, match="two factors"):
        batch_average(x.T * mask * S * mask * S * mask * y, mask, beta)


def test_rewriting_applies_to_the_transpose():
    rules = {(S, x): 2 * x}
    assert rewrite(x.T * S * y, rules) == 2 * x.T * y
