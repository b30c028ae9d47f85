"""From a streaming problem and a method to the curve of their limit."""

from __future__ import annotations

import math
from typing import Any

from ..theory.checks import count, positive
from ..theory.errors import InvalidInput, NotAvailable
from ..theory.schedule import check_schedules
from ..theory.streaming import bind, derive_streaming
from ..theory.time_grid import time_grid
from . import validity
from .coefficients import Coefficients
from .compress import binned
from .curve import Curve
from .ensemble import sde_risk
from .finite_size import finite_size
from .mode_curves import mode_fields
from .ode import solve_ode
from .results import ensemble_curve, ode_curve, provenance_of, seed_text
from .sde import Seed, root_of
from .volterra import solve_volterra

LIMITS = ("ode", "sde", "volterra")
DIFFUSIONS = ("exact", "published")


def solve_streaming(
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
) -> Curve:
    """Solve the high-dimensional limit of a method on streaming least squares.

    Parameters
    ----------
    problem : LeastSquares
    method : Method
    until : float, optional
        Last time (t = k/d); may be left out where `times` is given.
    limit : {"ode", "sde", "volterra"}
        The risk ODE, an ensemble of paths of the limiting SDE, or the Volterra equation of the
        risk: the curve of the ODE by another road.
    times : array_like, optional
        Output times, instead of `points` equal steps from 0 to `until`.
    system : System, optional
        Solved instead of the derived one.
    rtol : float
        Relative tolerance, 1e-12 to 1e-2; the error of the risk stays within 50 times it.
    diffusion : {"exact", "published"}
        SDE only. Exact: the one-step covariance; published: the one-step second moment, as in the
        papers. SGD and clipped SGD have the published one so far.
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

    Returns
    -------
    Curve
        "risk" and, for noise of finite variance, "loss" = risk + σ²/2. The ODE's diagnostics:
        "finite_size" (announced relative error of the mean), "error_estimate" (of the numerics),
        "drift_sensitivity" and "noise_sensitivity" (∂R/∂log A, ∂R/∂log B). The SDE adds spread
        and samples.

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
    if modes and limit == "sde":
        raise NotAvailable("modes", modes, 'paths are of the risk; use limit="ode" or "volterra"')
    rtol, paths = _between("rtol", rtol, 1e-12, 1e-2), count("paths", paths, 2)
    step = None if step is None else positive("step", step)
    workers = None if workers is None else count("workers", workers)
    root_of(seed)
    grid = time_grid(until, times, points)
    check_schedules(method, float(grid[-1]))
    system = derive_streaming(problem, method) if system is None else system
    coefficients = Coefficients.of(system.source, bind(system, problem, method))
    road = solve_volterra if limit == "volterra" else solve_ode
    answer = road(coefficients, binned(problem, method), grid, rtol)
    announced = finite_size(problem, method, grid, answer.risk)
    remarks = validity.remarks(problem, method, grid, announced)
    validity.warn(remarks)
    provenance = provenance_of(problem, method, limit, remarks)
    provenance |= {
        "rtol": rtol,
        "finite_size_origin": announced.origin,
        "modes_integrated": answer.nodes,
    }
    if limit != "sde":
        fields = mode_fields(problem, method, coefficients, grid, rtol) if modes else {}
        return ode_curve(problem, method, grid, answer, announced.relative, provenance, fields)
    risk = sde_risk(
        problem,
        method,
        coefficients,
        (grid, answer.risk),
        exact=diffusion == "exact",
        step=step,
        paths=paths,
        seed=seed,
        workers=workers,
        progress=progress,
    )
    provenance |= {"diffusion": diffusion, "paths": paths, "seed": seed_text(seed)}
    return ensemble_curve(problem, method, grid, risk, announced.relative, provenance)


def _between(field: str, value: Any, low: float, high: float) -> float:
    number = positive(field, value)
    if not low <= number <= high:
        raise InvalidInput(field, value, f"give a number from {low:g} to {high:g}")
    return number


def _check_limit(limit: str, diffusion: str, method: Any, problem: Any) -> None:
    available = " or ".join(f'"{name}"' for name in LIMITS)
    if limit == "fluctuations":
        raise NotAvailable("limit", limit, f"not derived yet; available here: {available}")
    if limit not in LIMITS:
        raise InvalidInput("limit", limit, f"give {available}")
    if diffusion not in DIFFUSIONS:
        raise InvalidInput("diffusion", diffusion, 'give "exact" or "published"')
    if method.batch > 1:
        remedy = f"the limits ({available}) are derived for batch = 1 only so far"
        raise NotAvailable("batch", method.batch, remedy)
    if limit != "sde":
        return
    if math.isinf(problem.dimension):
        raise NotAvailable(
            "limit", limit, 'an SDE needs a finite dimension; at d = ∞ there is "ode"'
        )
    if diffusion == "exact" and method.acts_on != "coordinate":
        remedy = 'arrives with the fluctuation equations; use diffusion="published"'
        raise NotAvailable("diffusion", diffusion, remedy)
