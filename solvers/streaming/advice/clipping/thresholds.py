r"""Thresholds as functions of the risk (arXiv 2406.11733; these forms derived here).

The best one, :math:`c^\star(R)=\arg\max_c\mu_c^2/N_c`, makes the noise least at equal drift. The
one that leaves a fraction p of the steps unclipped solves :math:`\mu_c(R)=p`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .....theory.core.warn import warn
from .....theory.schedules.running_quantile import open_fraction
from .....theory.streaming.problem import LeastSquares
from ...moving_threshold import MovingThreshold

Array = NDArray[np.float64]

#: thresholds looked at, in medians of |ℓ|
_GRID = np.logspace(-4, 2, 61)
#: a gain below this is rounding: then nothing is better than not to clip
_GAIN = 1e-9
#: golden sections, which leave 4e-6 of log c
_SECTIONS = 24
_GOLDEN = (np.sqrt(5.0) - 1) / 2
_WIDEST = np.log(1e20)
#: bisections of log c: to round-off, and to a few per cent for a scale
_FINE, _ROUGH = 64, 12
#: distance from the wanted fraction beyond which an atom of the noise is in the way
_MISSED = 1e-6


def drift_per_noise(clipping: MovingThreshold, risk: ArrayLike, threshold: ArrayLike) -> Array:
    """Return μ²/N, which the comparison criterion compares with its value without clipping."""
    slope, square = clipping.at(risk, threshold)
    with np.errstate(invalid="ignore"):
        return np.where(np.isinf(square), 0.0, slope**2 / square)


def best_threshold(problem: LeastSquares, risk: ArrayLike) -> Array:
    """Return the threshold at which clipping does best.

    Parameters
    ----------
    problem : LeastSquares
    risk : array_like, any shape
        Excess risk R >= 0.

    Returns
    -------
    array in the shape of `risk`, in residual units
        ``inf`` where it is best not to clip; 0 where the supremum is the limit of a vanishing
        threshold, the normalised gradient.

    Raises
    ------
    InvalidInput, InvalidType
        What is no problem of a stream.

    Examples
    --------
    >>> import limitlab as ll
    >>> float(ll.best_threshold(ll.LeastSquares(ll.isotropic(100), ll.Gaussian(0.5)), 0.2))
    inf
    """
    clipping = MovingThreshold(problem)
    risks = np.ravel(np.asarray(risk, dtype=np.float64))
    grid = typical_residual(clipping, risks)[:, None] * _GRID
    place = np.argmax(drift_per_noise(clipping, risks[:, None], grid), axis=1)
    rows = np.arange(risks.size)
    low, high = (grid[rows, np.clip(place + side, 0, _GRID.size - 1)] for side in (-1, 1))
    found = _largest(lambda c: drift_per_noise(clipping, risks, c), low, high)
    unclipped = drift_per_noise(clipping, risks, np.inf)
    found = np.where(place == 0, 0.0, found)
    reached = drift_per_noise(clipping, risks, np.maximum(found, grid[:, 0]))
    gains = reached > unclipped * (1 + _GAIN)
    return np.where(gains, found, np.inf).reshape(np.shape(risk))


def _largest(function: Any, low: Array, high: Array) -> Array:
    """Return where functions of a positive number are largest: golden section in its logarithm."""
    a, b = np.log(low), np.log(high)
    for _ in range(_SECTIONS):
        left, right = b - _GOLDEN * (b - a), a + _GOLDEN * (b - a)
        lower = function(np.exp(left)) > function(np.exp(right))
        a, b = np.where(lower, a, left), np.where(lower, right, b)
    return np.exp(0.5 * (a + b))


def fraction_threshold(problem: LeastSquares, risk: ArrayLike, fraction: float) -> Array:
    """Return the threshold that leaves a fraction of the steps unclipped.

    Parameters
    ----------
    problem : LeastSquares
    risk : array_like, any shape
        Excess risk R >= 0.
    fraction : float
        p in (0, 1).

    Raises
    ------
    InvalidInput
        A fraction outside (0, 1).

    Warns
    -----
    ValidityWarning
        Atoms of the noise leave the fraction out: the size of the miss is given.

    Examples
    --------
    >>> import limitlab as ll
    >>> problem = ll.LeastSquares(ll.isotropic(100), ll.NoNoise())
    >>> round(float(ll.fraction_threshold(problem, 0.5, fraction=0.95)), 3)
    1.96
    """
    fraction = open_fraction("fraction", fraction)
    clipping = MovingThreshold(problem)
    risks = np.ravel(np.asarray(risk, dtype=np.float64))
    found = _nearer(clipping, risks, fraction, *_bracket(clipping, risks, fraction, _FINE))
    return found.reshape(np.shape(risk))


def typical_residual(clipping: MovingThreshold, risks: Array) -> Array:
    """Return the median of |ℓ| to a few per cent: a scale that every law of noise has."""
    return _bracket(clipping, risks, 0.5, _ROUGH)[1]


def _bracket(
    clipping: MovingThreshold, risks: Array, fraction: float, halvings: int
) -> tuple[Array, Array]:
    """Return thresholds below and above μ_c(R) = fraction."""
    a, b = np.full(risks.size, -_WIDEST), np.full(risks.size, _WIDEST)
    for _ in range(halvings):
        middle = 0.5 * (a + b)
        below = clipping.at(risks, np.exp(middle))[0] < fraction
        a, b = np.where(below, middle, a), np.where(below, b, middle)
    return np.exp(a), np.exp(b)


def _nearer(clipping: MovingThreshold, risks: Array, p: float, below: Array, above: Array) -> Array:
    """Return whichever end of the last interval comes closer to the fraction."""
    misses = [np.abs(clipping.at(risks, c)[0] - p) for c in (below, above)]
    miss = np.minimum(*misses)
    if miss.max(initial=0.0) > _MISSED:
        warn(
            f"atoms of the noise: an unclipped fraction of {p:g} is not attained; the nearest one "
            f"is off by {miss.max():.3g}"
        )
    return np.where(misses[0] < misses[1], below, above)
