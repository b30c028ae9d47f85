"""From a streaming problem and a method to the curve of their limit."""

from __future__ import annotations

import math
from typing import Any

from ...theory.core.checks import between, count, positive
from ...theory.core.errors import InvalidInput, NotAvailable
from ...theory.core.time_grid import time_grid
from ...theory.schedules.running_quantile import RunningQuantile
from ...theory.schedules.schedule import check_schedules
from ...theory.streaming.derive import bind, derive
from ...theory.streaming.fluctuations import with_covariance
from ...theory.streaming.ingredients import setting
from ..core.curve import Curve
from ..core.provenance import seed_text
from ..core.random import seed_sequence
from . import validity
from .coefficients import Coefficients
from .compress import binned
from .corrections import Limit, check_correction
from .ensemble import sde_risk
from .exact_mean import exact_fields
from .finite_size import finite_size
from .fluctuations import solve_fluctuations
from .mode_curves import mode_fields
from .ode import solve_ode
from .results import ensemble_curve, ode_curve, provenance_of, with_spread
from .sde import Seed
from .volterra import solve_volterra

LIMITS = ("ode", "fluctuations", "sde", "volterra", "exact")
DIFFUSIONS = ("exact", "published")


def solve(
    problem: Any,
    method: Any,
    until: float | None = None,
    *,
    limit: str = "ode",
    times: Any = None,
    points: int = 101,
    system: Any = None,
    rtol: float = 1e-8,
    diffusion: str = "exact",
    paths: int = 500,
    seed: Seed = None,
    workers: int | None = None,
    progress: bool | None = None,
    step: float | None = None,
    modes: bool = False,
    correction: str | None = None,
) -> Curve:
    """Solve the high-dimensional limit of a method on streaming least squares.

    Parameters
    ----------
    problem : LeastSquares
    method : Method
    until : float, optional
        Last time (t = k/d); may be left out where `times` is given.
    limit : {"ode", "fluctuations", "sde", "volterra", "exact"}
        The risk ODE; the same with the linear-noise spread of one run at this d; an ensemble of
        paths of the limiting SDE; or the Volterra equation of the risk: the curve of the ODE by
        another road. "exact" is the mean of unclipped SGD at this d, at whole steps.
    times : array_like, optional
        Output times, instead of `points` equal steps from 0 to `until`.
    system : System, optional
        Solved instead of the derived one.
    rtol : float
        Relative tolerance, 1e-12 to 1e-2; the error of the risk stays within 50 times it.
    diffusion : {"exact", "published"}
        Fluctuations and SDE. Exact: the one-step covariance; published: the one-step second
        moment, as in the papers.
    paths : int
        Paths of the SDE.
    seed : int, SeedSequence or None
        Path k uses (entropy, spawn_key + (k,)).
    workers : int, optional
        Threads; results do not depend on it.
    progress : bool, optional
        Show progress; None: on a terminal.
    step : float, optional
        Largest step of the SDE. By default the risk of the ODE changes by about 2 % in one step,
        which is at most 1/200 of the horizon and, for the exact diffusion, a quarter of the
        fastest relaxation time.
    modes : bool
        Also return each mode's energy (time × mode), as ``curve["modes"]``; not for the SDE.
    correction : {None, "auto", "split", "exact"}
        For the ODE. None: the limit itself, with a warning where it is off. "split": signSGD
        from localised starts, coordinate by coordinate. "exact": as limit="exact". "auto": one of
        these where the limit is off by more than 1 % (signSGD) or 2 % (unclipped SGD).
        ``provenance["correction"]`` says which was used.

    Returns
    -------
    Curve
        "risk" and, for noise of finite variance, "loss" = risk + σ²/2. The ODE's diagnostics:
        "finite_size" (announced relative error of the mean), "error_estimate" (of the numerics),
        "drift_sensitivity" and "noise_sensitivity" (∂R/∂log A, ∂R/∂log B). The SDE adds spread
        and samples, and "step_error" and "step_error_spread": what the step costs mean and
        spread, relative to the mean.

    Raises
    ------
    InvalidInput
        An argument out of range.
    NotAvailable, NoLimit
        A limit that this problem and method do not have.
    SolveFailed
        The integration could not be finished: time, step and risk are given.

    Warns
    -----
    ValidityWarning
        Small d, a localised start, a rate beyond the stability limit: with the size of the
        expected error.
    """
    _check_limit(limit, diffusion, method, problem)
    wanted = check_correction(correction, limit, modes, system)
    if modes and limit == "sde":
        raise NotAvailable("modes", modes, 'paths are of the risk; use limit="ode" or "volterra"')
    rtol, paths = between("rtol", rtol, 1e-12, 1e-2), count("paths", paths, 2)
    step = None if step is None else positive("step", step)
    workers = None if workers is None else count("workers", workers)
    seed_sequence(seed)
    grid = time_grid(until, times, points)
    method = _with_schedules(problem, method, float(grid[-1]))
    check_schedules(method, float(grid[-1]))
    exact = diffusion == "exact"
    noise = limit == "fluctuations" or (limit == "sde" and exact)
    system = _with_noise(system, problem, method, noise)
    numbers = bind(system, problem, method)
    coefficients = Coefficients.of(system.mean.source, numbers)
    road = solve_volterra if limit == "volterra" else solve_ode
    answer = road(coefficients, binned(problem, method), grid, rtol)
    announced = finite_size(problem, method, grid, answer.risk)
    solved = Limit(problem, method, coefficients, grid, answer, announced, rtol)
    corrected = solved.corrected(wanted)
    grid, answer, announced = corrected.times, corrected.answer, corrected.announced
    remarks = [*validity.remarks(problem, method, grid, announced), *corrected.remarks]
    validity.warn(remarks)
    provenance = provenance_of(problem, method, limit, remarks)
    provenance |= {
        "rtol": rtol,
        "finite_size_origin": announced.origin,
        "modes_integrated": answer.nodes,
        "correction": corrected.name,
        "diagnostics": validity.diagnostics(problem, method, grid),
    }
    noisy = Coefficients.of(system.source, numbers, mean=system.mean.source)
    if limit != "sde":
        fields = {}
        if modes and corrected.name == "exact":
            fields = exact_fields(problem, method, grid)
        elif modes:
            fields = mode_fields(problem, method, coefficients, grid, rtol)
        curve = ode_curve(problem, method, grid, answer, announced.relative, provenance, fields)
        curve = corrected.named(curve, method)
        if limit != "fluctuations":
            return curve
        spread = solve_fluctuations(problem, method, noisy, grid, rtol=rtol, diffusion=diffusion)
        return with_spread(curve, spread, problem.dimension, diffusion)
    risk, errors = sde_risk(
        problem,
        method,
        coefficients,
        noisy,
        (grid, answer.risk),
        exact=exact,
        step=step,
        paths=paths,
        seed=seed,
        workers=workers,
        progress=progress,
    )
    provenance |= {"diffusion": diffusion, "paths": paths, "seed": seed_text(seed)}
    return ensemble_curve(problem, method, grid, risk, announced.relative, provenance, errors)


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
    from .advice.schedules import running_limit

    return running_limit(problem, method, until)



def _check_limit(limit: str, diffusion: str, method: Any, problem: Any) -> None:
    available = " or ".join(f'"{name}"' for name in LIMITS)
    if limit not in LIMITS:
        raise InvalidInput("limit", limit, f"give {available}")
    if diffusion not in DIFFUSIONS:
        raise InvalidInput("diffusion", diffusion, 'give "exact" or "published"')
    if limit not in ("sde", "fluctuations"):
        return
    if math.isinf(problem.dimension):
        remedy = 'fluctuations need a finite dimension; at d = ∞ there is "ode"'
        raise NotAvailable("limit", limit, remedy)
