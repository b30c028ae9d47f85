r"""Schedules that follow the state of their own limit: greedy rates, thresholds c(R).

The state is followed once, and what it decides becomes schedules in t, good for theory and
simulation alike (criteria of arXiv 2406.11733; derived here).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....theory.core.checks import positive
from ....theory.core.errors import NotAvailable
from ....theory.core.tabulated import interpolated
from ....theory.methods import SGD, ClippedSGD
from ....theory.schedules.running_quantile import RunningQuantile
from ....theory.schedules.schedule import evaluate
from ....theory.streaming.derive import bind, derive
from ...core.curve import Curve
from ...solve import solve
from ..coefficients import Coefficients
from ..compress import binned
from .clipping.coefficients import MovingThreshold
from .feedback import GreedyRate, follow, knots, small_spectrum
from .schedule_rules import Level, Rate, rate_of_state, threshold_of_risk

Array = NDArray[np.float64]

KNOTS = 65
#: of the curve, whose schedules have kinks
_RTOL = 1e-6


@dataclass(frozen=True, eq=False)
class Schedule:
    """A schedule and what comes of it.

    Attributes
    ----------
    method : Method
        With the schedules in t, for `solve` and `simulate`.
    curve : Curve
        Its limit, with the quantities "rate" and, where it clips, "threshold".
    """

    method: Any
    curve: Curve

    @property
    def rate(self) -> Any:
        """η(t)."""
        return self.method.rate

    @property
    def threshold(self) -> Any:
        """c(t); infinite where nothing is clipped."""
        return getattr(self.method, "threshold", math.inf)


def greedy(problem: Any, method: Any, until: float, *, objective: str = "risk") -> Schedule:
    """Return the rate schedule that decreases the objective fastest at every moment.

    Parameters
    ----------
    problem : LeastSquares
    method : Method
        Its rate is replaced; what else it has must be constant in time.
    until : float
        Horizon, t = k/d.
    objective : {"risk", "distance"}

    Examples
    --------
    >>> from limitlab.theory.covariance import isotropic
    >>> from limitlab.theory.streaming.problem import LeastSquares
    >>> from limitlab.theory.noise import NoNoise
    >>> found = greedy(LeastSquares(isotropic(1000), NoNoise()), SGD(0.1), 2.0)
    >>> [round(float(x), 6) for x in found.curve["rate"][[0, -1]]]
    [1.0, 1.0]
    """
    horizon = positive("until", until)
    unit = replace(method, rate=1.0)
    system = derive(problem, unit)
    coefficients = Coefficients.of(system.source, bind(system, problem, unit))
    spectrum = small_spectrum(binned(problem, unit))
    rate = GreedyRate.of(spectrum, objective)

    def law(t: float, y: Array, extra: Array) -> tuple[float, float, float, Array]:
        a, b = (float(part) for part in coefficients.at(_risk(y)))
        return rate(y, a, b), a, b, extra

    times, energies, _ = follow(spectrum, horizon, law, np.empty(0))
    rates = np.array([law(0.0, y, np.empty(0))[0] for y in energies])
    return with_curve(problem, _tabulated(method, times, rate=rates), horizon)


def schedule_along(
    problem: Any, until: float, *, rate: Any = "greedy", threshold: Any = "best"
) -> Schedule:
    """Return the schedule of clipped SGD that follows the state of its own limit.

    Parameters
    ----------
    problem : LeastSquares
    until : float
        Horizon, t = k/d.
    rate : "greedy", "greedy-distance", MatchedDrift, number or schedule
        Greedy: the steepest decrease of the risk, or of the distance to the target. Matched: the
        drift of unclipped SGD.
    threshold : "best", FixedFraction, ProportionalThreshold, RunningQuantile or number
        Best: the largest μ²/ν at the present risk. ``inf`` is unclipped SGD.

    Returns
    -------
    Schedule

    Raises
    ------
    InvalidInput, InvalidType
        An unknown rule.
    NoLimit
        A threshold in units of √P, or none, under noise of infinite variance.
    """
    return with_curve(problem, along(problem, until, rate, threshold), until)


def along(problem: Any, until: float, rate: Any, threshold: Any) -> Any:
    """Return the method whose schedules follow the state, as `schedule_along` does."""
    horizon = positive("until", until)
    clipping = MovingThreshold(problem)
    spectrum = small_spectrum(binned(problem, ClippedSGD(1.0, 1.0)))
    rule = rate_of_state(clipping, spectrum, rate)
    law: _Clipped | _Running
    if isinstance(threshold, RunningQuantile):
        law = _Running(clipping, rule, threshold)
    else:
        law = _Clipped(clipping, rule, threshold_of_risk(clipping, threshold))
    times, energies, extra = follow(spectrum, horizon, law, law.start)
    rates = np.array([law(*row)[0] for row in zip(times, energies, extra, strict=True)])
    thresholds = np.array([law.threshold(*row) for row in zip(energies, extra, strict=True)])
    if np.isinf(thresholds).all():
        return _tabulated(SGD(1.0), times, rate=rates)
    return _tabulated(ClippedSGD(1.0, 1.0), times, rate=rates, threshold=thresholds)


@dataclass(frozen=True, eq=False)
class _Clipped:
    """Clipped SGD whose threshold is a function of the risk."""

    clipping: MovingThreshold
    rate: Rate
    level: Level

    start = np.empty(0)

    def threshold(self, y: Array, extra: Array) -> float:
        return self.level(_risk(y))

    def __call__(self, t: float, y: Array, extra: Array) -> tuple[float, float, float, Array]:
        c = self.threshold(y, extra)
        a, b = (float(part) for part in self.clipping.coefficients(_risk(y), c))
        return self.rate(t, y, c, a, b), a, b, self.start


@dataclass(frozen=True, eq=False)
class _Running:
    """Clipped SGD whose threshold is a running quantile; log c is integrated beside the modes."""

    clipping: MovingThreshold
    rate: Rate
    quantile: RunningQuantile

    @property
    def start(self) -> Array:
        return np.array([math.log(self.quantile.start)])

    def threshold(self, y: Array, extra: Array) -> float:
        return math.exp(extra[0])

    def __call__(self, t: float, y: Array, extra: Array) -> tuple[float, float, float, Array]:
        R, c = _risk(y), self.threshold(y, extra)
        a, b = (float(part) for part in self.clipping.coefficients(R, c))
        unclipped = np.atleast_1d(self.clipping.at(R, c)[0])
        slope = self.quantile.gain * (self.quantile.fraction - unclipped)
        return self.rate(t, y, c, a, b), a, b, slope


def _risk(y: Array) -> float:
    return max(float(y.sum()), 1e-300)


def running_limit(problem: Any, method: Any, until: float) -> Any:
    """Return clipped SGD with the schedule that its running quantile has in the limit.

    Raises
    ------
    NotAvailable
        A batch above 1.
    """
    if method.batch > 1:
        remedy = "the limit of a running threshold is derived for batch = 1"
        raise NotAvailable("batch", method.batch, remedy)
    return along(problem, until, method.rate, method.threshold)


def _tabulated(method: Any, times: Array, **fields: Array) -> Any:
    """Turn what the state decided into schedules in t."""
    chosen = knots(times, *fields.values(), count=KNOTS)
    tables = {name: interpolated(times[chosen], row[chosen]) for name, row in fields.items()}
    return replace(method, **tables)


def with_curve(problem: Any, method: Any, until: float) -> Schedule:
    """Solve the limit under the schedules of a method, which its curve then holds too."""
    curve = solve(problem, method, until, rtol=_RTOL)
    quantities = {
        name: evaluate(getattr(method, name), curve.time)
        for name in ("rate", "threshold")
        if hasattr(method, name)
    }
    return Schedule(method, replace(curve, values={**curve.values, **quantities}))
