r"""The limit of a threshold that follows a quantile: clipped SGD with a threshold c(t).

Beside the modes :math:`\frac d{dt}\log c=\gamma\,(p-\mu_c(R))` is integrated
(:mod:`limitlab.theory.schedules.running_quantile`; derived here).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...theory.core.derivation import Derivation
from ...theory.core.errors import NotAvailable
from ...theory.core.tabulated import interpolated
from ...theory.methods import SGD, ClippedSGD
from ...theory.schedules.running_quantile import RunningQuantile, quantile_limit
from ...theory.schedules.schedule import as_schedule, evaluate
from .compress import Spectrum, binned
from .feedback import follow, knots, small_spectrum
from .moving_threshold import MovingThreshold

Array = NDArray[np.float64]
#: η(t, y, c, a, b)
Rate = Callable[[float, Array, float, float, float], float]

KNOTS = 65


class ThresholdLaw(Protocol):
    """What the state decides for clipped SGD: a `feedback.Law` that tells its threshold."""

    @property
    def start(self) -> Array:
        """What is integrated beside the modes, at its start."""

    def threshold(self, y: Array, extra: Array) -> float:
        """Return c."""

    def __call__(self, t: float, y: Array, extra: Array) -> tuple[float, float, float, Array]:
        """Return η, a, b and the slope of what is integrated beside the modes."""


@dataclass(frozen=True, eq=False)
class Running:
    """Clipped SGD whose threshold is a running quantile; log c is integrated beside the modes."""

    clipping: MovingThreshold
    rate: Rate
    quantile: RunningQuantile
    theory: Derivation = field(default_factory=quantile_limit)

    @property
    def start(self) -> Array:
        return np.array([math.log(self.quantile.start)])

    def threshold(self, y: Array, extra: Array) -> float:
        return math.exp(extra[0])

    def __call__(self, t: float, y: Array, extra: Array) -> tuple[float, float, float, Array]:
        R, c = risk_of(y), self.threshold(y, extra)
        a, b = (float(part) for part in self.clipping.coefficients(R, c))
        unclipped = np.atleast_1d(self.clipping.at(R, c)[0])
        given = {"gamma": self.quantile.gain, "p": self.quantile.fraction}
        slope = self.theory.functions["log_c_slope"](mu_c=unclipped, **given)
        return self.rate(t, y, c, a, b), a, b, slope


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
    law = Running(MovingThreshold(problem), rate_in_time(method.rate), method.threshold)
    return clipped_along(clipped_spectrum(problem), law, until)


def clipped_spectrum(problem: Any) -> Spectrum:
    """Return the modes on which clipped SGD is followed."""
    return small_spectrum(binned(problem, ClippedSGD(1.0, 1.0)))


def rate_in_time(rate: Any) -> Rate:
    """Return a number or a schedule as a rate of time and state."""
    given = as_schedule(rate, "rate")
    return lambda t, y, c, a, b: float(evaluate(given, t))


def clipped_along(spectrum: Spectrum, law: ThresholdLaw, until: float) -> Any:
    """Return the method with the schedules in t that a law decides along its own limit."""
    times, energies, extra = follow(spectrum, until, law, law.start)
    rates = np.array([law(*row)[0] for row in zip(times, energies, extra, strict=True)])
    thresholds = np.array([law.threshold(*row) for row in zip(energies, extra, strict=True)])
    if np.isinf(thresholds).all():
        return tabulated(SGD(1.0), times, rate=rates)
    return tabulated(ClippedSGD(1.0, 1.0), times, rate=rates, threshold=thresholds)


def tabulated(method: Any, times: Array, **fields: Array) -> Any:
    """Turn what the state decided into schedules in t."""
    chosen = knots(times, *fields.values(), count=KNOTS)
    tables = {name: interpolated(times[chosen], row[chosen]) for name, row in fields.items()}
    return replace(method, **tables)


def risk_of(y: Array) -> float:
    """Return R > 0 of the mode energies."""
    return max(float(y.sum()), 1e-300)
