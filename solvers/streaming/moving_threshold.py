r"""The two numbers of clipping at any risk and threshold.

:math:`\mu_c(R)=P(|\ell|\le c)` and :math:`N_c(R)=E\min(|\ell|,c)^2`, evaluated by the compiled
code of the System of :class:`ClippedSGD`; :math:`c=\infty` is that of :class:`SGD`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...theory.core.checks import array
from ...theory.core.errors import InvalidInput
from ...theory.methods import SGD, ClippedSGD
from ...theory.streaming.derive import Binding, bind, derive
from ...theory.streaming.problem import LeastSquares, check_stream
from ..core.compile import load, writable
from .coefficients import Coefficients
from .expectations import expectations

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MovingThreshold:
    """μ and N of clipped SGD on one problem, elementwise in the risk and the threshold."""

    problem: LeastSquares

    def __post_init__(self) -> None:
        check_stream(self.problem)

    @property
    def variance(self) -> float:
        """σ², infinite where the noise has none."""
        return float(self.problem.noise.variance)

    def at(self, risk: ArrayLike, threshold: ArrayLike) -> tuple[Array, Array]:
        """Return μ and N at risks >= 0 and thresholds in (0, ∞], broadcast.

        N at c = ∞ is infinite where the variance of the noise is.
        """
        slope, square = self._pair(False, risk, threshold)
        return slope, square

    def coefficients(self, risk: ArrayLike, threshold: ArrayLike) -> tuple[Array, Array]:
        """Return A/η and B/η² of the mode equations, as `at` does μ and N."""
        drift, noise = self._pair(True, risk, threshold)
        return drift, noise

    def _pair(self, coefficients: bool, risk: ArrayLike, threshold: ArrayLike) -> Array:
        risks, thresholds = np.broadcast_arrays(*_checked(risk, threshold))
        found = np.empty((2, *risks.shape))
        clips = np.isfinite(thresholds)
        if clips.any():
            found[:, clips] = self._clipped(coefficients, risks[clips], thresholds[clips])
        if not clips.all():
            found[:, ~clips] = self._unclipped(coefficients, risks[~clips])
        return found

    def _unclipped(self, coefficients: bool, risks: Array) -> Any:
        if not np.isfinite(self.variance):
            return np.array([[1.0], [np.inf]])
        if coefficients:
            return self._unit.at(risks)
        plain = expectations(self.problem, SGD(1.0))
        return plain.mu(risks), plain.N(risks)

    @cached_property
    def _unit(self) -> Coefficients:
        """The coefficients of SGD at rate 1."""
        system = derive(self.problem, SGD(1.0))
        return Coefficients.of(system.source, bind(system, self.problem, SGD(1.0)))

    def _clipped(self, coefficients: bool, risks: Array, thresholds: Array) -> Array:
        if self._system.noise_form != "nodes":
            return self._evaluate(coefficients, risks, thresholds, self._binding(1.0))
        # quadrature nodes of a density crowd around the kinks of the rule: each threshold has its
        # own
        found = [
            self._evaluate(coefficients, np.array([r]), np.array([c]), self._binding(c))
            for r, c in zip(risks, thresholds, strict=True)
        ]
        return np.concatenate(found, axis=1)

    def _evaluate(self, coefficients: bool, risks: Array, thresholds: Array, b: Binding) -> Array:
        arrays = (writable(a) for a in (b.p, b.weights, b.means, b.scales))
        module = load(self._system.source, "streaming/threshold")
        pairs = writable(risks), writable(thresholds)
        return module.clipped_at(coefficients, *pairs, self._place, *arrays)

    @cached_property
    def _system(self) -> Any:
        return derive(self.problem, ClippedSGD(1.0, 1.0))

    @cached_property
    def _place(self) -> int:
        return [q.field for q in self._system.parameters].index("threshold")

    def _binding(self, threshold: float) -> Binding:
        return bind(self._system, self.problem, ClippedSGD(1.0, float(threshold)))


def _checked(risk: ArrayLike, threshold: ArrayLike) -> tuple[Array, Array]:
    risks = array("risk", np.ravel(risk), 1).reshape(np.shape(risk))
    thresholds = np.asarray(threshold, dtype=np.float64)
    if risks.min() < 0:
        raise InvalidInput("risk", float(risks.min()), "give risks >= 0")
    if not np.all(thresholds > 0):
        raise InvalidInput("threshold", threshold, "give thresholds > 0, or inf")
    return risks, thresholds
