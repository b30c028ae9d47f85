"""Means in log R as Chebyshev panels of their own widths: what code reads instead of a formula."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.polynomial import chebyshev

from .grid import Array

_LOWEST, _HIGHEST = np.log(1e-26), np.log(1e18)
_WIDEST, _NARROWEST = 8.0, 0.0625
#: a mean below this is no part of any curve
_NOTHING = 1e-100
_DEGREE = 17
_BETWEEN = np.array([-0.97, -0.31, 0.17, 0.88])
_ERROR = 1e-10
_ROUNDING = 1e-14
_AT = chebyshev.chebpts1(_DEGREE + 1)
_TRANSFORM = chebyshev.chebvander(_AT, _DEGREE) * (2.0 / (_DEGREE + 1))
_TRANSFORM[:, 0] *= 0.5
_CHECK = chebyshev.chebvander(_BETWEEN, _DEGREE)
#: whose values say how large a function is at each place between: over a panel it may fall by e¹²
_NEAR = np.abs(np.subtract.outer(_BETWEEN, np.append(_AT, _BETWEEN))) < 0.3


@np.errstate(all="ignore")  # what overflows is infinite, and said to be
def mean_table(
    values: Callable[[float], Array], watch: Callable[[float], None] | None = None
) -> list[list[float]]:
    """Return a table for every function: count of panels and terms, edges in log R, series.

    Parameters
    ----------
    values : callable
        R to the means of all functions, and the sizes of what was added up.
    watch : callable, optional
        Told the share of the range that is done.
    """
    edges: list[float] = [_LOWEST]
    series: list[Array] = []
    place, width, calm = _LOWEST, _WIDEST, False
    while place < _HIGHEST - 1e-9:
        width = min(width, _HIGHEST - place)
        found = _panel(values, place, width)
        if found is None and width > _NARROWEST:
            width, calm = 0.5 * width, False
            continue
        if found is None:
            found = _panel(values, place, width, None)
        if found is None:
            # beyond the largest float, as for a rule that grows exponentially: infinite from here
            width = _HIGHEST - place
            found = np.zeros_like(series[0])
            found[:, 0] = np.inf
        place += width
        edges.append(place)
        series.append(found)
        # wider again only after two in a row: a panel that fails is computed for nothing
        width = min(2 * width, _WIDEST) if calm else width
        calm = not calm
        if watch is not None:
            watch((place - _LOWEST) / (_HIGHEST - _LOWEST))
    head = [float(len(series)), float(_DEGREE + 1), *edges]
    return [[*head, *np.ravel([panel[k] for panel in series])] for k in range(len(series[0]))]


def _panel(
    values: Callable[[float], Array], place: float, width: float, error: float | None = _ERROR
) -> Array | None:
    """Return the series of every function on one panel; None where one misses what is between, or,
    without an error, where one is not finite."""
    points = place + 0.5 * width * (1 + np.concatenate([_AT, _BETWEEN]))
    both = np.array([values(float(np.exp(x))) for x in points])
    found, sizes = both[:, 0].T, both[:, 1].T
    series = found[:, : _AT.size] @ _TRANSFORM
    if error is None:
        return series if np.all(np.isfinite(series)) else None
    gap = np.abs(series @ _CHECK.T - found[:, _AT.size :])
    near, size = (
        np.where(_NEAR, np.abs(each)[:, None, :], 0.0).max(axis=2) for each in (found, sizes)
    )
    return series if np.all(gap <= error * (near + _NOTHING) + _ROUNDING * size) else None


def read_table(table: list[float], risks: Array) -> Array:
    """Return the values of a table, a power law beyond its ends, as compiled code reads it."""
    count, terms = int(table[0]), int(table[1])
    edges = np.array(table[2 : 3 + count])
    series = np.array(table[3 + count :]).reshape(count, terms)
    places = np.log(risks)
    inside = np.clip(places, edges[0], edges[-1])
    panel = np.clip(np.searchsorted(edges, inside, side="right") - 1, 0, count - 1)

    def at(x: Array) -> Array:
        z = 2 * (x - edges[panel]) / (edges[panel + 1] - edges[panel]) - 1
        return np.einsum("nk,nk->n", chebyshev.chebvander(z, terms - 1), series[panel])

    values = at(inside)
    step = np.where(places > inside, -1e-3, 1e-3)
    with np.errstate(all="ignore"):
        slope = np.log(at(inside + step) / values) / step
        beyond = values * np.exp(slope * (places - inside))
    return np.where((places == inside) | ~np.isfinite(beyond), values, beyond)
