"""Gradient and both parts of the Hessian of one unit: identities, and known values."""

import pytest
import sympy as sp

import limitlab as ll
from limitlab.solvers.hessian.parts import evaluated
from limitlab.theory.activations import GELU, ReLU
from limitlab.theory.hessian.step import Q, loss_of
from limitlab.validation.simulate.hessian.population import Unit, pair_nodes

SMOOTH = ll.SingleIndex(100, norm=0.8, overlap=0.3)
SHARP = ll.SingleIndex(100, ll.ReLU(), norm=0.8, overlap=0.3)


def test_known_values():
    found = ll.hessian_parts(SMOOTH)
    assert found.loss == pytest.approx(0.226059, abs=5e-7)
    assert found.hessian == pytest.approx(0.354683, abs=5e-7)
    assert found.gradient[1] == pytest.approx(-0.309432, abs=5e-7)
    assert found.gauss_newton == pytest.approx(0.441406, abs=5e-7)
    assert found.neglected == pytest.approx(-0.086724, abs=5e-7)
    sharp = ll.hessian_parts(SHARP)
    assert sharp.neglected == pytest.approx(-0.167634, abs=2e-6)
    noisy = evaluated(SMOOTH, loss_of(GELU()).value.subs(Q, Q + sp.Rational(1, 2)))
    assert noisy == pytest.approx(0.320202, abs=5e-7)


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_heat_identity(beta):
    """The trace of the whole Hessian, by quadrature, is c₁; that of Gauss–Newton alone is not."""
    problem = ll.SingleIndex(100, GELU(beta), norm=0.8, overlap=0.3)
    unit, parts = Unit(problem.activation), ll.hessian_parts(problem)
    here, there, weights = pair_nodes(0.8, 0.3, 1.0)
    error = unit.value(here) - unit.value(there)
    alone = float((weights * unit.slope(here) ** 2).sum())
    whole = alone + float((weights * error * unit.bend(here)).sum())
    assert parts.hessian == pytest.approx(whole, abs=1e-10)
    assert parts.gauss_newton == pytest.approx(alone, abs=1e-10)
    assert abs(parts.hessian - alone) > 1e-2


def test_relu_closed_forms():
    """ℓ, NME/d = −√(T/Q) sin ϑ/(2π), GN/d = 1/2."""
    found = ll.hessian_parts(SHARP)
    cosine = float(SHARP.cosine)
    sine = (1 - cosine**2) ** 0.5
    assert found.gauss_newton == pytest.approx(0.5, abs=1e-15)
    assert found.neglected == pytest.approx(
        -(0.8**-0.5) * sine / (2 * 3.141592653589793), abs=1e-14
    )


def test_a_sharp_gelu_has_the_traces_of_the_relu():
    limit = ll.hessian_parts(SHARP).neglected
    gaps = [
        abs(ll.hessian_parts(ll.SingleIndex(9, GELU(b), norm=0.8, overlap=0.3)).neglected - limit)
        for b in (50.0, 100.0, 200.0)
    ]
    assert gaps[0] / gaps[1] > 1.7 and gaps[1] / gaps[2] > 1.7  # O(1/β), or faster


@pytest.mark.parametrize("activation", [GELU(1.3), ReLU()])
def test_the_hessian_is_symmetric(activation):
    """⟨u, Hv⟩ = ⟨v, Hu⟩ in the span."""
    problem = ll.SingleIndex(100, activation, norm=0.8, overlap=0.3, teacher=1.2)
    gram = sp.Matrix([[0.8, 0.3], [0.3, 1.2]])
    for span in (ll.hessian_parts(problem).span, ll.hessian_parts(problem).span_gauss_newton):
        form = gram * sp.Matrix(span)
        assert abs(form[0, 1] - form[1, 0]) < 1e-14


def test_bad_input_is_typed():
    with pytest.raises(ll.InvalidInput, match="overlap"):
        ll.SingleIndex(10, norm=0.5, overlap=0.8)
    with pytest.raises(ll.InvalidInput, match="norm"):
        ll.SingleIndex(10, norm=0.0)
    with pytest.raises(ll.InvalidType, match="activation"):
        ll.SingleIndex(10, 3)
    with pytest.raises(ll.InvalidType, match="problem"):
        ll.hessian_parts(5)
    with pytest.raises(ll.InvalidInput, match="strength"):
        ll.GradientPenalty(0.1, -1)
    with pytest.raises(ll.InvalidInput, match="hessian"):
        ll.GradientPenalty(0.1, 1, "half")
    with pytest.raises(ll.InvalidInput, match="variance"):
        ll.WeightNoise(0.1, -0.1)
    with pytest.raises(ll.NotAvailable, match="draws"):
        ll.WeightNoise(0.1, 0.1, batch=5)
    for method in (ll.SignSGD(0.3), ll.SGD(0.3, momentum=0.5), ll.GradientPenalty(0.3, 1, batch=9)):
        with pytest.raises(ll.NotAvailable):
            ll.derive(SMOOTH, method)
