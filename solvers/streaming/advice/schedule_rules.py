"""What a schedule of clipped SGD can be told to do: rules for the rate and for the threshold."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....theory.core.checks import positive
from ....theory.core.errors import InvalidInput, InvalidType, NoLimit, NotAvailable
from ....theory.methods import ClippedSGD
from ....theory.schedules.running_quantile import open_fraction
from ....theory.schedules.schedule import as_schedule, evaluate
from ....theory.streaming.derive import derive
from ..compress import Spectrum
from ..feedback import GreedyRate
from ..moving_threshold import MovingThreshold
from ..running_threshold import Rate, rate_in_time
from .clipping.thresholds import best_threshold, fraction_threshold, typical_residual

Array = NDArray[np.float64]
#: c(R)
Level = Callable[[float], float]

#: thresholds c(R) are tabulated from twice the start down to this fraction of it
_DEEP, _RISKS = 1e-6, 49
#: where it is best not to clip on a part of the path, c is this many medians of |ℓ| there
_FAR, _NEAR = 100.0, 1e-4
_GREEDY = {"greedy": "risk", "greedy-distance": "distance"}


@dataclass(frozen=True)
class MatchedDrift:
    """The rate η'/μ, at which clipped SGD descends as unclipped SGD does at the rate η'.

    Parameters
    ----------
    rate : float or schedule
        η'.

    Raises
    ------
    InvalidInput, InvalidType
        A rate that is not positive, or no schedule.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.MatchedDrift(0.4).rate
    0.4
    """

    rate: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", as_schedule(self.rate, "rate"))


@dataclass(frozen=True)
class FixedFraction:
    """The threshold c(R) with μ_c(R) = p, that leaves the fraction p of the steps unclipped.

    Parameters
    ----------
    fraction : float
        p in (0, 1).

    Raises
    ------
    InvalidInput
        A fraction outside (0, 1).

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.FixedFraction(0.9).fraction
    0.9
    """

    fraction: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "fraction", open_fraction("fraction", self.fraction))


@dataclass(frozen=True)
class ProportionalThreshold:
    """The threshold c = factor · √P with P = 2R + σ²; needs σ² < ∞.

    Parameters
    ----------
    factor : float
        > 0.

    Raises
    ------
    InvalidInput, InvalidType
        A factor that is not a number > 0.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.ProportionalThreshold(1.5).factor
    1.5
    """

    factor: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "factor", positive("factor", self.factor))


def rate_of_state(clipping: MovingThreshold, spectrum: Spectrum, rate: Any) -> Rate:
    """Return the rate as a function of time and state."""
    if isinstance(rate, str):
        if rate not in _GREEDY:
            remedy = 'give "greedy", "greedy-distance", MatchedDrift(rate), a number or a schedule'
            raise InvalidInput("rate", rate, remedy)
        greedy_rate = GreedyRate.of(spectrum, _GREEDY[rate])
        return lambda t, y, c, a, b: greedy_rate(y, a, b)
    if isinstance(rate, MatchedDrift):
        given = rate.rate
        slope = clipping.at
        return lambda t, y, c, a, b: float(evaluate(given, t) / slope(max(y.sum(), 0.0), c)[0])
    return rate_in_time(rate)


def threshold_of_risk(clipping: MovingThreshold, threshold: Any) -> Level:
    """Return the threshold as a function of the risk."""
    problem = clipping.problem
    if isinstance(threshold, ProportionalThreshold):
        return _proportional(clipping, threshold.factor)
    if isinstance(threshold, FixedFraction):
        return _table(problem, lambda R: fraction_threshold(problem, R, threshold.fraction))
    if isinstance(threshold, str) and threshold == "best":
        return _table(problem, lambda R: best_threshold(problem, R))
    if isinstance(threshold, Real) and not isinstance(threshold, bool):
        return _constant(clipping, float(threshold))
    remedy = 'give "best", FixedFraction, ProportionalThreshold, RunningQuantile, or a number'
    raise InvalidType("threshold", threshold, remedy)


def _constant(clipping: MovingThreshold, c: float) -> Level:
    if math.isinf(c):
        _require_variance(clipping, "unclipped SGD has no limit")
        return lambda R: c
    fixed = positive("threshold", c)
    return lambda R: fixed


def _proportional(clipping: MovingThreshold, factor: float) -> Level:
    _require_variance(clipping, "√P is infinite")
    return lambda R: factor * math.sqrt(float(clipping.at(R, math.inf)[1]))


def _require_variance(clipping: MovingThreshold, why: str) -> None:
    if not math.isfinite(clipping.variance):
        remedy = f'{why} where σ² is infinite; use threshold="best" or FixedFraction'
        raise NoLimit("noise", clipping.problem.noise, remedy)


def _table(problem: Any, of_risk: Callable[[Array], Array]) -> Level:
    """Tabulate c(R) in log R, smoothly and monotonically between the nodes."""
    from scipy.interpolate import PchipInterpolator

    if derive(problem, ClippedSGD(1.0, 1.0)).noise_form == "nodes":
        remedy = "a threshold that moves needs a law with components or a closed density"
        raise NotAvailable("noise", problem.noise, remedy)
    risks = np.geomspace(_DEEP * problem.risk, 2 * problem.risk, _RISKS)
    thresholds = of_risk(risks)
    if np.isinf(thresholds).all():
        return lambda R: math.inf
    median = typical_residual(MovingThreshold(problem), risks)
    bounded = np.clip(thresholds, _NEAR * median, _FAR * median)
    table = PchipInterpolator(np.log(risks), np.log(bounded))
    ends = np.log(risks[[0, -1]])
    return lambda R: math.exp(float(table(min(max(math.log(R), ends[0]), ends[1]))))
