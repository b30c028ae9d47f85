"""A density without closed Gaussian convolution, replaced once by quadrature nodes.

The nodes are Gauss–Legendre points on panels that double in width away from every centre, so that
one set serves every R: near a kink of the rule the panels are as narrow as any Gaussian can be.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

#: panels reach from 2^FINEST to 2^WIDEST away from each centre
FINEST, WIDEST = -40, 60
NEGLIGIBLE = 1e-25


def discretise(
    density: Callable[[np.ndarray], np.ndarray], centres: tuple[float, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Return weights and positions of atoms that stand for a density.

    Parameters
    ----------
    density : callable
        Vectorised density of the noise.
    centres : tuple of float
        Kinks of the density and the noise values at which the rule has a kink.
    """
    reach = 2.0 ** np.arange(FINEST, WIDEST + 1)
    offsets = np.concatenate([-reach[::-1], [0.0], reach])
    edges = np.unique(np.add.outer(np.asarray(centres, dtype=float), offsets))
    nodes, weights = np.polynomial.legendre.leggauss(16)
    half, middle = 0.5 * np.diff(edges), 0.5 * (edges[1:] + edges[:-1])
    positions = (middle[:, None] + half[:, None] * nodes).ravel()
    with np.errstate(all="ignore"):
        mass = np.nan_to_num(density(positions)) * (half[:, None] * weights).ravel()
    kept = mass > NEGLIGIBLE * mass.max()
    return mass[kept], positions[kept]
