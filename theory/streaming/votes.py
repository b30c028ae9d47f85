r"""Majority vote of B signs, B odd (arXiv 2411.12135 takes B = 1; formulas derived here).

With :math:`\hat f_k` the Fourier weights of the majority function and c the covariance of the
signs of two coordinates,

.. math:: c\mapsto\sum_{k\text{ odd}}\binom Bk\hat f_k^2c^k,\qquad
   \hat f_k=\frac{\binom{(B-1)/2}{(k-1)/2}}{\binom{B-1}{k-1}}\,2^{1-B}\binom{B-1}{(B-1)/2} ,

and small means of the signs are multiplied by :math:`B\hat f_1`.
"""

from __future__ import annotations

from fractions import Fraction
from math import comb
from typing import Any

import numpy as np


def voters(method: Any) -> int:
    """How many signs a coordinate's step is the majority of; 1 without a vote."""
    return method.batch if method.batch > 1 and method.pool == "both" else 1


def gain(batch: int) -> Fraction:
    """Mean of the vote over the mean of one sign, where that is small."""
    return batch * _weight(batch, 1)


def slope_of_covariance(batch: int) -> Fraction:
    """Covariance of two votes over that of the single signs, where that is small."""
    return batch * _weight(batch, 1) ** 2


def vote_covariance(covariance: np.ndarray, batch: int) -> np.ndarray:
    """Covariance of the votes of coordinates whose signs have the given covariances.

    Parameters
    ----------
    covariance : array
        Entries in [−1, 1]; ±1 stays ±1.
    batch : int
        Odd.
    """
    square = covariance**2
    total = np.zeros_like(covariance)
    for k in range(batch, 0, -2):
        total = total * square + float(comb(batch, k) * _weight(batch, k) ** 2)
    return total * covariance


def _weight(batch: int, k: int) -> Fraction:
    """Fourier weight of the majority function on each set of k voters, up to its sign."""
    half = (batch - 1) // 2
    ratio = Fraction(comb(half, (k - 1) // 2), comb(batch - 1, k - 1))
    return ratio * Fraction(comb(batch - 1, half), 2 ** (batch - 1))
