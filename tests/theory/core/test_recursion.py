"""Updates with sums, lowered to loops and to LaTeX."""

import numpy as np
import pytest
import sympy as sp

from limitlab.solvers.core.compile import load
from limitlab.theory.core.loops import Update, step
from limitlab.theory.core.recursion import Recursion

pytestmark = pytest.mark.interpreted

s, r = sp.symbols("s r", integer=True)
D, rate = sp.symbols("D eta")
A, b = sp.IndexedBase("A"), sp.IndexedBase("b")


def triangle():
    """A[t, s] = η Σ_{r<s} b_r b_t + δ, symmetric; the trace so far is watched."""
    inner = rate * sp.Sum(b[r] * b[step], (r, 0, s - 1)) + sp.KroneckerDelta(s, step) / 2
    updates = (Update(A[step, s], inner, ((s, 0, step),), symmetric=True),)
    return Recursion(updates, (rate,), (A, b), sp.Sum(A[s, s], (s, 0, step)) / D, ((D, b),))


def test_loops_do_what_the_sums_say():
    b_values, A_values = np.array([1.0, 2.0, 3.0]), np.zeros((3, 3))
    module = load(triangle().source, "stepping/recursion")
    assert module.evolve(2, np.inf, np.array([0.5]), (A_values, b_values)) == 3
    expected = np.diag([0.5, 0.5 + 1.0, 0.5 + 4.5])
    expected[2, 1] = expected[1, 2] = 1.5
    np.testing.assert_allclose(A_values, expected)


def test_it_stops_where_the_watched_number_is_too_large():
    module = load(triangle().source, "stepping/recursion")
    arrays = np.zeros((3, 3)), np.array([1.0, 2.0, np.nan])
    assert module.evolve(2, 1.0, np.array([0.5]), arrays) == 2


def test_latex_has_ranges_and_sums():
    ((left, text),) = triangle().equations
    assert left == A[step, s]
    assert r"\sum_{r=0}^{s - 1}" in text and r"0\leq s\leq t" in text
