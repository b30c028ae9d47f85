"""What a derivation is lowered to: sums with a bound index, and stacks of matrices."""

import numpy as np
import sympy as sp

from limitlab.theory.core.derivation import Derivation, StackDerivation

n, k = sp.symbols("n k", integer=True, positive=True)
x, total = sp.symbols("x total")
A, B = (sp.MatrixSymbol(name, n, n) for name in "AB")


def test_a_sum_runs_over_its_index_and_shares_nothing_that_has_it():
    inner = sp.cos(k * x) ** 2 + sp.exp(sp.cos(k * x))
    found = Derivation("a sum", ((total, sp.Sum(inner, (k, 1, n))),))
    assert sp.Symbol("k") not in found.numbers
    each = np.cos(np.arange(1, 6)[:, None] * [0.3, 0.7])
    value = found.functions["total"](n=5, x=np.array([0.3, 0.7]))
    assert np.allclose(value, (each**2 + np.exp(each)).sum(axis=0), rtol=1e-14)


def test_stacks_of_matrices_are_multiplied_one_by_one():
    form = A.T * (B - 2 * sp.Identity(n)) * A
    stacked = StackDerivation("stacks", ((total, sp.Trace(form) / 2),)).functions["total"]
    plain = Derivation("one", ((total, sp.Trace(A.T * B * A - 2 * A.T * A) / 2),)).functions
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 4, 3, 3))
    each = [plain["total"](A=a[i], B=b[i]) for i in range(4)]
    assert np.allclose(stacked(A=a, B=b, n=3), each, rtol=1e-13)
