"""Functions of the risk as Chebyshev panels in log R.

A table is an array (1 + panels, functions, n): row 0 holds the start and the width of the panels,
the others a series for each function.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice, takewhile

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

Array = NDArray[np.float64]

NO_TABLE = np.zeros((1, 2, 3))
_WIDTH = 2.0
_DEGREE = 17
#: points between the nodes, and how far a series may miss them
BETWEEN, _ERROR = np.array([-0.97, -0.31, 0.17, 0.88]), 1e-10


def interpolation(values: Array) -> Array:
    """Return the Chebyshev series of each row of values at `chebpts1` (discrete orthogonality)."""
    count = values.shape[1]
    series = values @ chebyshev.chebvander(chebyshev.chebpts1(count), count - 1) * (2.0 / count)
    series[:, 0] *= 0.5
    return series


def panels(
    values: Callable[[Array], Array], lowest: float, highest: float, most: int | None = None
) -> Array:
    """Return Chebyshev panels of two functions, from `highest` down as far as they are smooth, or
    `most` of them.

    The first row of the table holds the start and the width of the panels.
    """
    count = int(np.ceil((highest - lowest) / _WIDTH))
    start = highest - count * _WIDTH
    downwards = (_panel(values, start + k * _WIDTH) for k in islice(reversed(range(count)), most))
    smooth = takewhile(lambda panel: panel is not None, downwards)
    kept = [panel for panel in smooth if panel is not None][::-1]
    head = np.zeros((2, _DEGREE + 1))
    head[0, :2] = start + (count - len(kept)) * _WIDTH, _WIDTH
    return np.array([head, *kept])


def _panel(values: Callable[[Array], Array], left: float) -> Array | None:
    """Return the two Chebyshev series on one panel, or None where they miss points between the
    nodes."""
    nodes = chebyshev.chebpts1(_DEGREE + 1)
    places = left + 0.5 * _WIDTH * (1 + np.concatenate([nodes, BETWEEN]))
    found = values(places)
    if not np.all(np.isfinite(found)):
        return None
    series = interpolation(found[:, : nodes.size])
    errors = [chebyshev.chebval(BETWEEN, series[k]) - found[k, nodes.size :] for k in range(2)]
    return series if np.max(np.abs(errors)) <= _ERROR else None
