"""The derived early-time formulas against those of the literature's shape, symbol by symbol."""

import numpy as np
import pytest
import sympy as sp

from limitlab.theory.second_order import early_time as derived
from limitlab.theory.second_order.early_time import (
    fraction,
    gram,
    l_a,
    l_b,
    parameters,
    residual,
    s_a,
    s_b,
    u_a,
    u_b,
    variance,
)
from limitlab.theory.second_order.letters import Trace
from limitlab.theory.second_order.motion import prefactor
from limitlab.theory.second_order.sde import covariance, quadratic_sde
from limitlab.theory.second_order.wick import BatchAverage
from limitlab.theory.second_order.words import close

q, g, P = variance, prefactor, parameters


def component(u):
    return close(u.T * residual)


def masked(u):
    """E (uᵀ P z)²."""
    return close(u.T * BatchAverage(residual, u.T) * residual)


TOTAL = close(residual.T * BatchAverage(gram) * residual)


def test_overlap():
    expected = (
        q
        * g**2
        * fraction
        * s_a
        * ((P + 1) * fraction * component(u_a) ** 2 - g * (P + 2) * s_a**2 * masked(u_a))
    )
    found = derived.overlap()
    assert found["Delta_1"] == 0
    assert sp.expand(found["Delta_2"] - expected) == 0


def test_singular_values():
    found = derived.singular_values()
    ours = s_a * (2 * TOTAL + s_a**2 * masked(u_a) + s_b**2 * masked(u_b)) / (s_a**2 - s_b**2)
    assert sp.simplify(found["R_ab"] - q * g**2 / 2 * ours) == 0
    assert sp.simplify(found["R_0"] - q * g**2 / 2 * TOTAL / s_a) == 0


def test_flow():
    found = derived.flow()
    v2 = close(residual.T * gram * residual)
    diagonal = q * (P + 1) * (2 * l_a * component(u_a) ** 2 + 2 * v2)
    pair = (
        2
        * q
        * (l_b * (v2 + l_b * component(u_b) ** 2) + l_a * (v2 + l_a * component(u_a) ** 2))
        / (l_a - l_b)
    )
    assert sp.expand(found["F_a"] - diagonal) == 0
    assert sp.simplify(found["F_ab"] - pair) == 0


def test_order_kappa():
    """C₁₁, C₂₂ and the two-step formula, in numbers."""
    rng = np.random.default_rng(2)
    D, g_, beta, b1, b2, kappa = 4, 0.1, 0.5, 0.5, 0.2, 0.7
    A, z = rng.standard_normal((D, 2 * D)), rng.standard_normal(D)
    T = A @ A.T
    values, vectors = np.linalg.eigh(T)
    u, ell = vectors[:, -1], values[-1]

    def omega(M):
        return b2 * M + (b1 - b2) * np.diag(np.diag(M))

    zz = np.outer(z, z)
    first = omega(zz)
    M1 = zz - g_ * beta * (T @ zz + zz @ T) + g_**2 * T @ first @ T
    X = beta * (beta * zz - g_ * T @ first)
    c11 = g_**2 * np.trace(T @ first)
    c22 = g_**2 * (np.trace(T @ first) + np.trace(T @ omega(M1)) + 2 * np.trace(T @ X))
    second = 2 * kappa * g_**2 * beta * ell * (beta * (u @ z) ** 2 - g_ * ell * u @ first @ u)
    numbers = {"z": z, "Theta": T, "u_a": u, "s_a": np.sqrt(ell), "kappa": kappa, "g": g_}
    numbers |= {"beta": beta, "b_1": b1, "b_2": b2}
    functions = derived.order_kappa().functions
    assert functions["D_1"](**numbers) == pytest.approx(kappa * c11, rel=1e-12)
    assert functions["D_2"](**numbers) == pytest.approx(second + kappa * (c22 - 2 * c11), rel=1e-12)


def test_ito_drifts():
    """Growth of the NTK over a fresh Q is isotropic: q (P + 1) tr Σ."""
    fresh = quadratic_sde().equations[-1][1]
    assert sp.expand(fresh - q * (P + 1) * Trace(covariance) * close(u_a.T * u_b)) == 0


@pytest.mark.parametrize(
    "make",
    [derived.overlap, derived.singular_values, derived.flow, derived.order_kappa, quadratic_sde],
)
def test_prints(make):
    derivation = make()
    lines = len(derivation.equations + derivation.definitions)
    assert len(derivation.latex().splitlines()) == lines
    assert derivation.explain().count("\n") >= 5
