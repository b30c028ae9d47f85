"""From a streaming problem and a method to the curve of their limit."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from ...theory.core.checks import between
from ...theory.core.errors import SolveFailed
from ...theory.core.time_grid import time_grid
from ...theory.methods.base import Method
from ...theory.schedules.following import FollowingRate
from ...theory.schedules.running_quantile import RunningQuantile
from ...theory.schedules.schedule import check_schedules
from ...theory.streaming.derive import bind, derive
from ...theory.streaming.fluctuations import with_covariance
from ...theory.streaming.ingredients import setting
from ...theory.streaming.problem import LeastSquares
from ..core.curve import Curve
from ..core.limits import Limit, Limits, Option, own_options
from .finite_size import is_linear
from .following import solve_following
from .limits import exact, fluctuations, ode, sde, volterra
from .private import solve_private
from .running_threshold import running_limit
from .task import Task
from .together import solve_together
from .validity import explained

_RTOL = Option(
    1e-8, "relative tolerance, 1e-12 to 1e-2; the error of the risk stays within 50 times it"
)


def _with_tolerance(limit: Limit) -> Limit:
    return replace(limit, options={"rtol": _RTOL, **limit.options})


LIMITS: Limits = {
    name: _with_tolerance(module.LIMIT)
    for name, module in (
        ("ode", ode),
        ("fluctuations", fluctuations),
        ("sde", sde),
        ("volterra", volterra),
        ("exact", exact),
    )
}

#: limits that have a road of their own for many cells of a sweep
TOGETHER = {"ode": solve_together}


def solve(
    problem: LeastSquares,
    method: Method,
    until: float | None = None,
    *,
    limit: str | None = None,
    times: Any = None,
    points: int = 101,
    system: Any = None,
    **options: Any,
) -> Curve:
    """Solve the high-dimensional limit of a method on streaming least squares.

    Parameters
    ----------
    problem : LeastSquares
    method : Method
    until : float, optional
        Last time (t = k/d); may be left out where `times` is given.
    limit : str, optional
        One of `LIMITS`; by default "ode", or what the problem prefers for a linear rule.
    times : array_like, optional
        Output times, instead of `points` equal steps from 0 to `until`.
    system : System, optional
        Solved instead of the derived one.
    **options
        Those of the limit, see `LIMITS`.

    Returns
    -------
    Curve
        "risk" and, for noise of finite variance, "loss" = risk + σ²/2. The ODE's diagnostics:
        "finite_size" (announced relative error of the mean), "error_estimate" (of the numerics),
        "drift_sensitivity" and "noise_sensitivity" (∂R/∂log A, ∂R/∂log B). The SDE adds spread
        and samples, and "step_error" and "step_error_spread": what the step costs mean and
        spread, relative to the mean. ``provenance["correction"]`` says which one was used.

    Raises
    ------
    InvalidInput
        An argument out of range.
    NotAvailable, NoLimit
        A limit that this problem and method do not have; an option of another limit.
    SolveFailed
        The integration could not be finished: time, step and risk are given.

    Warns
    -----
    ValidityWarning
        Small d, a localised start, a rate beyond the stability limit: with the size of the
        expected error.
    """
    limit = limit or _preferred(problem, method, system, options)
    own = own_options(LIMITS, limit, options)
    rtol = between("rtol", own.pop("rtol"), 1e-12, 1e-2)
    grid = time_grid(until, times, points)
    if isinstance(method.rate, FollowingRate):
        return solve_following(problem, method, grid, limit, rtol, system)
    if getattr(method, "noise_multiplier", 0.0):
        check_schedules(method, float(grid[-1]))
        return solve_private(problem, method, grid, limit, rtol, system)
    method = _with_schedules(problem, method, float(grid[-1]))
    check_schedules(method, float(grid[-1]))
    noise = "diffusion" in own and (limit == "fluctuations" or own["diffusion"] == "exact")
    noise = noise and math.isfinite(problem.dimension)
    derived = _with_noise(system, problem, method, noise)
    numbers = bind(derived, problem, method)
    task = Task(problem, method, derived, numbers, grid, limit, rtol, given=system)
    try:
        return LIMITS[limit].road(task, **own)
    except SolveFailed as failed:
        raise explained(failed, problem, method) from None


def _preferred(problem: Any, method: Any, system: Any, options: dict[str, Any]) -> str:
    """The limit of a call that names none."""
    wanted: str = problem.linear_limit
    asked = {name for name, value in options.items() if value is not None and value is not False}
    takes = asked <= set(LIMITS[wanted].options) and system is None
    return wanted if wanted != "ode" and takes and is_linear(method) else "ode"


def _with_noise(system: Any, problem: Any, method: Any, noise: bool) -> Any:
    """Return the system, derived where none is given; with a covariance of one step if asked."""
    if system is None:
        return derive(problem, method, limit="fluctuations" if noise else "ode")
    if noise and system.covariance is None:
        return with_covariance(system, setting(problem.noise, method))
    return system


def _with_schedules(problem: Any, method: Any, until: float) -> Any:
    """Return the method with the schedule that a threshold which follows the run has in the
    limit."""
    if not isinstance(getattr(method, "threshold", None), RunningQuantile):
        return method
    return running_limit(problem, method, until)
