"""solve for Adam: which memory is slow beside d steps, and the curve of that limit."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from ...theory.adam.choice import choose_memory, memory_error
from ...theory.adam.derive import check_memory, check_variance, derive, sample_of
from ...theory.adam.memory import MemorySystem
from ...theory.core.checks import between
from ...theory.core.errors import InvalidInput, InvalidType, NotAvailable
from ...theory.core.symbolic import numbers
from ...theory.core.time_grid import time_grid
from ...theory.methods.base import Method
from ...theory.schedules.kinks import schedules_of
from ...theory.schedules.schedule import check_schedules
from ...theory.streaming.derive import Binding
from ...theory.streaming.modes import sign_geometry
from ...theory.streaming.problem import LeastSquares
from ...theory.streaming.system import ModeSystem
from ..core.curve import Curve
from ..core.limits import Limit, Limits, Option, own_options
from ..streaming.coefficients import Coefficients
from ..streaming.compress import Spectrum, binned
from ..streaming.ode import OdeAnswer, compress_for, relative_gap, solve_ode
from ..streaming.results import ode_curve, provenance_of
from .memory import solve_memory
from .table import StreamMeans, stream_means

#: why there is no band
NO_BAND = (
    "steps of Adam that share a memory are correlated, and v feeds its fluctuations back into "
    'them; how this spreads one run is not derived. There is "ode"'
)
CONJECTURE = "the limit of Adam is a conjecture, held against simulation only"


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
    """Solve the conjectured limit of Adam on streaming least squares.

    Parameters
    ----------
    until, times, points
        As for the other methods.
    limit : str
        One of `LIMITS`.
    system : System, optional
        Solved instead of the derived one; it is of one memory.
    **options
        Those of the limit, see `LIMITS`.

    Returns
    -------
    Curve
        "risk", "loss", and for slow averages "second_moment", 𝒱. The provenance names the memory;
        "error_estimate" includes the Monte Carlo error of the tables of a short memory.

    Raises
    ------
    NoLimit
        Slow averages and E ε⁴ = ∞, or infinite variance.
    NotAvailable
        Another limit (a band among them); a dense covariance except for "slow-variance"; β₂ = 0;
        slow averages of a batch, or of a memory that is not slow (an announced error of 100 % or
        more).
    """
    if limit in ("fluctuations", "sde"):
        raise NotAvailable("limit", limit, NO_BAND)
    check_variance(method)
    own = own_options(LIMITS, limit, options)
    return LIMITS[limit].road(problem, method, (until, times, points), system, **own)


def _ode(
    problem: Any,
    method: Any,
    when: tuple[Any, Any, Any],
    system: Any,
    *,
    memory: str | None,
    rtol: float,
) -> Curve:
    rtol = between("rtol", rtol, 1e-12, 1e-2)
    grid = time_grid(*when)
    check_schedules(method, float(grid[-1]))
    system, chosen = _checked(system, problem, method, memory)
    check_memory(problem, method, chosen)
    system = derive(problem, method, memory=chosen) if system is None else system
    answer, states = (_short if chosen == "short" else _slow)(problem, method, grid, rtol, system)
    provenance = provenance_of(problem, method, "ode", [CONJECTURE])
    provenance |= {"memory": chosen, "rtol": rtol}
    announced = np.full(grid.shape, memory_error(problem, method, chosen))
    announced[0] = 0.0
    provenance["finite_size_origin"] = "memories over d, to a factor 2"
    curve = ode_curve(problem, method, grid, answer, announced, provenance, {})
    return replace(curve, values={**curve.values, **states})


def _checked(system: Any, problem: Any, method: Any, memory: str | None) -> tuple[Any, str]:
    """The system to solve, and the memory that it is of."""
    if system is None:
        return None, choose_memory(problem, method, memory)
    kind = system.kind if isinstance(system, MemorySystem) else "short"
    known = isinstance(system, MemorySystem | ModeSystem)
    if not known or kind == "short" and system.rule is not None or memory not in (None, kind):
        remedy = "give what derive(problem, method, memory=…) returns for this memory"
        raise InvalidType("system", system, remedy)
    return system, kind


States = dict[str, np.ndarray]


def _short(
    problem: Any, method: Any, grid: np.ndarray, rtol: float, system: Any
) -> tuple[OdeAnswer, States]:
    means = _means(problem, method, system)
    p = numbers(system.parameters, {"method": method, "noise": problem.noise, "stream": means})
    coefficients = Coefficients.of(
        system.source, Binding(p, *(np.empty(0),) * 3, schedules=schedules_of(method))
    )
    answer = solve_ode(coefficients, binned(problem, method), grid, rtol)
    risk = np.maximum(answer.risk, 1e-300)
    if math.log(risk.min()) < means.log_risk[0]:
        remedy = "the risk falls below 1e-6 of its start, beyond the table; end earlier"
        raise InvalidInput("until", float(grid[-1]), remedy)
    table = means.drift_error * np.abs(answer.drift_sensitivity) / risk
    table += means.variance_error * np.abs(answer.noise_sensitivity) / risk
    return replace(answer, error=lambda: answer.error_estimate + table), {}


def _means(problem: Any, method: Any, system: ModeSystem) -> StreamMeans:
    risk = max(problem.risk, 1e-12)
    samples = sample_of(system, "g_A"), sample_of(system, "s_A^2")
    betas = method.beta1, method.beta2
    ends = 1e-6 * risk, 10 * risk
    return stream_means(problem.noise, *betas, *ends, samples=samples, batch=method.batch)


def _slow(
    problem: Any, method: Any, grid: np.ndarray, rtol: float, system: Any
) -> tuple[OdeAnswer, States]:
    d, variance = problem.dimension, float(problem.noise.variance)
    scales = d * (1 - method.beta1), d * (1 - method.beta2)

    def run(spectrum: Spectrum, tolerance: float = rtol) -> np.ndarray:
        return solve_memory(method, spectrum, variance, scales, grid, tolerance, system)[0]

    small, _, compression = compress_for(_spectrum(problem, method), grid, rtol, run)
    risk, memory = solve_memory(method, small, variance, scales, grid, rtol, system)
    error = compression + relative_gap(risk, run(small, min(20 * rtol, 1e-2)))
    answer = OdeAnswer(risk, lambda: error, lambda: (risk, risk), small.count)
    return answer, {"second_moment": memory}


def _spectrum(problem: Any, method: Any) -> Spectrum:
    """Modes with C in place of K_σ: the long-run covariance of a step is that of the inputs."""
    if problem.covariance.is_diagonal:
        return binned(problem, method)
    geometry = sign_geometry(problem.covariance)
    energies = 0.5 * geometry.rates * (geometry.left.T @ problem.delta()) ** 2
    alive = geometry.rates > 0
    sources = geometry.rates**2 / problem.dimension
    return Spectrum(geometry.rates[alive], energies[alive], sources[alive])


_MEMORY = Option(
    None,
    'how long the averages remember beside d steps, "short", "slow-variance" or "slow"; None: the '
    "one of the smallest announced error",
)

LIMITS: Limits = {
    "ode": Limit(
        "the risk ODE, a conjecture",
        _ode,
        {"memory": _MEMORY, "rtol": Option(1e-8, "relative tolerance, 1e-12 to 1e-2")},
    )
}
