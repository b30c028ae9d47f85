"""solve for QuadraticRegression: T1, T2, gradient flow and the limiting SDE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.checks import choice, count, ensemble_size, positive
from ...theory.core.errors import InvalidInput, InvalidType, NotAvailable
from ...theory.core.time_grid import time_grid, whole_steps
from ...theory.core.warn import warn
from ...theory.methods.base import Method
from ...theory.schedules.schedule import check_schedules
from ...theory.second_order.derive import derivation
from ...theory.second_order.problem import QuadraticRegression
from ..core.curve import Curve
from ..core.limits import THREADS, Limit, Limits, Option, own_options
from ..core.runner import Crew
from ..core.runs import ensemble
from .arguments import Request, Seed
from .finite_parameters import ORIGIN, announced, remarks
from .fixed_data import solve_fixed_data
from .flow import solve_flow
from .motion import QUANTITIES
from .proportional import proportional_curve
from .sde import sde_curve

Array = NDArray[np.float64]

#: κg²|z|² above which T1 no longer describes one large but finite P
CHAOTIC = 1.0


def solve(
    problem: QuadraticRegression,
    method: Method,
    until: float | None = None,
    *,
    limit: str = "fixed-data",
    times: Any = None,
    points: int = 101,
    system: Any = None,
    seed: Seed = None,
    **options: Any,
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
    limit : str
        One of `LIMITS`.
    times, points : array_like, int
        Output times, or how many equal ones from 0; steps are whole numbers.
    system : System, optional
        Solved instead of the derived one: what `derive` returns for this limit, or a changed copy.
    **options
        Those of the limit, see `LIMITS`.

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
    own = own_options(LIMITS, limit, options)
    derived = _checked(system, limit)
    task = Task(Request.of(problem, method, seed), derived, (until, times, points))
    return LIMITS[limit].road(task, **own)


def _checked(system: Any, limit: str) -> Any:
    """The system to solve: the given one where it is of this limit, else the derived one."""
    own = derivation(limit)
    if system is None or system is own:
        return own
    if not own.runs_as(system):
        remedy = f'give what derive(problem, method, limit="{limit}") returns, or a changed copy'
        raise InvalidType("system", system, remedy)
    return system


@dataclass(frozen=True, eq=False)
class Task:
    """A checked call of `solve`."""

    ask: Request
    system: Any
    when: tuple[Any, Any, Any]

    def steps(self) -> NDArray[np.int64]:
        """Whole steps, on which the schedules are checked."""
        steps = whole_steps(*self.when)
        check_schedules(self.ask.method, float(steps[-1]))
        return steps


def _fixed_data_road(
    task: Task, *, masks: Any, mask_samples: int | None, workers: Any, progress: Any
) -> Curve:
    if masks is not None and mask_samples is not None:
        raise NotAvailable("mask_samples", mask_samples, "masks= is one sequence; leave it out")
    steps = task.steps()
    samples = count("mask_samples", 16 if mask_samples is None else mask_samples)
    sets = task.ask.mask_sets(int(steps[-1]), masks, samples)
    return _fixed_data(task.ask, steps, sets, task.system, workers, progress)


def _proportional_road(task: Task, *, pilot_runs: int, workers: Any, progress: Any) -> Curve:
    steps, pilots = task.steps(), count("pilot_runs", pilot_runs, 0)
    threads = {"workers": workers, "progress": progress}
    return proportional_curve(task.ask, steps, task.system, pilots, **threads)


def _flow_road(task: Task, *, rtol: float) -> Curve:
    return _flow(task.ask, time_grid(*task.when), positive("rtol", rtol), task.system)


def _sde_road(
    task: Task, *, noise: str, paths: int, step: float | None, workers: Any, progress: Any
) -> Curve:
    homogenised = choice("noise", noise, ("full", "homogenised")) == "homogenised"
    grid, wanted = time_grid(*task.when), ensemble_size("paths", paths, 2)
    step = None if step is None else positive("step", step)
    return sde_curve(
        task.ask,
        grid,
        step,
        homogenised,
        task.system,
        paths=wanted,
        workers=workers,
        progress=progress,
    )


def tangent_kernels(
    problem: QuadraticRegression,
    method: Method,
    times: Sequence[int],
    *,
    masks: Any = None,
    seed: Seed = None,
) -> Array:
    """Return the NTK Θ(t) = JJᵀ of T1 at the given steps, (T, D, D), for one sequence of masks.

    Parameters
    ----------
    problem : QuadraticRegression
    method : GradientDescent or SGD
    times : sequence of int
        Steps, increasing.
    masks : (T, D) array_like, optional
        How often each step takes each example.
    seed : int, SeedSequence or None
        Of the batches, where they are not given.

    Raises
    ------
    InvalidInput
        Times that do not increase; one at which the run has diverged; masks of another shape.

    Examples
    --------
    >>> import numpy as np
    >>> import limitlab as ll
    >>> problem = ll.QuadraticRegression(2, 50, 0.3, [[2, 0.5], [0.5, 1]], [1, -0.5])
    >>> batches = [[1, 0], [0, 1]] * 3
    >>> kernel = ll.tangent_kernels(problem, ll.SGD(0.2), [6], masks=batches)[0]
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

    found = Crew(workers, progress=progress).each(one, len(sets))
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
    warn(remark)
    return [remark]


def _flow(ask: Request, grid: Array, rtol: float, system: Any) -> Curve:
    values, error, stopped = solve_flow(ask.problem, grid, rtol, system)
    said = [] if ask.batches.full else ["the flow has no batches: it is that of full gradients"]
    provenance = ask.provenance(
        "solve", limit="flow", rtol=rtol, error_estimate=error, remarks=said
    )
    return ensemble(grid, QUANTITIES, [(values, stopped)], "gradient flow, P → ∞", provenance)


_THREADS = {name: THREADS[name] for name in ("workers", "progress")}

LIMITS: Limits = {
    "fixed-data": Limit(
        "T1: P → ∞ at fixed D and κ, deterministic for given batches",
        _fixed_data_road,
        {
            "masks": Option(None, "(steps, D) array: these batches, instead of sampled ones"),
            "mask_samples": Option(None, "how many sequences of batches are sampled; 16"),
        }
        | _THREADS,
    ),
    "proportional": Limit(
        "T2: D, P → ∞ at fixed D/P; no sharpness",
        _proportional_road,
        {
            "pilot_runs": Option(
                0,
                "with 20 or more, the spread of one run at this P, from so many runs at a small "
                "P and the law 1/√P of the scatter of log loss",
            )
        }
        | _THREADS,
    ),
    "flow": Limit(
        "T1 with vanishing steps", _flow_road, {"rtol": Option(1e-5, "relative tolerance")}
    ),
    "sde": Limit(
        "paths of the limiting SDE at this P, each with its own curvature",
        _sde_road,
        {
            "noise": Option(
                "full",
                'of an example as strong as its residual; or "homogenised", the same for all',
            ),
            "paths": Option(100, "how many"),
            "step": Option(None, "in flow time"),
        }
        | _THREADS,
    ),
}
