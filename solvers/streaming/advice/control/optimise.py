r"""The best schedules for a horizon: min R(T) over η(t), or over the pair (η(t), c(t)).

Quasi-Newton (L-BFGS-B) on the knots of piecewise linear schedules with exact gradients, from
several starts; every result is solved again by the accurate ODE (derived here).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .....theory.core.checks import count, positive
from .....theory.core.errors import NoLimit
from .....theory.core.tabulated import interpolated
from .....theory.methods import SGD, ClippedSGD
from .....theory.schedules.schedule import evaluate
from .....theory.streaming.derive import bind, derive
from .....theory.streaming.problem import LeastSquares
from ...coefficients import Coefficients
from ...compress import binned
from ...ode import solve_ode
from ..schedules import Schedule, schedule_along, with_curve
from .model import ControlModel

Array = NDArray[np.float64]

_RTOL = 1e-9
#: rates looked at, in units of the largest of the start
_RATES = (1e-5, 1e2)
#: stands for log R(T) where it overflows
_WALL = 1e3
_CONSTANT_RATES = np.geomspace(0.02, 1.5, 12)


@dataclass(frozen=True, eq=False)
class Optimum:
    """An optimised schedule.

    Parameters
    ----------
    method : Method
        With the schedule.
    risk : float
        R(T), solved accurately.
    error : float
        Relative error of that number.
    log_rates, log_thresholds : arrays
        At the knots.
    spread : float
        How far, in log R(T), the second best start fell short of the best.
    """

    method: Any
    risk: float
    error: float
    log_rates: Array
    log_thresholds: Array
    spread: float


def solved(problem: Any, method: Any, until: float) -> tuple[float, float]:
    """Return R(T) and its relative error."""
    system = derive(problem, method)
    coefficients = Coefficients.of(system.source, bind(system, problem, method))
    answer = solve_ode(coefficients, binned(problem, method), np.array([0.0, until]), _RTOL)
    return float(answer.risk[-1]), float(answer.error_estimate[-1])


def optimise(
    problem: Any, model: ControlModel, starts: list[tuple[Array, Array]], clips: bool
) -> Optimum:
    """Improve each start and return the best.

    Parameters
    ----------
    starts : list of (log rates, log thresholds)
        At the knots of the schedule; one knot is a constant.
    clips : bool
        Whether the thresholds are free.
    """
    found = sorted((_descend(model, *start, clips) for start in starts), key=lambda one: one[0])
    _, log_rates, log_thresholds = found[0]
    spread = found[1][0] - found[0][0] if len(found) > 1 else 0.0
    method = _method(model, log_rates, log_thresholds, clips)
    risk, error = solved(problem, method, model.until)
    return Optimum(method, risk, error, log_rates, log_thresholds, spread)


def _descend(
    model: ControlModel, log_rates: Array, log_thresholds: Array, clips: bool
) -> tuple[float, Array, Array]:
    from scipy.optimize import minimize

    n = log_rates.size

    def objective(x: Array) -> tuple[float, Array]:
        value, in_rates, in_thresholds = model.value(x[:n], x[n:] if clips else log_thresholds)
        gradient = np.concatenate([in_rates, in_thresholds]) if clips else in_rates
        # a step into divergence is answered by a wall, so that the line search turns back
        return (value, gradient) if np.isfinite(value) else (_WALL, np.zeros(x.size))

    box = [tuple(log_rates.max() + np.log(_RATES))] * n
    start = log_rates
    if clips:
        box += [model.range] * n
        start = np.concatenate([log_rates, np.clip(log_thresholds, *model.range)])
    options = {"maxiter": 2000, "maxfun": 4000, "ftol": 1e-13, "gtol": 1e-9, "maxcor": 30}
    answer = minimize(objective, start, method="L-BFGS-B", jac=True, bounds=box, options=options)
    return float(answer.fun), answer.x[:n], answer.x[n:] if clips else log_thresholds


def _method(model: ControlModel, log_rates: Array, log_thresholds: Array, clips: bool) -> Any:
    rates, thresholds = np.exp(log_rates), np.exp(log_thresholds)
    if rates.size == 1:
        return ClippedSGD(rates[0], thresholds[0]) if clips else SGD(rates[0])
    knots = model.knots(rates.size - 1)
    rate = interpolated(knots, rates)
    return ClippedSGD(rate, interpolated(knots, thresholds)) if clips else SGD(rate)


def best_constants(problem: Any, model: ControlModel, clips: bool) -> Optimum:
    """Return the best constant rate, or pair of constants."""
    scale = 2 / problem.covariance.mean_eigenvalue
    thresholds = np.linspace(*model.range, 12) if clips else np.zeros(1)
    tried = [
        (model.value(np.array([math.log(scale * rate)]), np.array([c]))[0], rate, c)
        for rate in _CONSTANT_RATES
        for c in thresholds
    ]
    starts = [
        (np.array([math.log(scale * rate)]), np.array([c])) for _, rate, c in sorted(tried)[:3]
    ]
    return replace(optimise(problem, model, starts, clips), spread=0.0)


def sampled(model: ControlModel, schedule: Schedule, pieces: int) -> tuple[Array, Array]:
    """Return a schedule at the knots, as a start."""
    knots = model.knots(pieces)
    unclipped = schedule.threshold == math.inf
    thresholds = np.inf if unclipped else evaluate(schedule.threshold, knots)
    middle = np.clip(np.log(thresholds), *model.range) + np.zeros(knots.size)
    return np.log(np.maximum(evaluate(schedule.rate, knots), 1e-12)), middle


def refined(model: ControlModel, optimum: Optimum, pieces: int) -> tuple[Array, Array]:
    """Return an optimum on more knots, as a start."""
    coarse, fine = model.knots(optimum.log_rates.size - 1), model.knots(pieces)
    return (
        np.interp(fine, coarse, optimum.log_rates),
        np.interp(fine, coarse, optimum.log_thresholds),
    )


def optimal_schedule(
    problem: LeastSquares, until: float, *, clip: bool = True, pieces: int = 48
) -> Schedule:
    """Return the schedule of least risk at the horizon.

    Parameters
    ----------
    problem : LeastSquares
    until : float
        Horizon T, t = k/d.
    clip : bool
        Over pairs of a rate and a threshold; otherwise over rates of unclipped SGD.
    pieces : int
        Pieces of the piecewise linear schedules.

    Raises
    ------
    NoLimit
        Unclipped SGD under noise of infinite variance.

    Examples
    --------
    >>> import limitlab as ll
    >>> problem = ll.LeastSquares(ll.isotropic(100), ll.Gaussian(0.5))
    >>> found = ll.optimal_schedule(problem, 1.0, clip=False, pieces=2)
    >>> bool(found.curve["risk"][-1] < 0.6)
    True
    """
    horizon, pieces = positive("until", until), count("pieces", pieces, 2)
    if not clip and not math.isfinite(float(problem.noise.variance)):
        raise NoLimit("noise", problem.noise, "unclipped SGD has no limit; use clip=True")
    greedy = schedule_along(problem, horizon, threshold="best" if clip else math.inf)
    model = ControlModel.of(problem, horizon, float(greedy.curve.risk[-1]), clip)
    constant = best_constants(problem, model, clip)
    flat = (np.full(pieces + 1, part[0]) for part in (constant.log_rates, constant.log_thresholds))
    best = optimise(problem, model, [sampled(model, greedy, pieces), (*flat,)], clip)  # type: ignore
    return with_curve(problem, best.method, horizon)
