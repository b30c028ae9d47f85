"""D, E, F and H of the one-step covariance in tables in log R, for noise of many components."""

from __future__ import annotations

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from ..core.chebyshev import BETWEEN, NO_TABLE, interpolation
from ..core.compile import load
from .coefficients import Coefficients

Array = NDArray[np.float64]

NO_NOISE_TABLE = np.zeros((1, 4, 3))
NO_TABLES = (NO_TABLE, NO_NOISE_TABLE)
#: between the nodes a series must fit to this fraction of its largest value
_TOLERANCE = 1e-6
#: terms of a series below this fraction of its panel are left out
_NOTICED = 1e-7


def noise_table(coefficients: Coefficients, table: Array, time: float, rate: float) -> Array:
    """Return D/η², E/η², F/η³ and H/η⁴ as Chebyshev series on the panels of `table`.

    Parameters
    ----------
    coefficients : Coefficients
        Their source holds the four parts of the noise.
    table : array
        `Coefficients.table`; below a panel on which a part is not smooth there are none.
    time, rate : float
        A time and η > 0 then: the ratios are the same at all times.
    """
    panels, degree = table.shape[0] - 1, table.shape[2] - 1
    start, width = table[0, 0, :2]
    evaluate = load(coefficients.source, "streaming/sde").noise_parts_of
    powers = rate ** np.array([2.0, 2.0, 3.0, 4.0])[:, None]
    places = 0.5 * (1 + np.concatenate([chebyshev.chebpts1(degree + 1), BETWEEN]))
    series: list[Array] = []
    for k in reversed(range(panels)):
        risks = np.exp(start + (k + places) * width)
        found = _series(evaluate(risks, time, coefficients.law, NO_NOISE_TABLE) / powers)
        if found is None:
            break
        series.insert(0, found)
    head = np.zeros((4, degree + 1))
    head[0, :2] = start + (panels - len(series)) * width, width
    return np.array([head, *series])


def _series(values: Array) -> Array | None:
    """Return the series of each row, or None where one misses the last values, between its
    nodes."""
    nodes = values.shape[1] - BETWEEN.size
    series = interpolation(values[:, :nodes])
    gap = np.abs(chebyshev.chebval(BETWEEN, series.T) - values[:, nodes:])
    smooth = np.all(gap <= _TOLERANCE * np.abs(values).max(axis=1, keepdims=True))
    return series if smooth else None


def shortened(table: Array) -> Array:
    """Return a table without the terms that a path does not notice."""
    scale = np.abs(table[1:]).max(axis=(1, 2), keepdims=True, initial=1e-300)
    terms = np.nonzero(np.any(np.abs(table[1:]) > _NOTICED * scale, axis=(0, 1)))[0]
    return table[:, :, : max(int(terms.max(initial=0)) + 1, 2)].copy()
