"""Stationary risks: closed forms, none, several."""

from __future__ import annotations

import math

import numpy as np
import pytest

from limitlab.solvers.solve import solve
from limitlab.solvers.streaming.stationary import balance, stationary
from limitlab.theory.core.errors import NotAvailable
from limitlab.theory.core.symbols import t
from limitlab.theory.covariance import isotropic, power_law
from limitlab.theory.methods import SGD, ClippedSGD, SignSGD
from limitlab.theory.noise import Gaussian, Laplace, NoNoise
from limitlab.theory.streaming.problem import LeastSquares

pytestmark = pytest.mark.interpreted


def test_sgd_has_its_closed_form():
    law = power_law(300, 0.5)
    found = stationary(LeastSquares(law, Gaussian(0.5)), SGD(0.7))
    a = 0.7 * law.mean_eigenvalue
    assert found.roots == pytest.approx(
        [a * 0.25 / (4 - 2 * a)], rel=1e-11
    ) and found.stable.tolist() == [True]


def test_sgd_beyond_its_limit_has_none():
    assert stationary(LeastSquares(isotropic(300), Gaussian(0.5)), SGD(2.5)).roots.size == 0


def test_sign_has_its_closed_form():
    law = power_law(300, 0.5)
    found = stationary(LeastSquares(law, Gaussian(0.5)), SignSGD(0.4))
    c = math.pi * 0.4 * float(np.mean(np.sqrt(law.expanded()))) / 8
    assert found.roots == pytest.approx([c**2 + c * math.sqrt(c**2 + 0.25)], rel=1e-11)


def test_clipped_sgd_with_laplace_noise():
    found = stationary(LeastSquares(isotropic(300), Laplace(0.6)), ClippedSGD(0.8, 0.7))
    assert found.roots == pytest.approx([0.0919266], abs=5e-8)


def test_without_noise_zero_is_stable_below_the_limit_only():
    below, above = (
        stationary(LeastSquares(isotropic(300), NoNoise()), ClippedSGD(r, 0.7)) for r in (1.5, 2.5)
    )
    assert below.roots.tolist() == [0.0] and below.stable.tolist() == [True]
    assert (
        above.roots.size == 2 and above.roots[0] == 0.0 and above.stable.tolist() == [False, True]
    )


@pytest.mark.compiled
def test_all_roots_with_their_stability(hand_made):
    x = "math.log(R)"
    bent = hand_made("1.0", f"R * math.exp(-0.01 * ({x} + 1.0) * {x} * ({x} - 1.0))", 0.5)
    found = balance(bent, 1.0)
    inner = (found.roots > 1e-3) & (found.roots < 1e3)
    assert found.roots[inner] == pytest.approx(np.exp([-1.0, 0.0, 1.0]), rel=1e-10)
    assert found.stable[inner].tolist() == [True, False, True]


def test_the_ode_ends_there():
    problem, method = LeastSquares(power_law(60, 0.5), Gaussian(0.5)), ClippedSGD(0.8, 1.0)
    assert solve(problem, method, 80, points=2).risk[-1] == pytest.approx(
        stationary(problem, method).roots[0], rel=1e-7
    )


def test_schedules_have_no_stationary_risk():
    with pytest.raises(NotAvailable, match="constant in time"):
        stationary(LeastSquares(isotropic(300), Gaussian(0.5)), SGD(0.5 / (1 + t)))
