r"""How far the mean over runs is from a limit with memory at finite dimension.

Under a linear rule the exact mean is at hand: its distance from the limit is what is announced.
Other rules: what steps of finite length do is walked, :mod:`.walk`; what the fluctuations of R do
beside is taken from the method without memory, at the rate at which a gradient moves the iterate in
the end, η(1 + κ) or η/(1 − β). Held against 1000 chains and more a case at d = 32
(clipped, Huber and soft sign; four laws; γ from ½ to 8, with and without a direct part):
the first alone is the gap at early times, and the sum of the two is above it at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.errors import SolveFailed
from ...theory.memory.derive import derive, is_slow
from ...theory.methods.remember import SlowMemory
from ...theory.streaming.derive import bind
from ...theory.streaming.derive import derive as derive_gradient
from ..streaming.coefficients import Coefficients
from ..streaming.finite_size import finite_size, is_linear, known
from ..streaming.neglected import Neglected
from ..streaming.ode import OdeAnswer
from .exact import exact_totals
from .modes import MemoryModes, memory_modes
from .ode import Equations
from .walk import walked_totals

Array = NDArray[np.float64]

#: steps that are walked for an announcement, of linear rules and of others; longer runs are
#: announced from a smaller d
_MOST_STEPS, _FEW_STEPS = 400_000, 1000
_NODES = 24


@dataclass(frozen=True, eq=False)
class Announced:
    """Relative errors of the risk and of the average's, and where they are from."""

    risk: Array
    average: Array
    origin: str


def slow_twin(problem: Any, method: Any) -> Any:
    """A fixed β as a slow memory, γ = d (1 − β)."""
    beta = method.momentum
    gamma = problem.dimension * (1 - beta)
    along = beta if method.nesterov else 1.0
    return replace(
        method,
        rate=method.rate * along / (1 - beta),
        momentum=SlowMemory(gamma, (1 - along) / along),
        nesterov=False,
        weight_decay=method.weight_decay * (1 - beta) / along,
    )


def announced(
    problem: Any,
    method: Any,
    equations: Equations,
    modes: MemoryModes,
    answer: OdeAnswer,
    average: Array,
    solve: Callable[..., Any],
) -> Announced:
    """Announce the relative finite-dimension error of the mean risk and of the average's.

    Parameters
    ----------
    equations : Equations
        On the output times.
    modes : MemoryModes
        All of them.
    answer : OdeAnswer
        The limit's risk and its sensitivities there.
    average : (T,) array
        The average's risk; that of the iterate where there is none.
    solve : callable
        (problem, method, times) → the risk and the average's of another method.
    """
    times = equations.times
    if math.isinf(problem.dimension):
        return Announced(np.zeros_like(times), np.zeros_like(times), "none")
    if is_linear(method):
        return _computed(problem, method, times, answer.risk, average)
    plain = method.at_once
    found = finite_size(problem, plain, times, answer.risk)
    relative = found.relative + _neglected(problem, plain, times, answer)
    d = _walked_dimension(problem, times, _FEW_STEPS)
    try:
        walked = _walked(method, equations, modes, d)
    except SolveFailed:
        unknown = np.where(times > times[0], np.inf, 0.0)
        return Announced(unknown, unknown, found.origin)
    lines = (answer.risk, average)
    shares = [_gap(*p) * d / problem.dimension for p in zip(walked, lines, strict=True)]
    if method.momentum and not is_slow(method) and d < problem.dimension:
        slow = solve(problem, slow_twin(problem, method), times)
        shares = [s + _gap(*p) for s, *p in zip(shares, slow, lines, strict=True)]
    first, second = (known(relative + share) for share in shares)
    return Announced(first, second, f"steps walked, and {found.origin}")


def _gap(row: Array, line: Array) -> Array:
    """|row/line − 1|."""
    return np.abs(row / np.maximum(line, 1e-300) - 1)


def _walked_dimension(problem: Any, times: Array, most: int) -> float:
    """The dimension at which so many steps reach the last time; at most the problem's."""
    last = float(times[-1])
    return min(float(problem.dimension), max(most / last, 1.0)) if last > 0 else 1.0


def _walked(method: Any, equations: Equations, modes: MemoryModes, d: float) -> tuple[Array, Array]:
    """The risk and the average's of steps 1/d, at the output times."""
    small = modes if modes.count <= 2 * _NODES else modes.on_bins().compressed(_NODES, 0.5)
    steps = np.unique(np.rint(equations.times * d).astype(np.int64))
    totals = walked_totals(equations, small, method, steps, d)
    average = averaged(equations.system, method, steps / d, totals)
    return _between(equations.times, steps / d, totals[:, 0], average)


def _neglected(problem: Any, plain: Any, times: Array, answer: OdeAnswer) -> Array:
    system = derive_gradient(problem, plain)
    coefficients = Coefficients.of(system.source, bind(system, problem, plain))
    return Neglected(problem, plain, coefficients, answer, times).error()


def _computed(problem: Any, method: Any, times: Array, risk: Array, average: Array) -> Announced:
    """|exact/limit − 1|; a run of too many steps is announced from a smaller d, as 1/d."""
    d = _walked_dimension(problem, times, _MOST_STEPS)
    moved = is_moving(method) and d < problem.dimension
    d = d if moved else float(problem.dimension)
    try:
        exact = exact_risks(problem, method, times, d if moved else None)
    except SolveFailed:
        unknown = np.where(times > 0, np.inf, 0.0)
        return Announced(unknown, unknown, "computed")
    gaps = [_gap(*pair) for pair in zip(exact, (risk, average), strict=True)]
    first, second = (known(gap * d / problem.dimension) for gap in gaps)
    return Announced(first, second, "computed")


def is_moving(method: Any) -> bool:
    """Whether a hyper-parameter is a schedule, or an average begins within the run."""
    parts = [method.rate, method.weight_decay]
    parts += [*vars(method.momentum).values()] if is_slow(method) else []
    parts += [*vars(method.average).values()] if method.average is not None else []
    late = getattr(method.average, "start", 0.0) > 0
    return late or any(hasattr(part, "free_symbols") and part.free_symbols for part in parts)


def exact_risks(
    problem: Any, method: Any, times: Array, dimension: float | None = None
) -> tuple[Array, Array]:
    """Return the exact mean risk of the iterate and of its average, times rounded to k/d."""
    recursion = derive(problem, method, limit="exact")
    modes: MemoryModes = memory_modes(problem, method, recursion)
    small = modes if modes.count <= 2 * _NODES else modes.on_bins().compressed(_NODES, 0.5)
    d = float(problem.dimension if dimension is None else dimension)
    steps = np.unique(np.rint(times * d).astype(np.int64))
    totals = exact_totals(recursion, problem, method, small, steps, dimension)
    average = averaged(recursion, method, steps / d, totals)
    return _between(times, steps / d, totals[:, 0], average)


def _between(times: Array, known: Array, risk: Array, average: Array) -> tuple[Array, Array]:
    """Both at the output times: one between two steps is read between them."""
    logarithms = (np.log(np.maximum(row, 1e-300)) for row in (risk, average))
    first, second = (np.exp(np.interp(times, known, row)) for row in logarithms)
    return first, second


def averaged(system: Any, method: Any, times: Array, totals: Array) -> Array:
    """Return the risk of the average; before it begins, and without one, that of the iterate."""
    if system.averaged is None:
        return totals[:, 0]
    found = totals[:, system.averaged]
    if system.uniform is None:
        return found
    since = times - method.average.start
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = found / since**2
    return np.where(since > 0, mean, totals[:, 0])
