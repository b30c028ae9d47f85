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
from ....theory.methods.base import Method
from ....theory.schedules.running_quantile import RunningQuantile
from ....theory.schedules.schedule import evaluate
from ....theory.streaming.derive import bind, derive
from ....theory.streaming.problem import LeastSquares
from ...core.curve import Curve
from ...solve import solve
from ..coefficients import Coefficients
from ..compress import binned
from ..feedback import GreedyRate, follow, small_spectrum
from ..moving_threshold import MovingThreshold
from ..running_threshold import (
    Rate,
    Running,
    clipped_along,
    clipped_spectrum,
    risk_of,
    tabulated,
)
from .schedule_rules import Level, rate_of_state, threshold_of_risk

Array = NDArray[np.float64]

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


def greedy(
    problem: LeastSquares, method: Method, until: float, *, objective: str = "risk"
) -> Schedule:
    """Return the rate schedule that decreases the objective fastest at every moment.

    Parameters
    ----------
    problem : LeastSquares
    method : Method
        Its rate is replaced; what else it has must be constant in time.
    until : float
        Horizon, t = k/d.
    objective : {"risk", "distance"}

    Raises
    ------
    InvalidInput, InvalidType
        A horizon that is not positive; another objective.
    NotAvailable
        What else the method has depends on time.

    Examples
    --------
    >>> import limitlab as ll
    >>> found = ll.greedy(ll.LeastSquares(ll.isotropic(1000), ll.NoNoise()), ll.SGD(0.1), 2.0)
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
        a, b = (float(part) for part in coefficients.at(risk_of(y)))
        return rate(y, a, b), a, b, extra

    times, energies, _ = follow(spectrum, horizon, law, np.empty(0))
    rates = np.array([law(0.0, y, np.empty(0))[0] for y in energies])
    return with_curve(problem, tabulated(method, times, rate=rates), horizon)


def schedule_along(
    problem: LeastSquares, until: float, *, rate: Any = "greedy", threshold: Any = "best"
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

    Examples
    --------
    >>> import limitlab as ll
    >>> problem = ll.LeastSquares(ll.isotropic(100), ll.StudentT(df=3, scale=0.5))
    >>> found = ll.schedule_along(problem, 0.5, rate=0.4, threshold=ll.ProportionalThreshold(1.5))
    >>> round(float(found.curve["risk"][-1]), 4)
    0.7647
    """
    return with_curve(problem, along(problem, until, rate, threshold), until)


def along(problem: Any, until: float, rate: Any, threshold: Any) -> Any:
    """Return the method whose schedules follow the state, as `schedule_along` does."""
    horizon, clipping = positive("until", until), MovingThreshold(problem)
    spectrum = clipped_spectrum(problem)
    rule = rate_of_state(clipping, spectrum, rate)
    if isinstance(threshold, RunningQuantile):
        return clipped_along(spectrum, Running(clipping, rule, threshold), horizon)
    law = _Clipped(clipping, rule, threshold_of_risk(clipping, threshold))
    return clipped_along(spectrum, law, horizon)


@dataclass(frozen=True, eq=False)
class _Clipped:
    """Clipped SGD whose threshold is a function of the risk."""

    clipping: MovingThreshold
    rate: Rate
    level: Level

    start = np.empty(0)

    def threshold(self, y: Array, extra: Array) -> float:
        return self.level(risk_of(y))

    def __call__(self, t: float, y: Array, extra: Array) -> tuple[float, float, float, Array]:
        c = self.threshold(y, extra)
        a, b = (float(part) for part in self.clipping.coefficients(risk_of(y), c))
        return self.rate(t, y, c, a, b), a, b, self.start


def with_curve(problem: Any, method: Any, until: float) -> Schedule:
    """Solve the limit under the schedules of a method, which its curve then holds too."""
    curve = solve(problem, method, until, rtol=_RTOL)
    quantities = {
        name: evaluate(getattr(method, name), curve.time)
        for name in ("rate", "threshold")
        if hasattr(method, name)
    }
    return Schedule(method, replace(curve, values={**curve.values, **quantities}))
