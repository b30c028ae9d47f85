"""Gaussian means of what is smooth between kinks: panels of Gauss and Legendre that end at them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: standard deviations to either side, panels before they are split, and nodes of a panel
_REACH, _PANELS, _NODES = 9.0, 24, 16


@cache
def _rule(nodes: int = _NODES) -> tuple[Array, Array]:
    x, w = np.polynomial.legendre.leggauss(nodes)
    return x, w


def normal_nodes(kinks: Sequence[float] | Array = (), panels: int = _PANELS) -> tuple[Array, Array]:
    """Return nodes and weights of the standard normal law, with panels that end at the kinks."""
    edges = np.linspace(-_REACH, _REACH, panels + 1)
    inside = [kink for kink in kinks if abs(kink) < _REACH]
    edges = np.unique(np.concatenate([edges, inside]))
    x, w = _rule()
    half, middle = np.diff(edges) / 2, (edges[1:] + edges[:-1]) / 2
    nodes = (middle[:, None] + half[:, None] * x).ravel()
    weights = (half[:, None] * w).ravel() * np.exp(-(nodes**2) / 2) / np.sqrt(2 * np.pi)
    return nodes, weights / weights.sum()


def conditional_nodes(kinks: Array, panels: int = 6) -> tuple[Array, Array]:
    """Return nodes and weights of the standard normal law for each row of kinks, (n, m)."""
    edges = np.linspace(-_REACH, _REACH, panels + 1)
    inside = np.clip(kinks, -_REACH, _REACH)
    rows = np.broadcast_to(edges, (len(kinks), edges.size))
    every = np.sort(np.concatenate([rows, inside], axis=1), axis=1)
    x, w = _rule()
    half, middle = np.diff(every, axis=1) / 2, (every[:, 1:] + every[:, :-1]) / 2
    nodes = (middle[:, :, None] + half[:, :, None] * x).reshape(len(kinks), -1)
    weights = (half[:, :, None] * w).reshape(len(kinks), -1)
    weights = weights * np.exp(-(nodes**2) / 2) / np.sqrt(2 * np.pi)
    return nodes, weights / weights.sum(axis=1, keepdims=True)
