"""R-transforms and moments from resolvents, identities of the edge, and bad input."""

import numpy as np
import pytest
import sympy as sp

import limitlab as ll
from limitlab.theory.equilibrium.site import site_theory
from limitlab.theory.equilibrium.transforms import (
    chi,
    feedback,
    linear_theory,
    r_transform,
    sigma,
)


def test_r_transforms():
    assert r_transform("goe")[0] == sigma**2 * chi
    found = r_transform("symmetric-orthogonal")[0]
    assert sp.simplify(found - (sp.sqrt(1 + 4 * sigma**2 * chi**2) - 1) / (2 * chi)) == 0
    slope = feedback("symmetric-orthogonal")[1]
    root = sp.sqrt(1 + 4 * sigma**2 * chi**2)
    assert sp.simplify(slope - (2 * sigma**2 / root - (root - 1) / (2 * chi**2))) == 0


@pytest.mark.parametrize(
    ("kind", "second", "fourth"),
    [
        ("ginibre", lambda s: 1 / (1 - s**2), lambda s: 1 / (1 - s**2) ** 4),
        ("haar", lambda s: 1 / (1 - s**2), lambda s: (1 + s**2) / (1 - s**2) ** 3),
        (
            "goe",
            lambda s: ((1 - 4 * s**2) ** -0.5 - 1) / (2 * s**2),
            lambda s: (1 - 4 * s**2) ** -2.5,
        ),
        (
            "symmetric-orthogonal",
            lambda s: (1 + s**2) / (1 - s**2) ** 2,
            lambda s: (1 + 6 * s**2 + s**4) / (1 - s**2) ** 4,
        ),
    ],
)
def test_linear_moments_have_their_closed_forms(kind, second, fourth):
    f = linear_theory(kind).functions
    for s in (0.1, 0.3, 0.45):
        assert f["m_2"](sigma=s) == pytest.approx(second(s), rel=1e-12)
        assert f["m_4"](sigma=s) == pytest.approx(fourth(s), rel=1e-10)


def test_least_singular_value_of_ginibre():
    f = linear_theory("ginibre").functions
    for s in (0.2, 0.6, 0.99):
        rho = np.sqrt(1 + 8 / s**2)
        assert f["s_min"](sigma=s) == pytest.approx(
            s * np.sqrt((rho - 3) ** 3 / (8 * (rho - 1))), rel=1e-9
        )
    # the constant of its law near σ = 1
    (step,) = [s for s in linear_theory("ginibre").steps if s.left == "constant"]
    assert sp.simplify(step.right**2 - sp.Rational(32, 27)) == 0


def test_identities_at_the_edge():
    steps = site_theory("goe", "tanh").steps
    zeros = [step.right for step in steps if step.left == "0"]
    assert len(zeros) == 2 and all(value == 0 for value in zeros)


def test_what_is_open_is_said():
    assert "not derived" in linear_theory("elliptic").explain()
    assert "stable side" in site_theory("goe", "tanh").explain()


@pytest.mark.parametrize(
    ("args", "field"),
    [
        (("wigner", 0.5), "ensemble"),
        (("elliptic", 0.5), "ensemble"),
        ((("haar", 0.5), 0.5), "ensemble"),
        ((("elliptic", 1.5), 0.5), "tau"),
        ((3, 0.5), "ensemble"),
        (("goe", -0.1), "scale"),
        (("goe", 0.1, "swish"), "activation"),
        (("goe", 0.1, "tanh", 0.0), "input_scale"),
        (("symmetric-orthogonal", 0.1, "tanh", 0.7, 11), "size"),
        (("goe", 0.1, "tanh", 0.7, 10, "uniform"), "inputs"),
    ],
)
def test_bad_problems_are_refused_by_name(args, field):
    with pytest.raises(ll.InvalidInput) as caught:
        ll.EquilibriumNetwork(*args)
    assert caught.value.field == field


def test_only_an_iteration_solves_it():
    with pytest.raises(ll.NotAvailable, match="FixedPointIteration"):
        ll.derive(ll.EquilibriumNetwork("goe", 0.1), ll.GradientDescent(0.1))
    for rate in (1.5, 0.0, -1):
        with pytest.raises(ll.InvalidInput, match="rate"):
            ll.FixedPointIteration(rate)
