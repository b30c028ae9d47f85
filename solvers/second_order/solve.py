"""solve for QuadraticRegression: T1, T2, gradient flow and the limiting SDE."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.checks import choice, count, positive
from ...theory.core.errors import InvalidInput, NotAvailable, ValidityWarning
from ...theory.core.time_grid import time_grid, whole_steps
from ...theory.schedules.schedule import check_schedules
from ..core.curve import Curve
from ..core.options import own_options
from ..core.runs import each, ensemble
from .arguments import Request, Seed
from .finite_parameters import ORIGIN, announced, remarks
from .fixed_data import solve_fixed_data
from .flow import solve_flow
from .motion import QUANTITIES
from .proportional import proportional_curve
from .sde import sde_curve

Array = NDArray[np.float64]

#: the options of each limit, with their defaults
OPTIONS: dict[str, dict[str, Any]] = {
    "fixed-data": {"system": None, "masks": None, "mask_samples": 16},
    "proportional": {"system": None, "pilot_runs": 0},
    "flow": {"rtol": 1e-5},
    "sde": {"noise": "full", "paths": 100, "step": None},
}
LIMITS = tuple(OPTIONS)
#: κg²|z|² above which T1 no longer describes one large but finite P
CHAOTIC = 1.0


def solve(
    problem: Any,
    method: Any,
    until: float | None = None,
    *,
    limit: str = "fixed-data",
    times: Any = None,
    points: int = 101,
    system: Any = None,
    masks: Any = None,
    mask_samples: int | None = None,
    pilot_runs: int | None = None,
    rtol: float | None = None,
    noise: str | None = None,
    paths: int | None = None,
    step: float | None = None,
    seed: Seed = None,
    workers: int | None = None,
    progress: bool | None = None,
) -> Curve:
    """Solve a limit of second-order regression.

    Parameters
    ----------
    problem : QuadraticRegression
    method : GradientDescent or SGD
        Without momentum.
    until : float, optional
        Number of steps; for "flow" and "sde" the last flow time τ = (rate/D) · steps. May be left
        out where `times` is given.
    limit : {"fixed-data", "proportional", "flow", "sde"}
        "fixed-data" (T1): P → ∞ at fixed D and κ, deterministic for given masks, which are
        averaged outside. "proportional" (T2): D, P → ∞ at fixed D/P; no sharpness. "flow": T1 with
        vanishing steps. "sde": paths of the limiting SDE at this P, each with its own curvature.
    times, points : array_like, int
        Output times, or how many equal ones from 0; steps are whole numbers.
    system : Recursion, optional
        Solved instead of the derived one ("fixed-data" and "proportional").
    masks : (steps, D) array_like, optional
        "fixed-data" only: these batches, instead of sampled ones.
    mask_samples : int
        "fixed-data" only: how many sequences of batches are sampled; 16 by default.
    pilot_runs : int
        "proportional" only: with 20 or more, the spread of one run at this P, from so many runs
        at a small P and the law 1/√P of the scatter of log loss.
    rtol : float
        "flow" only; 1e-5 by default.
    noise : {"full", "homogenised"}
        "sde" only: noise of an example as strong as its residual (default), or the same for all.
    paths, step : int, float
        "sde" only: how many (100 by default), and the step in flow time.
    seed : int, SeedSequence or None
        Sample k draws from (entropy, spawn_key + (k,)).
    workers, progress
        Threads change no bit of the result.

    Returns
    -------
    Curve
        "loss" = |z|²/(2D), "sharpness" = λ_max(JJᵀ)/D (the edge is rate · sharpness = 2),
        "overlap" = u₁ᵀJv₁ with the top mode of the start, which is *not* the top singular value,
        and "isotropic" = κ|θ|²/D: sharpness − isotropic is λ_max(JJᵀ − κ|θ|²I)/D. For
        "proportional": "loss", "isotropic" and "bulk_edge". NaN from where a run has diverged,
        which ``provenance["diverged"]`` tells. "fixed-data" announces in its diagnostics how far
        means at this P are off: "finite_size" of the loss, "finite_size_sharpness".

    Raises
    ------
    InvalidInput, NotAvailable
        Bad input; momentum; an option of another limit, or `mask_samples` beside `masks`; the
        SDE at or beyond the edge of stability, or of a curvature above 4 GiB.

    Warns
    -----
    ValidityWarning
        T1 in its chaotic range, or at a P where its sharpness is off by more than 10 %; the SDE
        of a coarse step.
    """
    choice("limit", limit, LIMITS)
    own = own_options(
        OPTIONS, limit, system=system, masks=masks, mask_samples=mask_samples,
        pilot_runs=pilot_runs, rtol=rtol, noise=noise, paths=paths, step=step,
    )  # fmt: skip
    if masks is not None and mask_samples is not None:
        raise NotAvailable("mask_samples", mask_samples, "masks= is one sequence; leave it out")
    ask = Request.of(problem, method, seed)
    threads: dict[str, Any] = {"workers": workers, "progress": progress}
    if limit == "flow":
        return _flow(ask, time_grid(until, times, points), positive("rtol", own["rtol"]))
    if limit == "sde":
        homogenised = choice("noise", own["noise"], ("full", "homogenised")) == "homogenised"
        grid, wanted = time_grid(until, times, points), count("paths", own["paths"], 2)
        step = None if step is None else positive("step", step)
        return sde_curve(ask, grid, step, homogenised, paths=wanted, **threads)
    steps = whole_steps(until, times, points)
    check_schedules(method, float(steps[-1]))
    if limit == "proportional":
        pilots = count("pilot_runs", own["pilot_runs"], 0)
        return proportional_curve(ask, steps, system, pilots, **threads)
    sets = ask.mask_sets(int(steps[-1]), masks, count("mask_samples", own["mask_samples"]))
    return _fixed_data(ask, steps, sets, system, **threads)


def tangent_kernels(
    problem: Any, method: Any, times: Sequence[int], *, masks: Any = None, seed: Seed = None
) -> Array:
    """Return the NTK Θ(t) = JJᵀ of T1 at the given steps, (T, D, D), for one sequence of masks.

    Parameters
    ----------
    problem : QuadraticRegression
    method : GradientDescent or SGD
    times : sequence of int
        Steps, increasing.
    masks : (steps, D) array_like, optional
    seed : int, SeedSequence or None
        Of the batches, where they are not given.

    Examples
    --------
    >>> from limitlab import SGD, QuadraticRegression
    >>> problem = QuadraticRegression(2, 50, 0.3, [[2, 0.5], [0.5, 1]], [1, -0.5])
    >>> batches = [[1, 0], [0, 1]] * 3
    >>> kernel = tangent_kernels(problem, SGD(0.2), [6], masks=batches)[0]
    >>> round(float(np.linalg.eigvalsh(kernel)[-1]), 6)
    2.316345
    """
    ask = Request.of(problem, method, seed)
    steps = whole_steps(None, times)
    (chosen,) = ask.mask_sets(int(steps[-1]), masks, 1)
    solution = solve_fixed_data(problem, ask.prefactors(int(steps[-1])), chosen)
    wanted = np.asarray(times, dtype=int)
    lost = solution.stopped
    if lost is not None and wanted[-1] >= lost:
        raise InvalidInput("times", times, f"diverged at step {lost}; ask for earlier steps")
    return np.stack([solution.kernel(int(t))[0] for t in wanted])


def _fixed_data(
    ask: Request,
    steps: NDArray[np.int64],
    sets: list[Array],
    system: Any,
    workers: int | None,
    progress: bool | None,
) -> Curve:
    rates = ask.prefactors(int(steps[-1]))

    def one(k: int) -> tuple[Array, Array, int | None]:
        solution = solve_fixed_data(ask.problem, rates, sets[k], system)
        values = np.array([solution.observe(int(t)) for t in steps]).T
        return values, announced(solution, steps, ask.problem.parameters), solution.stopped

    found = each(one, len(sets), workers, progress)
    runs = [(values, stopped) for values, _, stopped in found]
    errors = np.mean([error for _, error, _ in found], axis=0)
    said = _about_chaos(ask.problem, rates, np.stack([values[0] for values, _ in runs]))
    provenance = ask.provenance(
        "solve",
        limit="fixed-data",
        mask_samples=len(sets),
        remarks=said + remarks(errors, steps, ask.problem.parameters),
        finite_size_origin=ORIGIN,
    )
    label = f"{ask.method.label}, P → ∞"
    curve = ensemble(steps.astype(float), QUANTITIES, runs, label, provenance, steps=steps)
    sizes = {"finite_size": errors[0], "finite_size_sharpness": errors[1]}
    return replace(curve, diagnostics={**curve.diagnostics, **sizes})


def _about_chaos(problem: Any, rates: Array, losses: Array) -> list[str]:
    z_squared = 2 * problem.data * np.nanmax(losses)
    drive = problem.kappa * float(rates.max()) ** 2 * z_squared
    if drive <= CHAOTIC:
        return []
    remark = f"κg²|z|² reaches {drive:.3g} > 1: a finite P departs from T1 by more than 1/√P"
    warnings.warn(remark, ValidityWarning, stacklevel=6)
    return [remark]


def _flow(ask: Request, grid: Array, rtol: float) -> Curve:
    values, error, stopped = solve_flow(ask.problem, grid, rtol)
    said = [] if ask.batches.full else ["the flow has no batches: it is that of full gradients"]
    provenance = ask.provenance(
        "solve", limit="flow", rtol=rtol, error_estimate=error, remarks=said
    )
    return ensemble(grid, QUANTITIES, [(values, stopped)], "gradient flow, P → ∞", provenance)
