"""From a stream and a method with memory to the curve of its limit."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.checks import between, choice, ensemble_size, positive
from ...theory.core.errors import InvalidType, NotAvailable
from ...theory.core.percent import percent
from ...theory.core.time_grid import time_grid
from ...theory.core.warn import warn
from ...theory.memory.derive import derive
from ...theory.memory.system import MemorySystem
from ...theory.methods.base import Method
from ...theory.schedules.schedule import check_schedules
from ...theory.streaming.problem import LeastSquares
from ..core.curve import Curve
from ..core.limits import THREADS, Limit, Limits, Option, own_options
from ..core.provenance import seed_text
from ..streaming import validity
from ..streaming.finite_size import FiniteSize, is_linear
from ..streaming.fluctuations import DIFFUSIONS
from ..streaming.limits.fluctuations import DIFFUSION
from ..streaming.ode import OdeAnswer, relative_gap
from ..streaming.results import ode_curve, provenance_of
from ..streaming.sde import step_errors
from .announced import Announced, announced, averaged, exact_risks, is_moving
from .fluctuations import check_independent, solve_spread
from .modes import MemoryModes, memory_modes
from .numbers import coefficients_of
from .ode import Equations, Moments, solve_moments
from .rest import stability
from .sde import CHECKED, paths_of, steps_of

Array = NDArray[np.float64]

#: groups of modes that paths are walked on, and the relative error of the risk that they may make
_GROUPS, _GROUPED = (64, 128, 256, 512), 1e-3


def solve(
    problem: LeastSquares,
    method: Method,
    until: float | None = None,
    *,
    limit: str = "ode",
    times: Any = None,
    points: int = 101,
    system: Any = None,
    **options: Any,
) -> Curve:
    """Solve the limit of a method with momentum, an average or weight decay on a stream.

    Parameters
    ----------
    until, times, points
        As without memory.
    limit : str
        One of `LIMITS`.
    system : MemorySystem, optional
        Solved instead of the derived one.
    **options
        Those of the limit, see `LIMITS`.

    Returns
    -------
    Curve
        "risk", for noise of finite variance "loss", and with an average "average_risk"; the
        announced relative errors are "finite_size" and "finite_size_average_risk".

    Raises
    ------
    InvalidInput, NotAvailable, NoLimit, SolveFailed
        As without memory.
    """
    own = own_options(LIMITS, limit, options)
    rtol = between("rtol", own.pop("rtol"), 1e-12, 1e-2)
    grid = time_grid(until, times, points)
    check_schedules(method, float(grid[-1]))
    noisy = limit in ("fluctuations", "sde")
    if system is None:
        system = derive(problem, method, limit="fluctuations" if noisy else "ode")
    elif not isinstance(system, MemorySystem):
        raise InvalidType("system", system, "give what derive(problem, method) returns")
    if noisy and system.gradient.covariance is None:
        system = derive(problem, method, limit="fluctuations")
    task = MemoryTask(problem, method, system, grid, limit, rtol)
    return LIMITS[limit].road(task, **own)


@dataclass(frozen=True, eq=False)
class MemoryTask:
    """A checked call of `solve`."""

    problem: Any
    method: Any
    system: MemorySystem
    grid: Array
    limit: str
    rtol: float

    @cached_property
    def modes(self) -> MemoryModes:
        """All modes, with the start of their moments."""
        return memory_modes(self.problem, self.method, self.system)

    @cached_property
    def equations(self) -> Equations:
        """The system with its numbers."""
        coefficients = coefficients_of(self.system, self.problem, self.method)
        largest = 10.0 * max(float(self.problem.risk), 1e-3)
        table = coefficients.table(largest, float(self.grid[-1]))
        cut = float(getattr(self.method.average, "start", 0.0))
        return Equations(self.system, coefficients, self.grid, cut, table)

    @cached_property
    def moments(self) -> Moments:
        """The moments over time."""
        return solve_moments(self.equations, self.modes, self.rtol)

    def walkers(self) -> MemoryModes:
        """Few modes, or groups of them, with the limit's curve to a thousandth."""
        for groups in _GROUPS:
            found = self.modes.grouped(groups)
            totals = self.equations.totals(found, 1e-6)
            if found is self.modes:
                break
            if relative_gap(totals[:, 0], self.answer.risk).max() <= _GROUPED:
                break
        return found

    def check_dimension(self) -> None:
        """Refuse what needs a finite dimension.

        Raises
        ------
        NotAvailable
            d = ∞.
        """
        if math.isinf(self.problem.dimension):
            remedy = 'needs a finite dimension; at d = ∞ there is "ode"'
            raise NotAvailable("limit", self.limit, remedy)

    def read(self, totals: Array) -> Array:
        """The risk of the average, from totals on the grid."""
        return averaged(self.system, self.method, self.grid, totals)

    @cached_property
    def answer(self) -> OdeAnswer:
        """The risk as a stream without memory gives it."""
        moments = self.moments
        return OdeAnswer(
            np.maximum(moments.totals[:, 0], 0.0),
            lambda: moments.error_estimate,
            lambda: list(moments.sensitivities[:, :, 0]),
            moments.nodes.count,
        )

    @cached_property
    def announced(self) -> Announced:
        """What the limit is off by at this d."""
        average = self.read(self.moments.totals)
        parts = (self.equations, self.modes, self.answer, average, _risks)
        return announced(self.problem, self.method, *parts)

    def curve(self) -> Curve:
        """The curve of the limit, with what is remarked on it."""
        said = self.announced
        # of the exact mean nobody is told how far the limit is from it
        origin = "exact" if self.limit == "exact" else said.origin
        remarks = self._remarks(FiniteSize(said.risk, origin))
        for remark in remarks:
            if remark.error > validity.LARGEST_SILENT_ERROR:
                warn(remark)
        provenance = provenance_of(self.problem, self.method, self.limit, remarks) | {
            "rtol": self.rtol,
            "finite_size_origin": said.origin,
            "modes_integrated": self.answer.nodes,
        }
        curve = ode_curve(
            self.problem, self.method, self.grid, self.answer, said.risk, provenance, {}
        )
        return self.with_average(curve)

    def with_average(self, curve: Curve) -> Curve:
        """The curve with the risk of the average, its error and its sensitivities."""
        if self.system.averaged is None:
            return curve
        drift, noise = (self.read(part) for part in self.moments.sensitivities)
        beside = {
            "finite_size_average_risk": self.announced.average,
            "error_estimate_average_risk": self.moments.average_error,
            "drift_sensitivity_average_risk": drift,
            "noise_sensitivity_average_risk": noise,
        }
        values = {**curve.values, "average_risk": self.read(self.moments.totals)}
        return replace(curve, values=values, diagnostics={**curve.diagnostics, **beside})

    def _remarks(self, size: FiniteSize) -> list[validity.Remark]:
        plain = self.method.at_once
        found = validity.remarks(self.problem, plain, self.grid, self.answer.risk, size)
        # the stability of a memory is not that of the method without it
        found = [r for r in found if "stability limit" not in r]
        return [*found, *self._about_momentum(size), *self._about_stability()]

    def _about_momentum(self, size: FiniteSize) -> list[validity.Remark]:
        beta = self.method.momentum
        if not isinstance(beta, float) or beta == 0:
            return []
        known = size.relative[np.isfinite(size.relative)]
        largest = float(known.max()) if known.size else math.inf
        text = (
            f"a fixed momentum of {beta:g} is, in the limit, the method without it at the rate "
            f"η/(1 − β) = η/{1 - beta:g}; at this d it is off by up to {percent(largest)} "
            "(slow_memory(γ) with γ = d (1 − β) is a limit of its own)"
        )
        # an announced error of any size is remarked on once already
        return [validity.Remark(text, 0.0)]

    def _about_stability(self) -> list[validity.Remark]:
        if not is_linear(self.method) or is_moving(replace(self.method, average=None)):
            return []
        share = stability(self.problem, self.method)
        if share < 1:
            return []
        text = (
            f"rate = {self.method.rate:.4g} is beyond the stability limit of this momentum: the "
            "risk grows without bound; lower it (stability_limit(problem, method) says how far)"
        )
        return [validity.Remark(text)]


def _risks(problem: Any, method: Any, times: Array) -> tuple[Array, Array]:
    """The risk, and the average's, of another method on the same problem."""
    task = MemoryTask(problem, method, derive(problem, method), times, "ode", 1e-6)
    totals = task.moments.totals
    return totals[:, 0], task.read(totals)


def _ode(task: MemoryTask) -> Curve:
    return task.curve()


def _exact(task: MemoryTask) -> Curve:
    """The exact mean at whole steps."""
    curve = task.curve()
    steps = np.unique(np.rint(task.grid * task.problem.dimension).astype(np.int64))
    times = steps / task.problem.dimension
    risk, average = exact_risks(task.problem, task.method, times)
    zero = np.zeros(times.size)
    values = {"risk": risk} | ({"average_risk": average} if "average_risk" in curve.values else {})
    if "loss" in curve.values:
        values["loss"] = risk + 0.5 * float(task.problem.noise.variance)
    known = {name: np.interp(times, curve.time, array) for name, array in curve.diagnostics.items()}
    known |= {name: zero for name in known if name.startswith("finite_size")}
    return replace(
        curve,
        time=times,
        values=values,
        diagnostics=known,
        steps=steps,
        label=f"{task.method.label}, exact mean",
        provenance={**curve.provenance, "finite_size_origin": "exact"},
    )


_RTOL = Option(1e-8, "relative tolerance, 1e-12 to 1e-2")


def _fluctuations(task: MemoryTask, *, diffusion: str) -> Curve:
    """The moments, and the spread of one run."""
    choice("diffusion", diffusion, tuple(DIFFUSIONS))
    task.check_dimension()
    curve, d = task.curve(), task.problem.dimension
    spread = solve_spread(
        task.problem, task.method, task.equations, task.modes, task.rtol, diffusion
    )
    std = np.sqrt(np.maximum(spread.risk, 0.0) / d)
    found = dict.fromkeys([name for name in curve.values if name != "average_risk"], std)
    if task.system.averaged is not None:
        totals = np.zeros((task.grid.size, len(task.system.moments)))
        totals[:, 0] = std
        totals[:, task.system.averaged] = np.sqrt(np.maximum(spread.average, 0.0) / d)
        found["average_risk"] = task.read(totals)
    return replace(
        curve,
        spread=found,
        diagnostics={**curve.diagnostics, "spread_error_estimate": spread.error_estimate},
        label=f"{curve.label}, {diffusion} noise",
        provenance={
            **curve.provenance,
            "diffusion": diffusion,
            "covariance_modes": spread.nodes,
        },
    )


def _sde(
    task: MemoryTask,
    *,
    diffusion: str,
    paths: int,
    step: float | None,
    seed: Any,
    workers: Any,
    progress: bool | None,
) -> Curve:
    """Paths of the SDE of the moments, around the limit."""
    choice("diffusion", diffusion, tuple(DIFFUSIONS))
    task.check_dimension()
    check_independent(task.problem, task.method)
    count = ensemble_size("paths", paths, 2)
    step = None if step is None else positive("step", step)
    curve, modes = task.curve(), task.walkers()
    equations = task.equations.through_cut()
    risk = np.interp(equations.times, task.grid, task.answer.risk)
    counts = steps_of(equations, modes, risk, step)
    common = {"diffusion": diffusion, "seed": seed, "workers": workers}
    walk = partial(paths_of, equations, modes, float(task.problem.dimension), counts, **common)
    kept = np.isin(equations.times, task.grid)
    found = walk(paths=count, progress=progress)[:, kept]
    again = walk(paths=min(count, CHECKED), coarse=True)[:, kept]
    samples = {"risk": found[:, :, 0]}
    if "loss" in curve.values:
        samples["loss"] = samples["risk"] + 0.5 * float(task.problem.noise.variance)
    if task.system.averaged is not None:
        samples["average_risk"] = np.array([task.read(_as_totals(task, p)) for p in found])
    errors = step_errors(samples["risk"], again[:, :, 0])
    return replace(
        curve,
        values={name: array.mean(axis=0) for name, array in samples.items()},
        spread={name: array.std(axis=0, ddof=1) for name, array in samples.items()},
        samples=samples,
        diagnostics={**curve.diagnostics, **errors},
        label=f"{task.method.label}, {diffusion} SDE",
        provenance={
            **curve.provenance,
            "diffusion": diffusion,
            "paths": count,
            "seed": seed_text(seed),
        },
    )


def _as_totals(task: MemoryTask, path: Array) -> Array:
    """What is read of the totals, from a path's risk and the moment of its average."""
    totals = np.zeros((len(path), len(task.system.moments)))
    totals[:, task.system.averaged or 0] = path[:, 1]
    totals[:, 0] = path[:, 0]
    return totals


LIMITS: Limits = {
    "ode": Limit("the equations of the moments of each mode", _ode, {"rtol": _RTOL}),
    "fluctuations": Limit(
        "the equations with the spread of one run at this d",
        _fluctuations,
        {"rtol": _RTOL, "diffusion": DIFFUSION},
    ),
    "sde": Limit(
        "paths of the limiting SDE of the moments",
        _sde,
        {
            "rtol": _RTOL,
            "diffusion": DIFFUSION,
            "paths": Option(500, "how many"),
            "step": Option(None, "largest step; by default as without memory"),
        }
        | THREADS,
    ),
    "exact": Limit("the mean of unclipped SGD at this d, at whole steps", _exact, {"rtol": _RTOL}),
}
