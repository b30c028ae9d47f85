r"""Nodes for means over a pair of normal numbers.

In polar coordinates :math:`\lambda=\sqrt Q\,r\cos\theta`,
:math:`\nu=\sqrt T\,r\cos(\theta-\theta_0)` with :math:`\cos\theta_0=R/\sqrt{QT}`, bends of an
activation at 0 lie on four rays. Panels narrow towards them, for those that bend within
:math:`1/\beta`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_RADIUS, _RADIAL_PANELS, _NODES, _HALVINGS = 9.0, 5, 16, 7


def _panelled(edges: Array) -> tuple[Array, Array]:
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    half = np.diff(edges)[:, None] / 2
    at = edges[:-1, None] + half * (1 + nodes)
    return at.ravel(), (half * weights).ravel()


def pair_nodes(Q: float, R: float, T: float) -> tuple[Array, Array, Array]:
    """λ, ν and weights that sum to 1."""
    angle = float(np.arccos(np.clip(R / np.sqrt(Q * T), -1, 1)))
    rays = np.sort(np.mod([np.pi / 2, -np.pi / 2, angle + np.pi / 2, angle - np.pi / 2], 2 * np.pi))
    graded = 0.5 ** np.arange(_HALVINGS, 0, -1)
    unit = np.concatenate([[0.0], graded, 1 - graded[::-1][1:], [1.0]])
    widths = np.diff(np.append(rays, rays[0] + 2 * np.pi))
    edges = np.concatenate([ray + width * unit for ray, width in zip(rays, widths, strict=True)])
    theta, turn = _panelled(np.unique(edges))
    r, along = _panelled(np.linspace(0, _RADIUS, _RADIAL_PANELS + 1))
    weights = np.outer(along * r * np.exp(-(r**2) / 2), turn)
    here = np.sqrt(Q) * np.outer(r, np.cos(theta))
    there = np.sqrt(T) * np.outer(r, np.cos(theta - angle))
    return here, there, weights / weights.sum()
