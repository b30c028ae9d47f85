r"""Criteria of clipping as functions of the risk R and the threshold c.

With :math:`P=2R+\sigma^2` and :math:`\nu=N/P`: clipping is more stable where :math:`\mu/\nu>1`, and
better at equal drift where :math:`\mu^2/\nu>1` (arXiv 2406.11733; these forms derived here).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .....theory.core.errors import InvalidInput
from .....theory.methods import SignSGD
from .....theory.streaming.problem import LeastSquares, check_stream
from ...expectations import expectations
from ...moving_threshold import MovingThreshold
from .fisher import fisher_information
from .thresholds import best_threshold, drift_per_noise

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ClippingCriteria:
    """What clipping at c does to descent and noise at risk R; every function broadcasts.

    Thresholds are in residual units, ``inf`` where nothing is clipped; rates are those of
    :class:`ClippedSGD` (step size rate/d).
    """

    problem: Any

    @cached_property
    def _clipping(self) -> MovingThreshold:
        return MovingThreshold(self.problem)

    @property
    def note(self) -> str:
        """What the comparison ratio is measured against."""
        if math.isfinite(self._clipping.variance):
            return "comparison ratio = μ²/ν, against unclipped SGD"
        return "σ² is infinite, unclipped SGD has no limit: comparison ratio = μ²/N"

    def mu(self, risk: ArrayLike, threshold: ArrayLike) -> Array:
        """Descent-reduction factor P(|ℓ| <= c)."""
        return self._clipping.at(risk, threshold)[0]

    def N(self, risk: ArrayLike, threshold: ArrayLike) -> Array:
        """Mean square of the clipped residual."""
        return self._clipping.at(risk, threshold)[1]

    def nu(self, risk: ArrayLike, threshold: ArrayLike) -> Array:
        """Variance-reduction factor N/P; refused where σ² is infinite."""
        return self.N(risk, threshold) / self._power(risk, "nu")

    def stability_ratio(self, risk: ArrayLike, threshold: ArrayLike) -> Array:
        """μ/ν, by which clipping multiplies the largest stable rate; needs σ² < ∞."""
        slope, square = self._clipping.at(risk, threshold)
        return slope * self._power(risk, "stability_ratio") / square

    def comparison_ratio(self, risk: ArrayLike, threshold: ArrayLike) -> Array:
        """μ²/ν: above 1, clipping beats unclipped SGD of equal drift; μ²/N where σ² = ∞."""
        return self._reference(risk) * drift_per_noise(self._clipping, risk, threshold)

    def largest_rate(self, risk: ArrayLike, threshold: ArrayLike) -> Array:
        """Rate below which the distance to the target contracts at R: 4μR/(N tr K/d).

        It is also the constant rate at which R is stationary.
        """
        slope, square = self._clipping.at(risk, threshold)
        return 4 * slope * np.asarray(risk) / (square * self.problem.covariance.mean_eigenvalue)

    def large_rate_risk(self, rate: ArrayLike, threshold: ArrayLike) -> Array:
        """Stationary risk of a large constant rate, (π/16) (rate · tr K/d · c)²."""
        scaled = np.asarray(rate) * self.problem.covariance.mean_eigenvalue
        return np.pi / 16 * np.square(scaled * np.asarray(threshold, dtype=float))

    def fisher_bound(self, risk: ArrayLike) -> Array:
        """Bound of the comparison ratio over all thresholds, and over all rules: P times the
        Fisher information of the residual law (that alone where σ² = ∞)."""
        return self._reference(risk) * fisher_information(self.problem, risk)

    def vanishing_threshold(self, risk: ArrayLike) -> Array:
        """Limit of the comparison ratio at c → 0, 4 p_ℓ(0)² P: the median against the mean."""
        # the mean slope of the sign is its jump, 2, times the density of the residual there
        twice_density = expectations(self.problem, SignSGD(1.0)).mu(risk)
        return self._reference(risk) * twice_density**2

    def best_threshold(self, risk: ArrayLike) -> Array:
        """The threshold of the largest comparison ratio: see `best_threshold`."""
        return best_threshold(self.problem, risk)

    def _power(self, risk: ArrayLike, name: str) -> Array:
        if not math.isfinite(self._clipping.variance):
            remedy = f"{name} needs noise of finite variance; use mu, N or comparison_ratio"
            raise InvalidInput("noise", self.problem.noise, remedy)
        return self._clipping.at(risk, np.inf)[1]

    def _reference(self, risk: ArrayLike) -> Array:
        """P, or 1 where it is infinite."""
        if math.isfinite(self._clipping.variance):
            return self._power(risk, "comparison_ratio")
        return np.ones(np.shape(risk))


def clipping_criteria(problem: LeastSquares) -> ClippingCriteria:
    """Return the criteria of clipping on a streaming problem, as functions of (R, c).

    Raises
    ------
    InvalidType
        Not a LeastSquares problem.

    Examples
    --------
    >>> import limitlab as ll
    >>> problem = ll.LeastSquares(ll.isotropic(100), ll.Rademacher(0.5))
    >>> round(float(ll.clipping_criteria(problem).comparison_ratio(0.25, 0.7)), 6)
    0.805863
    """
    check_stream(problem)
    return ClippingCriteria(problem)
