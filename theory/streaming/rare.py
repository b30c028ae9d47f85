r"""Whether :math:`N(R)=E\,\psi(\ell)^2` rests on residuals that no finite ensemble meets.

A rule that grows like an exponential has a finite N under Gaussian noise, most of which may come
from residuals many standard deviations out. The mean square is computed twice by one quadrature:
whole, and without the largest residuals, which together have the probability :data:`NEVER`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.once import once
from ..expectation.discretise import discretise
from .noise_law import density_function
from .rules import rule_values
from .tails import growth

#: probability of a residual that no ensemble is counted on to meet
NEVER = 1e-9
#: nodes of the normal: a trapezoidal rule as far as its density is a number
_Z = np.linspace(-38.0, 38.0, 1521)
_MASS = np.exp(-0.5 * _Z**2) / np.exp(-0.5 * _Z**2).sum()
#: components of the noise that are taken together
_TOGETHER = 64


@once
def met_share(method: Any, noise: Any, risk: float) -> float:
    """Return the share of E ψ(ℓ)² at a risk that comes from residuals which an ensemble meets.

    Rules that grow no faster than the residual are not asked: 1.
    """
    if growth(method) <= 1.001:
        return 1.0
    parts = noise.component_arrays()
    if parts is None:
        weights, places = discretise(density_function(noise), tuple(noise.support_points))
        parts = _gathered(weights, places, 0.05 * math.sqrt(2.0 * risk) + 1e-3)
    psi = rule_values(method)
    blocks = range(0, parts[0].size, _TOGETHER)
    found = [_nodes(psi, [a[i : i + _TOGETHER] for a in parts], risk) for i in blocks]
    size, mass, square = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.argsort(size)[::-1]
    never = np.cumsum(mass[order]) <= NEVER * mass.sum()
    whole, rare = square.sum(), square[order][never].sum()
    if not np.isfinite(whole):
        return 0.0
    return float((whole - rare) / whole) if whole > 0 else 1.0


def _gathered(weights: np.ndarray, places: np.ndarray, width: float) -> tuple[np.ndarray, ...]:
    """Take atoms together that the normal of the residual does not tell apart."""
    _, group = np.unique(np.round(places / width), return_inverse=True)
    mass = np.bincount(group, weights)
    return mass, np.bincount(group, weights * places) / mass, np.zeros_like(mass)


def _nodes(
    psi: Any, components: list[np.ndarray], risk: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """|ℓ|, the mass and its share of E ψ² at every node of some components of the noise."""
    weights, means, scales = components
    spread = np.sqrt(2.0 * risk + scales**2)
    ell = (np.multiply.outer(_Z, spread) - means).ravel()
    mass = np.multiply.outer(_MASS, weights).ravel()
    with np.errstate(all="ignore"):
        square = np.where(mass > 0, mass * np.broadcast_to(psi(ell), ell.shape) ** 2, 0.0)
    return np.abs(ell), mass, square
