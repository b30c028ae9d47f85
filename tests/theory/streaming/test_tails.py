"""Whether the tail of the noise matters is one decision: that of the theory is that of the runs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
import sympy as sp

import limitlab as ll
from limitlab.solvers.streaming.finite_size import standard_errors_meaningful
from limitlab.theory.streaming.tails import growth

D = 20


@dataclass(frozen=True)
class Root(ll.Method):
    """ψ = sign(ℓ) √|ℓ|."""

    def rule(self, l):  # noqa: E741
        return sp.sign(l) * sp.sqrt(sp.Abs(l))


@dataclass(frozen=True)
class SmoothRoot(ll.Method):
    """ψ = ℓ (1 + ℓ²)^(−1/4)."""

    def rule(self, l):  # noqa: E741
        return l / (1 + l**2) ** sp.Rational(1, 4)


@dataclass(frozen=True)
class RightRoot(ll.Method):
    """√ on the right only, flat on the left."""

    def rule(self, l):  # noqa: E741
        return sp.Piecewise((sp.sqrt(1 + l) - 1, l > 0), (l / (1 + sp.Abs(l)), True))


@dataclass(frozen=True)
class ThreeQuarters(ll.Method):
    """ψ = ℓ (1 + ℓ²)^(−1/8)."""

    def rule(self, l):  # noqa: E741
        return l / (1 + l**2) ** sp.Rational(1, 8)


#: finite E |ε|^k below this k
LAWS = {
    ll.Gaussian(0.5): math.inf,
    ll.StudentT(3.5, 0.4): 3.5,
    ll.StudentT(2.5, 0.4): 2.5,
    ll.Cauchy(0.3): 1.0,
}
ROOTS = (Root(0.2), SmoothRoot(0.2), RightRoot(0.2))


@pytest.mark.slow
@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.label)
@pytest.mark.parametrize("method", (*ROOTS, ThreeQuarters(0.2)), ids=lambda m: type(m).__name__)
def test_theory_and_runs_decide_alike(method, law):
    wanted = 4 * growth(method) >= LAWS[law]  # E ψ⁴ is infinite
    problem = ll.LeastSquares(ll.isotropic(D), law)
    meaningful, reason = standard_errors_meaningful(problem, method)
    assert (reason == "heavy_tailed") is wanted is (not meaningful)
    runs = ll.simulate(problem, method, times=[0, 1 / D], runs=2, seed=1, progress=False)
    assert runs.provenance["heavy_tailed"] is wanted


def test_the_laws_tell_a_root_from_its_neighbours():
    """A decision by E ε⁴, or by the growth of ψ alone, is refuted by one of the cases."""
    assert [growth(method) for method in ROOTS] == pytest.approx([0.5] * 3, abs=1e-3)
    root = [edge <= 2.0 for edge in LAWS.values()]
    assert root == [False, False, False, True]
    assert root != [edge <= 4.0 for edge in LAWS.values()]  # as for unclipped SGD
    assert root != [edge <= 3.0 for edge in LAWS.values()]  # as for ThreeQuarters
    assert any(root)  # bounded rules never mind
