"""solve for LinearModel: the mean loss of SGD, exact, closed, or in continuous time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.checks import choice, count
from ...theory.core.errors import NotAvailable
from ...theory.core.time_grid import time_grid, whole_steps
from ...theory.linear.derive import derive as derive_linear
from ...theory.methods.sampling import batches
from ...theory.schedules.schedule import check_schedules, evaluate
from ..core import random
from ..core.curve import Curve
from ..core.options import own_options
from .closed import flow, volterra
from .curve import Answer, linear_curve
from .kernel_norm import constant_rate
from .moments import closed_map, exact_map
from .noise_kernel import NoiseKernel
from .sde import SUBSTEPS, paths_of_loss
from .validity import check_flow, norms_of_sde, warn_of_closure, warn_of_divergence, warn_of_flow

#: the options of each limit, with their defaults
OPTIONS: dict[str, dict[str, Any]] = {
    "exact": {"modes": False},
    "closure": {"modes": False},
    "volterra": {},
    "ode": {"modes": False},
    "sde": {"diffusion": None, "paths": 500},
}
LIMITS = tuple(OPTIONS)
DIFFUSIONS = ("exact", "homogenised")
#: residuals up to which the whole second-moment matrix is followed unless told otherwise
LARGEST_EXACT = 300

Array = NDArray[np.float64]


def solve(
    problem: Any,
    method: Any,
    until: float | None = None,
    *,
    limit: str | None = None,
    times: Any = None,
    points: int = 101,
    system: Any = None,
    modes: bool = False,
    diffusion: str | None = None,
    paths: int | None = None,
    seed: int | np.random.SeedSequence | None = None,
    workers: int | None = None,
    progress: bool | None = None,
) -> Curve:
    """Solve for the mean loss |z|²/(2D) of SGD on a linear model.

    Parameters
    ----------
    problem : LinearModel
    method : GradientDescent or SGD
    until : float, optional
        Number of steps; for "ode" and "sde" the last flow time τ = rate · steps. May be left
        out where `times` is given.
    limit : {"exact", "closure", "volterra", "ode", "sde"}, optional
        "exact": the second-moment map, O((DC)³) a step. "closure": its diagonal, for incoherent
        eigenvectors. "volterra": the closure as an equation of the loss alone. "ode": the closure
        in continuous time. "sde": paths of the limiting SDE. By default "exact" where there are
        eigenvectors and at most 300 residuals, else "closure".
    times, points : array_like, int
        Output times, or how many equal ones from 0; steps are whole numbers.
    system : Derivation, optional
        Solved instead of the derived one.
    modes : bool
        Also return each mode's share of the loss, p_i/(2D), as ``curve["modes"]``: "exact",
        "closure" and "ode".
    diffusion : {"exact", "homogenised"}, optional
        SDE only: one noise an example, as strong as its residual (needs eigenvectors), or the same
        in all directions. Default: exact where there are eigenvectors.
    paths, seed, workers, progress
        Of the SDE, 500 paths by default: path k draws from (entropy, spawn_key + (k,)).

    Returns
    -------
    Curve
        "loss", "sharpness" (λ_max of N: the edge is rate · sharpness = 2) and "kernel_norm": the
        exact norm for "exact" (along a schedule K_2, below it), else that of the closure. The
        provenance holds every form of the norm at the largest rate.

    Raises
    ------
    InvalidInput, NotAvailable
        Bad input; a limit that this problem and method do not have; an option of another limit;
        nothing that moves.
    SolveFailed
        The mean square diverged: with the step.

    Warns
    -----
    ValidityWarning
        The closure or continuous time is used outside its range: with the expected error. The
        mean of the SDE diverges: its own kernel norm is 1 or more.
    """
    limit = _limit(problem, limit)
    own = own_options(OPTIONS, limit, modes=modes or None, diffusion=diffusion, paths=paths)
    drawn = batches(method, problem.data)
    system = derive_linear(problem, method) if system is None else system
    kernel = NoiseKernel(problem, drawn, system.functions)
    if limit in ("ode", "sde"):
        grid = time_grid(until, times, points)
        rate = check_flow(kernel, method, limit)
    if limit == "ode":
        warn_of_flow(kernel, rate)
        answer = _flow(kernel, rate, grid)
    elif limit == "sde":
        exact = _heteroscedastic(problem, own["diffusion"])
        noise = {"exact": exact, "paths": count("paths", own["paths"], 2)}
        norms = norms_of_sde(kernel, rate, exact)
        warn_of_flow(kernel, rate, norms)
        remark = warn_of_divergence(norms[0])
        threads = {"seed": random.seed_sequence(seed), "workers": workers, "progress": progress}
        answer = _paths(kernel, rate, grid, **noise, **threads)
        answer = replace(answer, remark=remark)
    else:
        steps = whole_steps(until, times, points)
        check_schedules(method, float(steps[-1]))
        answer = _discrete(kernel, method, steps, limit)
    if limit in ("closure", "volterra", "ode"):
        answer = replace(answer, remark=warn_of_closure(kernel, float(answer.rates.max())))
    return linear_curve(kernel, method, limit, answer if modes else replace(answer, modes=None))


def _discrete(kernel: NoiseKernel, method: Any, steps: NDArray[np.int64], limit: str) -> Answer:
    """The limits in whole steps."""
    problem, drawn, functions = kernel.problem, kernel.batches, kernel.functions
    rates = evaluate(method.rate, np.arange(steps[-1] + 1))
    if limit == "volterra":
        if drawn.momentum:
            remedy = 'the Volterra kernel is that of momentum 0; use limit="closure"'
            raise NotAvailable("momentum", drawn.momentum, remedy)
        total = volterra(problem, drawn, functions, constant_rate(method), int(steps[-1]))
        return Answer(steps, rates[steps], total[steps])
    start = problem.start if limit == "exact" else problem.energies
    road = exact_map if limit == "exact" else closed_map
    energies = road(problem, drawn, functions).energies(start, rates, steps)
    return Answer(steps, rates[steps], energies.sum(axis=1), modes=energies)


def _flow(kernel: NoiseKernel, rate: float, grid: Array) -> Answer:
    energies = flow(kernel.problem, kernel.batches, kernel.functions, rate, grid)
    return Answer(grid, np.full(grid.size, rate), energies.sum(axis=1), modes=energies)


def _paths(kernel: NoiseKernel, rate: float, grid: Array, **options: Any) -> Answer:
    """Paths, recorded at the substeps nearest to the output times."""
    record = np.unique(np.rint(grid * (SUBSTEPS / rate)).astype(np.int64))
    losses = paths_of_loss(kernel.problem, kernel.batches, rate, record, **options)
    total = 2 * kernel.problem.data * losses.mean(axis=0)
    time = record * (rate / SUBSTEPS)
    return Answer(time, np.full(record.size, rate), total, samples=losses)


def _limit(problem: Any, limit: str | None) -> str:
    if limit is None:
        small = problem.spectrum is None and problem.size <= LARGEST_EXACT
        return "exact" if small else "closure"
    choice("limit", limit, LIMITS)
    if limit == "exact" and problem.spectrum is not None:
        remedy = 'needs eigenvectors: give jacobian= or kernel=; a spectrum has limit="closure"'
        raise NotAvailable("limit", limit, remedy)
    return limit


def _heteroscedastic(problem: Any, diffusion: str | None) -> bool:
    if diffusion is None:
        return problem.spectrum is None
    if choice("diffusion", diffusion, DIFFUSIONS) == "exact" and problem.spectrum is not None:
        remedy = 'needs eigenvectors: give jacobian= or kernel=, or take "homogenised"'
        raise NotAvailable("diffusion", diffusion, remedy)
    return diffusion == "exact"
