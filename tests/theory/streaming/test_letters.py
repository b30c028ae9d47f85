"""Parameters of a user's own rule are printed as letters, each said once."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

import limitlab as ll
from limitlab.theory.streaming.letters import letters


@dataclass(frozen=True)
class Welsch(ll.Method):
    width: float

    def rule(self, l):
        return l * sp.exp(-(l**2) / (2 * self.width**2))


def test_words_become_letters_and_are_said():
    problem = ll.LeastSquares(ll.isotropic(10), ll.Gaussian(0.5))
    text = ll.derive(problem, Welsch(0.5, 1.0)).latex()
    *formulas, last = text.splitlines()
    assert last == r"w = \mathrm{width}" and "width" not in "".join(formulas)
    assert any("w^{" in line for line in formulas)


def test_shipped_methods_have_their_letters_already():
    problem = ll.LeastSquares(ll.isotropic(10), ll.Gaussian(0.5))
    for method in (ll.SGD(0.5), ll.ClippedSGD(0.5, 1.0), ll.SignSGD(0.5)):
        assert r"\mathrm{" not in ll.derive(problem, method).latex()


def test_no_two_parameters_share_a_letter():
    names = ["eta", "width", "weight", "wide_0", "wide_1", "w", "shift_epsilon"]
    found = letters([sp.Symbol(name) for name in names])
    printed = [found.get(sp.Symbol(name), sp.Symbol(name)).name for name in names]
    assert len(set(printed)) == len(names)
    assert printed[0] == "eta" and printed[5] == "w" and len(printed[1]) == 1
