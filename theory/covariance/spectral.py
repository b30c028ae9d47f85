"""Spectral densities: the covariance of the theory at d = ∞, held as a quadrature rule."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.checks import count, read_only, vector
from ..core.errors import InvalidInput, InvalidType
from .base import Covariance


@dataclass(frozen=True, eq=False, repr=False)
class SpectralDensity(Covariance):
    """A law of eigenvalues; sums over coordinates become integrals against it.

    Attributes
    ----------
    eigenvalues, multiplicities : numpy.ndarray, shape (m,)
        Nodes and weights of the rule. The weights sum to 1 less the mass of an atom at zero.
    edge : float
        Upper end of the support.
    """

    eigenvalues: np.ndarray
    multiplicities: np.ndarray
    edge: float

    @property
    def dimension(self) -> float:  # type: ignore[override]
        return math.inf

    @property
    def shares(self) -> np.ndarray:
        return self.multiplicities

    @property
    def trace(self) -> float:
        return math.inf

    @property
    def norm(self) -> float:
        return self.edge

    def expanded(self) -> np.ndarray:
        self.check_expansion()
        raise AssertionError("unreachable")


def from_density(
    density: Callable[[np.ndarray], Any], support: tuple[float, float], points: int = 400
) -> SpectralDensity:
    """The d = ∞ covariance whose eigenvalues have the given density.

    Parameters
    ----------
    density : callable
        Density of the eigenvalues at an array of positive numbers; must integrate to 1.
        Integrable singularities at the ends of the support are fine.
    support : (float, float)
        0 <= low < high.
    points : int
        Nodes of the tanh-sinh rule.

    Raises
    ------
    InvalidInput, InvalidType
        A support that is no interval in [0, ∞); a density that is negative, not finite, or does not
        integrate to 1.

    Examples
    --------
    >>> import math
    >>> import numpy as np
    >>> import limitlab as ll
    >>> K = ll.from_density(np.ones_like, support=(0.5, 1.5))
    >>> K.dimension == math.inf, round(float(K.eigenvalues @ K.multiplicities), 9)
    (True, 1.0)
    """
    low, high = vector("support", support, 2).tolist()
    if not 0 <= low < high:
        raise InvalidInput("support", support, "give 0 <= low < high")
    if not callable(density):
        raise InvalidType("density", density, "give a function of an array of eigenvalues")
    nodes, weights = _tanh_sinh(low, high, count("points", points, 16))
    heights = np.broadcast_to(np.asarray(density(nodes), dtype=np.float64), nodes.shape)
    if not np.all(np.isfinite(heights)) or np.any(heights < 0):
        where = nodes[np.argmin(np.where(np.isfinite(heights), heights, -np.inf))]
        raise InvalidInput("density", density, f"is negative or not finite at {where:.6g}")
    mass = float(weights @ heights)
    if abs(mass - 1.0) > 1e-6:
        raise InvalidInput("density", density, f"integrates to {mass:.8g} on the support, not 1")
    shares = weights * heights / mass
    kept = (shares > 1e-18) & (nodes > 0)
    return SpectralDensity(read_only(nodes[kept]), read_only(shares[kept]), high)


def _tanh_sinh(low: float, high: float, points: int) -> tuple[np.ndarray, np.ndarray]:
    """Double-exponential rule on (low, high); distances to the ends keep full accuracy."""
    steps, h = np.linspace(-4.0, 4.0, points, retstep=True)
    u = math.pi * np.sinh(steps)
    fraction, rest = 1 / (1 + np.exp(-u)), 1 / (1 + np.exp(u))
    weights = (high - low) * h * math.pi * np.cosh(steps) * fraction * rest
    from_low = low + (high - low) * fraction
    nodes = np.where(steps < 0, from_low, high - (high - low) * rest)
    inside = (nodes > low) & (nodes < high)
    return nodes[inside], weights[inside]
