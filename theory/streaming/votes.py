r"""Majority vote of B signs, B odd (arXiv 2411.12135 takes B = 1; formulas derived here).

With :math:`\hat f_k` the Fourier weights of the majority function and c the covariance of the
signs of two coordinates,

.. math:: c\mapsto\sum_{k\text{ odd}}\binom Bk\hat f_k^2c^k,\qquad
   \hat f_k=\frac{\binom{(B-1)/2}{(k-1)/2}}{\binom{B-1}{k-1}}\,2^{1-B}\binom{B-1}{(B-1)/2} ,

and small means of the signs are multiplied by :math:`B\hat f_1`.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from scipy.special import poch

#: votes up to which gains are fractions; beyond, doubles
_FRACTIONS = 301
#: votes up to which covariances are summed; beyond they are those of two normals, to a share 1/B
_SUMMED = 2001


def voters(method: Any) -> int:
    """How many signs a coordinate's step is the majority of; 1 without a vote."""
    return method.batch if method.batch > 1 and method.pool == "both" else 1


def gain(batch: int) -> Fraction | float:
    """Mean of the vote over the mean of one sign, where that is small."""
    return batch * _first_weight(batch)


def slope_of_covariance(batch: int) -> Fraction | float:
    """Covariance of two votes over that of the single signs, where that is small."""
    return batch * _first_weight(batch) ** 2


def vote_covariance(covariance: np.ndarray, batch: int) -> np.ndarray:
    """Covariance of the votes of coordinates whose signs have the given covariances.

    Parameters
    ----------
    covariance : array
        Entries in [−1, 1]; ±1 stays ±1.
    batch : int
        Odd.
    """
    if batch > _SUMMED:
        normal: np.ndarray = (2 / math.pi) * np.arcsin(np.clip(covariance, -1.0, 1.0))
        return normal
    shares = [float(slope_of_covariance(batch))]
    for k in range(1, batch - 1, 2):
        # of neighbouring terms of the series
        ratio = (batch - k) * k**2 / ((k + 1) * (k + 2) * (batch - k - 1))
        shares.append(shares[-1] * ratio)
    square = covariance**2
    total = np.zeros_like(covariance)
    for share in reversed(shares):
        total = total * square + share
    return total * covariance


def _first_weight(batch: int) -> Fraction | float:
    """Fourier weight of the majority function on each voter."""
    half = (batch - 1) // 2
    if batch <= _FRACTIONS:
        return Fraction(math.comb(batch - 1, half), 2 ** (batch - 1))
    return float(1 / (math.sqrt(math.pi) * poch(half + 0.5, 0.5)))
