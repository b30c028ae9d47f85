"""What users state wrongly: every fault is an error of ours, with theirs as its cause."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
import sympy as sp

import limitlab as ll

PROBLEM = ll.LeastSquares(ll.isotropic(100), ll.Gaussian(0.5))


def branching(l):  # noqa: E741
    return l if l > 0 else sp.S.Zero


RULES: dict[str, Any] = {
    "nothing": (lambda l: None, "NoneType"),
    "list": (lambda l: [l], "list"),
    "boolean": (lambda l: True, "bool"),
    "relation": (lambda l: l > 0, "Piecewise"),
    "text": (lambda l: "l", "str"),
    "array": (lambda l: np.array([l, l]), "one expression"),
    "matrix": (lambda l: sp.Matrix([l]), "one expression"),
    "integral": (lambda l: sp.Integral(sp.exp(-(l**2)), l), "Integral"),
    "unknown function": (lambda l: sp.Function("f")(l), "unknown function f"),
    "zeta": (lambda l: sp.zeta(2 + l**2), "the function zeta"),
    "bessel": (lambda l: sp.besselj(1, l), "the function besselj"),
    "floor": (lambda l: sp.floor(l), "floor"),
    "foreign symbol": (lambda l: sp.Symbol("x") * l, "symbols x"),
    "complex": (lambda l: sp.I * l, "real"),
    "numpy": (lambda l: np.tanh(l), "sp.tanh"),
    "math": (lambda l: math.tanh(l), "sp.tanh"),
    "branch": (branching, "sp.Piecewise"),
    "raises": (lambda l: 1 / 0, "ZeroDivisionError"),
    "key": (lambda l: {}["a"], "KeyError"),
}


def method_of(statement):
    @dataclass(frozen=True)
    class Own(ll.Method):
        def rule(self, l):  # noqa: E741
            return statement(l)

    return Own(0.5)


VERBS = {
    "derive": lambda problem, method: ll.derive(problem, method),
    "solve": lambda problem, method: ll.solve(problem, method, until=1),
    "simulate": lambda problem, method: ll.simulate(problem, method, until=1, runs=2),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("name", RULES)
def test_a_bad_rule_is_named_at_every_verb(name, verb):
    statement, words = RULES[name]
    with pytest.raises(ll.InvalidInput, match=words) as caught:
        VERBS[verb](PROBLEM, method_of(statement))
    assert caught.value.field == "rule"


@pytest.mark.parametrize("name", ["raises", "key", "numpy", "branch"])
def test_the_cause_is_the_exception_of_the_user(name):
    with pytest.raises(ll.InvalidInput) as caught:
        ll.derive(PROBLEM, method_of(RULES[name][0]))
    cause = caught.value.__cause__
    assert cause is not None and not isinstance(cause, ll.LimitlabError)


def law_of(stated_density=None, drawn=None):
    class Own(ll.Noise):
        variance = 1.0
        fourth_moment = 3.0
        support_points: ClassVar[tuple[float, ...]] = (0.0,)

        def density(self, e):
            return (
                sp.exp(-(e**2) / 2) / sp.sqrt(2 * sp.pi)
                if stated_density is None
                else (stated_density(e))
            )

        def sample(self, rng, n):
            return rng.standard_normal(n) if drawn is None else drawn(rng, n)

    return ll.LeastSquares(ll.isotropic(100), Own())


DENSITIES = [
    lambda e: [e],
    lambda e: True,
    lambda e: np.exp(-(e**2)),
    lambda e: math.exp(-e),
    lambda e: 1 / 0,
    lambda e: sp.Function("f")(e),
    lambda e: sp.besselk(0, e),
    lambda e: sp.exp(-(e**2)) if e > 0 else 0,
]


@pytest.mark.parametrize("stated_density", DENSITIES)
def test_a_bad_density_is_named(stated_density):
    with pytest.raises(ll.InvalidInput) as caught:
        ll.solve(law_of(stated_density), ll.Huber(0.5, 1.0), until=1)
    assert caught.value.field == "density"


@pytest.mark.parametrize(
    "drawn",
    [
        lambda rng, n: None,
        lambda rng, n: "x",
        lambda rng, n: np.zeros(3),
        lambda rng, n: np.full(n, np.nan),
        lambda rng, n: 1 / 0,
        lambda rng, n: {}["a"],
    ],
)
def test_a_bad_sampler_is_named(drawn):
    with pytest.raises(ll.InvalidInput) as caught:
        ll.simulate(law_of(drawn=drawn), ll.Huber(0.5, 1.0), until=1, runs=2)
    assert caught.value.field == "sample"


@pytest.mark.parametrize(
    "start",
    [
        lambda: 1,
        lambda x: x[:3],
        lambda x: 1 / 0,
        lambda x: "x",
        lambda x: None,
        lambda x: np.full_like(x, np.inf),
        lambda x: np.full_like(x, 1e200),
        np.full(100, 1e200),
        lambda x: 1j * x,
    ],
)
def test_a_bad_start_is_named(start):
    spectrum = ll.power_law(100, 0.5)
    with pytest.raises(ll.InvalidInput) as caught:
        ll.solve(ll.LeastSquares(spectrum, ll.Gaussian(0.5), start=start), ll.SGD(0.5), until=1)
    assert caught.value.field == "start"


def test_an_edited_class_has_a_new_theory():
    """As under autoreload: the function of the class is swapped beneath its instances."""

    @dataclass(frozen=True)
    class Own(ll.Method):
        width: float = 1.0

        def rule(self, l):  # noqa: E741
            return sp.Max(-self.width, sp.Min(l, self.width))

    method = Own(0.5)
    before = ll.derive(PROBLEM, method)
    assert ll.derive(PROBLEM, Own(0.7, 2.0)) is before
    Own.rule = lambda self, l: 2 * sp.Max(-self.width, sp.Min(l, self.width))
    assert ll.derive(PROBLEM, method) != before
    assert "2.0*" in ll.derive(PROBLEM, method).source or "4" in ll.derive(PROBLEM, method).source


def test_an_edited_law_has_a_new_theory():
    class Own(ll.Noise):
        def components(self):
            return (1.0,), (0.0,), (0.5,)

    problem, method = ll.LeastSquares(ll.isotropic(100), Own()), ll.Huber(0.5, 1.0)
    before = ll.derive(problem, method)
    Own.components = lambda self: ((0.5, 0.5), (0.0, 0.0), (0.5, 1.5))
    assert ll.derive(problem, method) != before
