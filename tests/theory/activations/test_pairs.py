"""Means over a pair of normal numbers against quadrature, and what the ReLU's are the limit of."""

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import dblquad
from scipy.stats import norm as normal

from limitlab.theory.activations import (
    ACTIVATIONS,
    GELU,
    WORDS,
    Activation,
    HardTanh,
    Linear,
    Quadratic,
    ReLU,
    Tanh,
    activation_of,
)
from limitlab.theory.activations.base import norm, overlap, sharpness, teacher
from limitlab.theory.activations.pairs import both_at_zero, both_positive
from limitlab.theory.core.errors import InvalidInput, InvalidType, NotAvailable

ORDER = {norm: 0.8, overlap: 0.3, teacher: 1.1}
PAIR = norm, overlap, teacher


def by_quadrature(activation, integrand):
    """E F(λ, ν), two half-lines in each."""
    Q, R, T = (float(ORDER[s]) for s in PAIR)
    x, y = sp.symbols("x y", real=True)
    inverse = np.linalg.inv([[Q, R], [R, T]])
    scale = 2 * np.pi * np.sqrt(Q * T - R**2)
    function = sp.lambdify((x, y), integrand(x, y).subs(activation.symbols), ["scipy", "numpy"])

    def weighted(b, a):
        v = np.array([a, b])
        return float(function(a, b)) * np.exp(-v @ inverse @ v / 2) / scale

    ends = (-9.0, 0.0), (0.0, 9.0)
    return sum(
        dblquad(weighted, *first, *second, epsabs=1e-11, epsrel=1e-10)[0]
        for first in ends
        for second in ends
    )


@pytest.mark.slow
@pytest.mark.parametrize("activation", [GELU(0.7), GELU(1.5), ReLU()])
def test_the_kernel_is_the_mean_of_the_product(activation):
    exact = float(activation.kernel().subs(activation.symbols).subs(ORDER))
    found = by_quadrature(activation, lambda x, y: activation.function(x) * activation.function(y))
    assert exact == pytest.approx(found, abs=1e-8)
    # negative control: another covariance
    other = float(activation.kernel().subs(activation.symbols).subs(ORDER | {overlap: 0.31}))
    assert abs(other - found) > 1e-4


@pytest.mark.slow
def test_the_noise_of_the_gradient_of_a_relu():
    unit = ReLU()
    exact = float(unit.gradient_noise().subs(ORDER))

    def integrand(x, y):
        error = unit.function(x) - unit.function(y)
        return error**2 * sp.Heaviside(x)

    assert exact == pytest.approx(by_quadrature(unit, integrand), abs=1e-8)


def test_the_derivative_of_the_arcsine_law_is_the_density():
    slope = sp.diff(both_positive(PAIR, sharpness), overlap)
    gap = slope - sharpness**2 * both_at_zero(PAIR, sharpness)
    for beta in (0.3, 1.0, 7.0):
        assert abs(float(gap.subs(ORDER | {sharpness: beta}))) < 1e-14


def test_gelu_sharpens_to_the_relu():
    relu = float(ReLU().kernel().subs(ORDER))
    gaps = [
        abs(float(GELU().kernel().subs(ORDER | {sharpness: beta})) - relu) for beta in (50, 100)
    ]
    assert gaps[0] / gaps[1] == pytest.approx(4, rel=0.05)  # the gap falls like 1/β²


def test_what_has_no_kernel_says_so():
    class Cubic(Activation):
        def function(self, x):
            return x**3

    with pytest.raises(NotAvailable, match="kernel"):
        Cubic().kernel()
    with pytest.raises(InvalidInput, match="beta"):
        GELU(0.0)
    assert GELU(2.0).label == "GELU, β = 2" and ReLU().label == "ReLU"


def test_what_follows_from_the_form():
    """Kinks, straight pieces, homogeneity and the steepest slope of every shipped activation."""
    assert ReLU().kinks == (0.0,) and HardTanh().kinks == (-1.0, 1.0) and GELU().kinks == ()
    assert [each.homogeneous for each in (ReLU(), Linear(), HardTanh(), GELU())] == [
        True,
        True,
        False,
        False,
    ]
    assert ReLU().straight and HardTanh().straight and not Tanh().straight
    # φ″ of x Φ(βx) is 0 at βx = √2
    peak = normal.cdf(np.sqrt(2)) + np.sqrt(2) * np.exp(-1) / np.sqrt(2 * np.pi)
    for beta in (0.1, 1.0, 1000.0):
        assert GELU(beta).steepest == pytest.approx(peak, abs=1e-9)
    assert HardTanh().steepest == Tanh().steepest == 1 and Quadratic().steepest == np.inf


def test_words_name_activations():
    assert activation_of("hard_tanh") == activation_of("hard-tanh") == HardTanh()
    assert set(WORDS.values()) == set(ACTIVATIONS)
    with pytest.raises(InvalidInput, match="swish"):
        activation_of("swish")
    with pytest.raises(InvalidType, match="activation"):
        activation_of(3)


@pytest.mark.parametrize("unit", [Linear(), Quadratic()])
def test_polynomials_have_their_kernel(unit):
    """Against a Gauss–Hermite rule, exact for polynomials."""
    x, w = np.polynomial.hermite_e.hermegauss(8)
    w = w / w.sum()
    Q, R, T = (float(ORDER[s]) for s in PAIR)
    a, b = np.meshgrid(x, x, indexing="ij")
    here, there = np.sqrt(Q) * a, R / np.sqrt(Q) * a + np.sqrt(T - R**2 / Q) * b
    function = sp.lambdify(sp.Symbol("x"), unit.function(sp.Symbol("x")))
    mean = np.sum(np.outer(w, w) * function(here) * function(there))
    assert float(unit.kernel().subs(ORDER)) == pytest.approx(mean, rel=1e-12)
    assert float(unit.kernel().subs(ORDER | {overlap: 0.31})) != pytest.approx(mean, rel=1e-3)
