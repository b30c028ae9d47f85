"""solve for LinearModel: the mean loss of SGD, exact, closed, or in continuous time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.checks import choice, ensemble_size
from ...theory.core.derivation import Derivation
from ...theory.core.errors import InvalidType, NotAvailable
from ...theory.core.time_grid import time_grid, whole_steps
from ...theory.linear.derive import derive as derive_linear
from ...theory.linear.problem import LinearModel
from ...theory.methods.base import Method
from ...theory.methods.sampling import batches
from ...theory.schedules.schedule import check_schedules, evaluate
from ..core import random
from ..core.curve import Curve
from ..core.limits import THREADS, Limit, Limits, Option, own_options
from .closed import flow, volterra
from .curve import Answer, linear_curve
from .kernel_norm import constant_rate
from .moments import closed_map, exact_map
from .noise_kernel import NoiseKernel
from .sde import SUBSTEPS, paths_of_loss
from .validity import (
    check_flow,
    norms_of_sde,
    warn_of_closure,
    warn_of_divergence,
    warn_of_flow,
    warn_of_spread,
)

DIFFUSIONS = ("exact", "homogenised")
#: residuals up to which the whole second-moment matrix is followed unless told otherwise
LARGEST_EXACT = 300

Array = NDArray[np.float64]


def solve(
    problem: LinearModel,
    method: Method,
    until: float | None = None,
    *,
    limit: str | None = None,
    times: Any = None,
    points: int = 101,
    system: Any = None,
    **options: Any,
) -> Curve:
    """Solve for the mean loss |z|²/(2D) of SGD on a linear model.

    Parameters
    ----------
    problem : LinearModel
    method : GradientDescent or SGD
    until : float, optional
        Number of steps; for "ode" and "sde" the last flow time τ = rate · steps. May be left
        out where `times` is given.
    limit : str, optional
        One of `LIMITS`. By default "exact" where there are eigenvectors and at most 300 residuals,
        else "closure".
    times, points : array_like, int
        Output times, or how many equal ones from 0; steps are whole numbers.
    system : Derivation, optional
        Solved instead of the derived one.
    **options
        Those of the limit, see `LIMITS`.

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
    own = own_options(LIMITS, limit, options)
    drawn = batches(method, problem.data)
    system = _checked(system, derive_linear(problem, method))
    kernel = NoiseKernel(problem, drawn, system.functions)
    task = Task(kernel, method, limit, (until, times, points), system)
    modes = own.pop("modes", False)
    answer = LIMITS[limit].road(task, **own)
    if limit in ("closure", "volterra", "ode"):
        answer = replace(answer, remark=warn_of_closure(task.kernel, float(answer.rates.max())))
    return linear_curve(
        task.kernel, method, limit, answer if modes else replace(answer, modes=None)
    )


@dataclass(frozen=True, eq=False)
class Task:
    """A checked call of `solve`."""

    kernel: NoiseKernel
    method: Any
    limit: str
    when: tuple[Any, Any, Any]
    system: Any


def _in_steps(task: Task) -> Answer:
    steps = whole_steps(*task.when)
    check_schedules(task.method, float(steps[-1]))
    return _discrete(task.kernel, task.method, steps, task.limit)


def _in_flow_time(task: Task) -> Answer:
    grid = time_grid(*task.when)
    rate = check_flow(task.kernel, task.method, task.limit)
    warn_of_flow(task.kernel, rate)
    return _flow(task.kernel, rate, grid)


def _sde(
    task: Task, *, diffusion: str | None, paths: int, seed: Any, workers: Any, progress: Any
) -> Answer:
    kernel, grid = task.kernel, time_grid(*task.when)
    rate = check_flow(kernel, task.method, task.limit)
    exact = _heteroscedastic(kernel.problem, diffusion)
    paths = ensemble_size("paths", paths, 2)
    norms = norms_of_sde(kernel, rate, exact)
    warn_of_flow(kernel, rate, norms)
    remark = warn_of_divergence(norms[0]) or warn_of_spread(norms[0])
    answer = _paths(
        kernel,
        rate,
        grid,
        task.system,
        exact=exact,
        paths=paths,
        seed=random.seed_sequence(seed),
        workers=workers,
        progress=progress,
    )
    return replace(answer, remark=remark)


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


def _paths(kernel: NoiseKernel, rate: float, grid: Array, system: Any, **options: Any) -> Answer:
    """Paths, recorded at the substeps nearest to the output times."""
    record = np.unique(np.rint(grid * (SUBSTEPS / rate)).astype(np.int64))
    losses = paths_of_loss(kernel.problem, kernel.batches, rate, record, system, **options)
    total = 2 * kernel.problem.data * losses.mean(axis=0)
    time = record * (rate / SUBSTEPS)
    return Answer(time, np.full(record.size, rate), total, samples=losses)


def _limit(problem: Any, limit: str | None) -> str:
    if limit is None:
        small = problem.spectrum is None and problem.size <= LARGEST_EXACT
        return "exact" if small else "closure"
    if limit == "exact" and problem.spectrum is not None:
        remedy = 'needs eigenvectors: give jacobian= or kernel=; a spectrum has limit="closure"'
        raise NotAvailable("limit", limit, remedy)
    return limit


def _checked(system: Any, own: Derivation) -> Derivation:
    """The system to solve: the given one where it is of a linear model, else the derived one."""
    if system is None or own.runs_as(system):
        return system or own
    raise InvalidType("system", system, "give what derive(problem, method) returns, or a copy")


def _heteroscedastic(problem: Any, diffusion: str | None) -> bool:
    if diffusion is None:
        return problem.spectrum is None
    if choice("diffusion", diffusion, DIFFUSIONS) == "exact" and problem.spectrum is not None:
        remedy = 'needs eigenvectors: give jacobian= or kernel=, or take "homogenised"'
        raise NotAvailable("diffusion", diffusion, remedy)
    return diffusion == "exact"


_MODES = Option(False, 'also each mode\'s share of the loss, p_i/(2D), as curve["modes"]')
_DIFFUSION = Option(
    None,
    '"exact": one noise an example, as strong as its residual (needs eigenvectors), the default '
    'where there are some; "homogenised": the same in all directions',
)

LIMITS: Limits = {
    "exact": Limit("the second-moment map, O((DC)³) a step", _in_steps, {"modes": _MODES}),
    "closure": Limit("its diagonal, for incoherent eigenvectors", _in_steps, {"modes": _MODES}),
    "volterra": Limit("the closure as an equation of the loss alone", _in_steps),
    "ode": Limit("the closure in continuous time", _in_flow_time, {"modes": _MODES}),
    "sde": Limit(
        "paths of the limiting SDE, in continuous time",
        _sde,
        {"diffusion": _DIFFUSION, "paths": Option(500, "how many")} | THREADS,
    ),
}
