r"""The Marchenko-Pastur law: eigenvalues of :math:`X^\top X/n` for white data, aspect d/n.

With :math:`x=1+\gamma-2\sqrt\gamma\cos\varphi` the mass between 0 and :math:`\varphi` has a closed
form; for aspect :math:`\gamma>1` the positive part is :math:`\gamma` times the law at
:math:`1/\gamma` with mass :math:`1/\gamma`, and the rest sits at zero (derived here).
"""

from __future__ import annotations

import math

import numpy as np

from ..core.checks import count, positive, read_only
from .base import LARGEST_EXPANSION, Covariance
from .diagonal import group
from .made import remembered, tried_with
from .spectral import SpectralDensity


@tried_with(d=200, aspect=0.5)
@remembered
def marchenko_pastur(d: float, aspect: float, normalise: bool = True) -> Covariance:
    """Diagonal K whose eigenvalues are the quantiles of the Marchenko-Pastur law.

    Parameters
    ----------
    d : int or math.inf
        Dimension; math.inf gives the spectral density as a Gauss rule of 256 nodes.
    aspect : float
        d/n, > 0. Above 1 a fraction 1 - 1/aspect of the eigenvalues is zero: those coordinates
        count in d and take no part in the dynamics.
    normalise : bool
        Scale to mean eigenvalue exactly 1 over all d (default); the quantiles' own mean is
        1 up to the error of the midpoint rule.

    Raises
    ------
    InvalidInput, InvalidType
        A dimension that is no whole number >= 1, nor infinite; an aspect that is not positive.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.marchenko_pastur(400, aspect=0.5).dimension
    400
    """
    aspect = positive("aspect", aspect)
    if isinstance(d, float) and math.isinf(d) and d > 0:
        nodes, weights = gauss_rule(aspect, 256)
        return SpectralDensity(read_only(nodes), read_only(weights), (1 + math.sqrt(aspect)) ** 2)
    d = count("d", d, most=LARGEST_EXPANSION)
    levels = (np.arange(d) + 0.5) / d
    levels = 1 - (1 - levels) * max(aspect, 1.0)
    # at least one eigenvalue is positive, however large the aspect
    levels = levels[levels > 0] if levels[-1] > 0 else np.array([0.5])
    values = quantiles(levels, aspect)
    zeros = d - values.size
    return group(values * (d / values.sum()) if normalise else values, zeros=zeros)


def quantiles(levels: np.ndarray, aspect: float) -> np.ndarray:
    """Quantiles of the positive part at increasing `levels` in (0, 1), by Newton's method."""
    q = min(math.sqrt(aspect), 1 / math.sqrt(aspect))
    table = np.linspace(0.0, math.pi, 8193)
    heights = mass(table, q)
    cell = np.clip(np.searchsorted(heights, levels), 1, table.size - 1)
    low, high = table[cell - 1], table[cell]
    angle = np.interp(levels, heights, table)
    for _ in range(12):
        slope = (2 / math.pi) * np.sin(angle) ** 2 / ((1 - q) ** 2 + 4 * q * np.sin(angle / 2) ** 2)
        before, angle = angle, np.clip(angle - (mass(angle, q) - levels) / slope, low, high)
        if np.max(np.abs(angle - before)) < 1e-14:
            break
    unit = (1 - q) ** 2 + 4 * q * np.sin(angle / 2) ** 2
    return unit if aspect <= 1 else aspect * unit


def mass(angle: np.ndarray, q: float) -> np.ndarray:
    """Mass of the law with square-root aspect q <= 1 below the eigenvalue at `angle`."""
    if q > 0.05:
        tilt = np.arctan2(q * np.sin(angle), 1 - q * np.cos(angle))
        rest = np.sin(angle) / q - (1 - q * q) * tilt / (q * q)
    else:
        # the closed form cancels for small q: its power series instead
        rest = sum((q**n - q ** (n - 2) * (n > 1)) * np.sin(n * angle) / n for n in range(1, 16))
    return (angle + rest) / math.pi


def gauss_rule(aspect: float, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss nodes and weights of the positive part; the Jacobi matrix is constant but for a_0."""
    ratio = min(aspect, 1 / aspect)
    jacobi = np.diag(np.r_[1.0, np.full(size - 1, 1 + ratio)])
    jacobi += math.sqrt(ratio) * (np.eye(size, k=1) + np.eye(size, k=-1))
    nodes, vectors = np.linalg.eigh(jacobi)
    scale = max(aspect, 1.0)
    return nodes * scale, vectors[0] ** 2 / scale
