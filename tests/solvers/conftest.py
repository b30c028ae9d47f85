"""Hand-made generated sources, so that the solvers are tested without the derivation."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab.solvers.streaming.coefficients import Coefficients
from limitlab.solvers.streaming.compress import Spectrum

TEMPLATE = """
@scalar
def rate(t, p):
    return p[0]

@scalar
def decay(R, t, p, weights, means, scales):
    return {decay}

@scalar
def source(R, t, p, weights, means, scales):
    return {source}

@scalar
def rule(ell, t, p):
    return ell
"""
LINEAR = ("2.0 * p[0]", "0.5 * p[0] ** 2 * (2.0 * R + p[1])")
SIGN = ("4.0 * p[0] / math.pi / math.sqrt(2.0 * R + p[1])", "0.5 * p[0] ** 2")


@pytest.fixture
def hand_made():
    """Return a function that makes Coefficients from the text of A and B and the parameter
    values."""

    def make(decay: str, source: str, *p: float, components: int = 0) -> Coefficients:
        text = TEMPLATE.format(decay=decay, source=source)
        rest = (np.full(components, 1.0 / max(components, 1)) for _ in range(3))
        return Coefficients(text, np.array(p, dtype=float), *rest)

    return make


@pytest.fixture
def linear(hand_made):
    """Unclipped SGD at rate p[0] with noise of variance p[1]."""
    return hand_made(*LINEAR, 0.5, 0.25)


@pytest.fixture
def sign(hand_made):
    """SignSGD at rate 0.4 with Gaussian noise of variance 0.25."""
    return hand_made(*SIGN, 0.4, 0.25)


@pytest.fixture
def power_law():
    """Return a function that makes the modes of a power law of m eigenvalues under SGD, R(0) =
    1."""

    def make(m: int, exponent: float = 0.5) -> Spectrum:
        rates = np.arange(1, m + 1.0) ** -exponent
        rates /= rates.mean()
        return Spectrum(rates, rates / m, rates**2 / m)

    return make
