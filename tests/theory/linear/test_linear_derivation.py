"""The derived second-moment theory against the formulas of the page it implements."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp
from matplotlib.mathtext import MathTextParser

from limitlab.theory.derive import derive
from limitlab.theory.linear import derivation as page
from limitlab.theory.linear.problem import LinearModel
from limitlab.theory.methods import SGD

eta, mu, c, nu, D, C = page.rate, page.momentum, page.c, page.nu, page.examples, page.outputs
li, lj = page.rate_i, page.rate_j


@pytest.fixture(scope="module")
def theory():
    return derive(LinearModel(spectrum=[1.0, 0.5]), SGD(0.1))


def same(left, right):
    return sp.expand(sp.numer(sp.together(left - right))) == 0


def test_one_step_without_momentum(theory):
    step = theory["M_next"].subs(mu, 0)
    plain = (1 - eta * li) * (1 - eta * lj) * page.M
    assert same(step, plain + eta**2 * c * li * lj * (D * page.S - nu * page.M))


def test_closure_and_its_geometric_sum(theory):
    a, b = theory["a_i"], theory["b_i"]
    assert same(a, (1 - eta * li) ** 2 - nu * c * eta**2 * li**2)
    assert same(b, c * eta**2 * li**2 / C)
    assert same(theory["K_i"].subs(mu, 0), b / (1 - a))
    assert same(theory["K_trace_i"], eta * c * li / (2 * C * (1 - mu)))


def test_secular_equation_is_the_determinant():
    a, b = sp.symbols("a:3"), sp.symbols("b:3")
    r = page.growth
    matrix = sp.Matrix(3, 3, lambda i, j: b[i] + (a[i] if i == j else 0))
    product = sp.prod([r - x for x in a])
    secular = product * (1 - sum(y / (r - x) for x, y in zip(a, b, strict=True)))
    assert same((r * sp.eye(3) - matrix).det(), secular)


def test_noise_kernels_with_and_without_momentum(theory):
    ei, ej = eta * li, eta * lj
    plain = eta * c * D * li * lj / (li + lj - eta * (1 - nu * c) * li * lj)
    assert same(theory["Gamma"].subs(mu, 0), plain)
    below = (
        (ei + ej) * (1 - mu) ** 2 * (1 + mu)
        + mu * (ei**2 + ej**2)
        - ei * ej * ((1 - nu * c) * (1 - mu**2) + 2 * mu**2)
    )
    assert same(theory["Gamma"], c * D * ei * ej * (1 - mu**2) / below)
    pole = 2 * (1 - mu**2) - ei * ((1 - mu) - nu * c * (1 + mu))
    assert same(theory["Delta"], pole)
    assert same(theory["K_i"], eta * c * (1 + mu) * li / (C * pole))
    assert same(theory["Gamma_r"].subs(page.growth, 1), theory["Gamma"])


def test_continuous_time(theory):
    p, total = page.M, page.total
    wanted = -2 * li * p + eta * li**2 * ((1 - nu * c) * p + c * total / C)
    assert same(theory["flow"], wanted)
    assert same(theory["flow_ito"], wanted - eta * li**2 * p)
    of_steps = theory["Gamma"].subs(page.momentum, 0)
    # Itô's formula lacks the square of the mean step: 1 − ν c becomes −ν c
    lacking = (1 / of_steps + 1 / (c * D)) ** -1
    assert same(theory["Gamma_ito"], lacking)


def test_the_derivation_prints_and_runs_what_it_derived(theory):
    for line in theory.latex().splitlines():
        MathTextParser("path").parse(f"${line}$")
    assert theory.latex("align").startswith("\\begin{align}")
    assert len(theory.explain().splitlines()) == 2 * len(theory.steps)
    values = {"eta": 0.3, "lambda_i": np.array([1.0, 2.0]), "c": 0.4, "nu": 1.0}
    wanted = [float(theory["a_i"].subs({eta: 0.3, li: x, c: 0.4, nu: 1})) for x in (1.0, 2.0)]
    assert theory.functions["a_i"](**values, unused=1.0) == pytest.approx(wanted, rel=1e-14)
    assert "def Gamma(" in theory.source


def test_samplings_differ_in_their_definitions_only():
    one, other = (page.linear_theory(name) for name in ("bernoulli", "with_replacement"))
    assert one.equations == other.equations and one.definitions != other.definitions
