r"""What the limit of signs and of batches neglects, as a change of its drift: announced along it.

Signs. The mean of a sign is linear in ρ_i to first order; the next one is a relative
:math:`c\rho_i^2` of the drift, with :math:`s=d\log\phi/d\log R` (derived here):

* one sample, and means of signs: :math:`c=\tfrac16-\tfrac s3`;
* a vote of B: that, and :math:`-\tfrac{B-1}6\phi^2`, as the majority saturates;
* the sign of the mean of B: :math:`c=\tfrac12-EW^3/(6EW)`, with |W| at most the norm of B normal
  numbers, so that it lies between c of no signal and :math:`-\tfrac{B-2}6`, up to s/3.

The weight of ρ_i² in the decay of the risk is that of the start, or that of normal coordinates,
3/d⋆, which every run comes to.

Rules on the mean gradient of B samples: its square has a part along Kδ, up to B ‖K‖/tr K of the
whole, by which a clipped step is shorter. Sensitivities turn both into errors of the risk.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...theory.streaming.modes import modes, weighted_rho_squared
from .coefficients import Coefficients
from .ode import OdeAnswer

Array = np.ndarray

#: largest φ² = 4/π² of a sign's mean: the vote's part of c
_VOTE = 4 / np.pi**2
#: relative change of the drift beyond which its first order says nothing
_LARGEST = 0.5


def neglected(
    problem: Any, method: Any, coefficients: Coefficients, answer: OdeAnswer, times: Array,
    start: bool = True,
) -> Array:  # fmt: skip
    """Return the relative error of the risk from what the limit neglects; inf where unknown.

    Parameters
    ----------
    answer : OdeAnswer
        The limit at `times`, with its sensitivities.
    start : bool
        Whether signs of a localised start count; not where they were computed.
    """
    if not np.isfinite(problem.dimension):
        return np.zeros_like(times)
    risk = np.maximum(answer.risk, 1e-300)
    drift, noise = np.abs(answer.drift_sensitivity) / risk, np.abs(answer.noise_sensitivity) / risk
    if method.acts_on == "coordinate":
        change = saturation(problem, method, coefficients, answer.risk, start)
        found = change * drift
    elif method.batch > 1 and method.pool == "mean":
        change = method.batch / problem.covariance.intrinsic_dimension
        found = change * (drift / 2 + noise)
    else:
        return np.zeros_like(times)
    return found if change < _LARGEST else np.where(times > times[0], np.inf, 0.0)


def saturation(
    problem: Any, method: Any, coefficients: Coefficients, risk: Array, start: bool = True
) -> float:
    """Return the largest relative change of the drift of signs that the limit neglects."""
    found = modes(problem, method)
    normal = 3 * found.largest_rate / (found.dimension * found.mean_rate)
    share = max(normal, weighted_rho_squared(problem)) if start else normal
    return share * _curvature(method, steepness(coefficients, risk))


def _curvature(method: Any, s: Array) -> float:
    """Return the largest |c| over values of s."""
    single = float(np.max(np.abs(1 / 6 - s / 3)))
    if method.batch == 1 or method.pool == "each":
        return single
    if method.pool == "both":
        return single + (method.batch - 1) / 6 * _VOTE
    return (max(method.batch - 2, 1) / 6) + float(np.max(np.abs(s))) / 3


def steepness(coefficients: Coefficients, risk: Array) -> Array:
    """Return d log φ/d log R at some risks of a curve, lowest first; no number where A is 0."""
    low = max(float(np.min(risk)), 1e-100)
    risks = np.geomspace(low, max(float(np.max(risk)), low), 9)
    with np.errstate(divide="ignore", invalid="ignore"):
        lower, upper = (np.log(coefficients.at(risks * np.exp(h))[0]) for h in (-0.01, 0.01))
        return 0.5 + (upper - lower) / 0.02
