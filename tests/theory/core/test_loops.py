"""Sums, products, searches and eigenvalues as loops: each does what its formula says."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from limitlab.solvers.stepping.orbit import orbit
from limitlab.theory.core.loops import Largest, LoopPrinter, Update
from limitlab.theory.core.map import Map

pytestmark = pytest.mark.interpreted

D = sp.Symbol("D", integer=True, positive=True)
a, b, i = sp.symbols("a b i", integer=True)
v, w, K = (
    sp.IndexedBase("v", shape=(D,)),
    sp.IndexedBase("w", shape=(D,)),
    sp.IndexedBase("K", shape=(D, D)),
)
x, p, s = sp.symbols("x p s", real=True)
every = (i, 0, D - 1)


def seen(observe, values, body=(), states=(), after=(), start=()):
    """What a map observes at its start, of a given array v."""
    system = Map("probe", (x, *states), (x, *after), observe, (), (v,), body)
    found = orbit(system, (0.5, *start), (), np.array([0, 1]), ceiling=1e12, inputs=(values,))
    return {name: column[0] for name, column in found.values.items()}, found


@pytest.mark.parametrize("values", [[2.0, -3.0, 0.5], [1.0], []])
def test_a_product_multiplies_and_an_empty_one_is_one(values):
    given = np.array(values)
    forms = (("product", sp.Product(v[i], every)), ("sum", sp.Sum(v[i], every)))
    found, _ = seen(forms, given)
    assert found["product"] == pytest.approx(np.prod(given)) and found["sum"] == given.sum()


def test_a_product_stands_in_a_sum_and_a_sum_in_a_product():
    given = np.array([0.3, -1.2, 2.0])
    inner = sp.Product(1 + v[a] * v[i], (a, 0, D - 1))
    outer = sp.Product(sp.Sum(v[i] + v[a], every), (a, 0, D - 1))
    found, _ = seen((("of_products", sp.Sum(inner, every)), ("of_sums", outer)), given)
    pairs = 1 + np.outer(given, given)
    assert found["of_products"] == pytest.approx(pairs.prod(axis=0).sum(), rel=1e-14)
    assert found["of_sums"] == pytest.approx((given.sum() + 3 * given).prod(), rel=1e-14)


def test_a_product_moves_a_number_and_an_array():
    """In the step too, where what stands inside of a product is no common subexpression."""
    given = np.array([0.5, 2.0, 3.0])
    whole = sp.Product(v[i], every)
    system = Map(
        "product",
        (x, w),
        (x * whole + sp.Product(1 + v[i] * x, every), Update(w[a], w[a] * whole, ((a, 0, D - 1),))),
        (("x", x), ("w", w)),
        (),
        (v,),
    )
    steps = np.array([0, 1])
    found = orbit(system, (0.5, np.ones(3)), (), steps, ceiling=1e9, inputs=(given,))
    assert found.values["x"][1] == pytest.approx(0.5 * 3.0 + np.prod(1 + 0.5 * given))
    np.testing.assert_allclose(found.arrays["w"][1], 3.0 * np.ones(3))
    assert r"\prod_{i=0}^{D - 1}" in system.latex()


def test_products_are_printed_once_each_with_their_own_names():
    printer = LoopPrinter()
    text = printer.doprint(sp.Product(v[i], every) + sp.Product(v[i] ** 2, every))
    assert "product_0" in text and "product_1" in text
    assert sum("*=" in line for line in printer.lines) == 2


def test_largest_eigenvalue_of_a_symmetric_array():
    given = np.array([1.0, -2.0, 0.5])
    entries = Update(K[a, b], v[a] * v[b], ((a, 0, D - 1), (b, 0, a)), symmetric=True)
    top = sp.Symbol("top", real=True)
    body = (entries, Update(top, Largest(K)))
    found, orbit_ = seen((("top", top),), given, body)
    assert found["top"] == pytest.approx(given @ given, rel=1e-13)
    lost = seen((("top", top),), np.array([np.nan, 1.0]), body)[1]
    assert lost.lost == 0
    assert r"\lambda_{\max}" in sp.latex(Largest(K)) and str(Largest(K)) == "λ_max(K)"
