"""Density of the residual and its slope over an array of places, at one risk."""

from __future__ import annotations

from typing import Any

import numpy as np

# >>> provided by the generated module
from ...kernels.interface import scalar


def density(R: float, t: float, p: Any, weights: Any, means: Any, scales: Any) -> float:
    """Density of the residual at the place that ends `p`."""
    raise NotImplementedError


def slope(R: float, t: float, p: Any, weights: Any, means: Any, scales: Any) -> float:
    """Its derivative in the place."""
    raise NotImplementedError


# <<< provided by the generated module


@scalar
def density_at(places, risk, p, weights, means, scales):
    """Return the density of the residual and its derivative at each place."""
    own = p.copy()
    heights = np.empty(places.size)
    slopes = np.empty(places.size)
    for i in range(places.size):
        own[-1] = places[i]
        heights[i] = density(risk, 0.0, own, weights, means, scales)
        slopes[i] = slope(risk, 0.0, own, weights, means, scales)
    return heights, slopes


def warm_up():
    """Compile for the array types in use."""
    empty = np.empty(0)
    density_at(empty, 1.0, empty, empty, empty, empty)
