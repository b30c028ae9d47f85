r"""What the limit of signs and of batches neglects, as a change of its drift: announced along it.

Signs. The mean of a sign is linear in ρ_i to first order; the next one is a relative
:math:`c\rho_i^2` of the drift (derived here), with :math:`s=d\log\phi/d\log R`:

* one sample, and means of signs: :math:`c=\tfrac16-\tfrac s3`;
* a vote of B: :math:`c-\tfrac{B-1}6\phi^2`, as the majority saturates;
* the sign of the mean of B, by Stein's lemma for the cube of W:
  :math:`c=-\tfrac R3(B-2)(B-3)\,E S^{-3}/E S^{-1}`.

ρ_i² counts by its share in the decay of the risk: :math:`q^2\kappa_0+[2q(1-q)+(1-q)^2]\,3/d^\star`,
with κ₀ that of the start, 3/d⋆ that of normal coordinates, and q the share of the risk that the
start has left.

A clip on the mean gradient of B samples: its square has a part along Kδ, up to B ‖K‖/tr K of the
whole, by which a clipped step is shorter. Sensitivities turn both into errors of the risk.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...theory.streaming.modes import modes, weighted_rho_squared
from .coefficients import Coefficients
from .finite_size import drift_gain, height
from .ode import OdeAnswer

Array = np.ndarray

#: relative change of the drift beyond which its first order says nothing
_LARGEST = 0.5
#: of what drift and noise of a clipped batch cancel, this part is announced all the same
_CANCELLED = 0.25
#: risks at which c is computed
_RISKS = 9
#: nodes of the integrals over the transform, in log u
_LOG_U = np.arange(-12.0, 16.0, 0.125)


@dataclass(frozen=True, eq=False)
class Neglected:
    """A limit that was solved, and what it neglects.

    Parameters
    ----------
    problem, method, coefficients
    answer : OdeAnswer
        At `times`, with its sensitivities.
    times : (T,) array
    """

    problem: Any
    method: Any
    coefficients: Coefficients
    answer: OdeAnswer
    times: Array

    def error(self, start: bool = True) -> Array:
        """Return the relative error of the risk; inf where its first order says nothing.

        Parameters
        ----------
        start : bool
            Whether signs of a localised start count; not where they were computed.
        """
        signs = self.method.acts_on == "coordinate"
        clipped = not signs and self.method.batch > 1 and self.method.pool == "mean"
        if not (signs or clipped) or not np.isfinite(self.problem.dimension):
            return np.zeros_like(self.times)
        risk = np.maximum(self.answer.risk, 1e-300)
        drift = np.abs(self.answer.drift_sensitivity) / risk
        change = _so_far(self._of_signs(start) if signs else self._of_clip(), self.times)
        if clipped:
            noise = np.abs(self.answer.noise_sensitivity) / risk
            together = np.abs(drift / 2 - noise), np.minimum(drift / 2, noise)
            drift = together[0] + _CANCELLED * together[1]
        later = np.where(self.times > self.times[0], np.inf, 0.0)
        return np.where(change < _LARGEST, change * drift, later)

    def _of_clip(self) -> Array:
        """B ‖K‖/tr K, times the largest probability of a clipped step (Markov)."""
        power = 2 * self.answer.risk + self.problem.noise.variance
        clipped = np.minimum(power / (self.method.batch * height(self.method) ** 2), 1.0)
        return self.method.batch / self.problem.covariance.intrinsic_dimension * clipped

    def _of_signs(self, start: bool) -> Array:
        """|c| times the share of ρ_i²; NaN where it is not known."""
        found = modes(self.problem, self.method)
        normal = 3 * found.largest_rate / (found.dimension * found.mean_rate)
        first = weighted_rho_squared(self.problem) if start else 0.0
        q = self._left(found) if start else np.zeros_like(self.times)
        share = q**2 * first + (2 * q * (1 - q) + (1 - q) ** 2) * normal
        risks = np.geomspace(*_ends(self.answer.risk), _RISKS)
        curvature = np.abs(self._curvature(risks))
        at = np.log(np.maximum(self.answer.risk, risks[0]))
        return share * np.interp(at, np.log(risks), curvature)

    def _left(self, found: Any) -> Array:
        """The share of the risk that is left of the start."""
        risks = np.maximum(self.answer.risk, 1e-100)
        if np.ptp(self.coefficients.rates(self.times)) == 0:  # signs move with nothing else
            drift = self.coefficients.at(risks)[0]
        else:
            pairs = zip(risks, self.times, strict=True)
            drift = np.array([float(self.coefficients.at(r, float(t))[0]) for r, t in pairs])
        steps = 0.5 * (drift[1:] + drift[:-1]) * np.diff(self.times)
        passed = np.append(0.0, np.cumsum(steps))
        left = np.exp(-np.multiply.outer(passed, found.rates)) @ found.energies
        return np.clip(left / np.maximum(self.answer.risk, 1e-300), 0.0, 1.0)

    def _curvature(self, risks: Array) -> Array:
        """c at increasing risks."""
        if self.method.batch > 1 and self.method.pool == "mean":
            return np.array([self._of_mean(float(risk)) for risk in risks])
        single = 1 / 6 - steepness(self.coefficients, risks) / 3
        if self.method.pool == "each":
            return single
        drift = self.coefficients.at(risks)[0] / (2 * self.coefficients.rates([0.0])[0])
        phi = np.sqrt(2 * risks) * drift / drift_gain(self.method)
        return single - (self.method.batch - 1) / 6 * phi**2

    def _of_mean(self, risk: float) -> float:
        """c of the sign of a mean, through E S^(−k) ∝ ∫ u^(k−1) L(u²)^B du."""
        batch, u = self.method.batch, np.exp(_LOG_U) / math.sqrt(risk)
        law = np.array([self.coefficients.transform(float(x * x), risk) for x in u]) ** batch
        if batch < 3:
            return 0.0
        inverse = float(np.sum(u * law) * 0.125)  # (√π/2) E 1/S
        # (√π/4) (B − 3) E 1/S³, the tail u^(3 − B) included
        cube = float((batch - 3) * np.sum(u**3 * law) * 0.125 + u[-1] ** 3 * law[-1])
        return -risk / 3 * (batch - 2) * 2 * cube / inverse


def _so_far(change: Array, times: Array) -> Array:
    """The mean of a change up to each time, or what it is by then where that is more."""
    areas = 0.5 * (change[1:] + change[:-1]) * np.diff(times)
    passed = np.maximum(times - times[0], 1e-300)
    return np.maximum(change, np.append(0.0, np.cumsum(areas)) / passed)


def _ends(risk: Array) -> tuple[float, float]:
    low = max(float(np.min(risk)), 1e-100)
    return low, max(float(np.max(risk)), low) * (1 + 1e-9)


def steepness(coefficients: Coefficients, risks: Array) -> Array:
    """Return d log φ/d log R at increasing risks; no finite number where A is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        lower, upper = (np.log(coefficients.at(risks * np.exp(h))[0]) for h in (-0.01, 0.01))
        return 0.5 + (upper - lower) / 0.02
