"""The spread of one run of a method with memory, around the limit and around its average's.

The covariance of the moments of every two modes is solved beside the moments; Gauss nodes give
Var R as they give R, since it is linear in the same measures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.errors import NotAvailable
from ..core.compile import load, writable
from ..stepping.failure import finished, is_stiff
from ..streaming.fluctuations import DIFFUSIONS
from ..streaming.ode import relative_gap
from .modes import MemoryModes
from .ode import Equations
from .stiff_spread import StiffSpread

Array = NDArray[np.float64]

_MOST_STEPS = 4_000
#: the spread of a run is itself off by O(1/d): it is solved no finer than this
_FINEST = 1e-6
_RULES = ((12, 1.0), (16, 1.0), (16, 0.5), (24, 0.5), (24, 0.25))
#: modes up to which none is compressed: the state is the square of their moments
_FEW = 24


@dataclass(frozen=True, eq=False)
class Spread:
    """d times the variances of one run.

    Attributes
    ----------
    risk, average : (T,) arrays
        Of the risk, and of the average's second moment.
    error_estimate : (T,) array
        Relative error of the root of the first.
    nodes : int
    """

    risk: Array
    average: Array
    error_estimate: Array
    nodes: int


def solve_spread(
    problem: Any,
    method: Any,
    equations: Equations,
    modes: MemoryModes,
    rtol: float,
    diffusion: str = "exact",
) -> Spread:
    """Solve the linear-noise equations.

    Raises
    ------
    NotAvailable
        Signs of a dense covariance, whose modes are correlated.
    SolveFailed
        Not-a-number, unbounded growth, step underflow or too many steps.
    """
    check_independent(problem, method)
    tolerance = max(10 * rtol, _FINEST)
    if modes.count <= _FEW:
        small, found = modes, _variances(equations, modes, tolerance, diffusion)
        gap = np.zeros(len(found))
    else:
        small, found, gap = _compressed(equations, modes.on_bins(), tolerance, diffusion)
    coarse = _variances(equations, small, 20 * tolerance, diffusion)
    error = 0.5 * (gap + relative_gap(found[:, 1], coarse[:, 1]))
    return Spread(found[:, 1], found[:, 3], error, small.count)


def check_independent(problem: Any, method: Any) -> None:
    """Refuse signs of a dense covariance, whose modes are correlated.

    Raises
    ------
    NotAvailable
    """
    if method.acts_on == "coordinate" and not problem.covariance.is_diagonal:
        remedy = 'the modes of signs are correlated there; limit="ode" takes a dense covariance'
        raise NotAvailable("covariance", problem.covariance, remedy)


def _compressed(
    equations: Equations, modes: MemoryModes, tolerance: float, diffusion: str
) -> tuple[MemoryModes, Array, Array]:
    previous = _variances(equations, modes.compressed(*_RULES[0]), tolerance, diffusion)
    for rule in _RULES[1:]:
        small = modes.compressed(*rule)
        found = _variances(equations, small, tolerance, diffusion)
        gap = relative_gap(found[:, 1], previous[:, 1])
        if gap.max() <= 100 * tolerance:
            break
        previous = found
    return small, found, gap


def _variances(equations: Equations, modes: MemoryModes, rtol: float, diffusion: str) -> Array:
    """Return R, d Var R, and the same of the average's moment, (T, 4)."""
    moments, times = modes.state.ravel(), equations.times
    state = np.concatenate([moments, np.zeros(moments.size**2)])
    first, last = float(times[0]), float(times[-1])
    if not first < equations.cut < last:
        return _between(equations, modes, state, times, rtol, diffusion)
    cut = equations.cut
    early = np.append(times[times < cut], cut)
    late = np.append(cut, times[times > cut])
    before = _between(equations, modes, state, early, rtol, diffusion)
    n, m = moments.size, modes.count
    for k in equations.system.gathered:  # what was gathered before does not count
        own = slice(k * m, (k + 1) * m)
        state[:n].reshape(-1, m)[k] = 0.0
        state[n:].reshape(n, n)[own] = 0.0
        state[n:].reshape(n, n)[:, own] = 0.0
    after = _between(equations, modes, state, late, rtol, diffusion)
    kept = before if cut in times else before[:-1]
    return np.concatenate([kept, after[1:]])


def _between(
    equations: Equations,
    modes: MemoryModes,
    state: Array,
    times: Array,
    rtol: float,
    diffusion: str,
) -> Array:
    system, coefficients = equations.system, equations.coefficients
    pairs = np.array([pair for _, pair in system.moments], dtype=np.int64)
    place = np.zeros((len(system.states),) * 2, dtype=np.int64)
    for k, (a, b) in enumerate(pairs):
        place[a, b] = place[b, a] = k
    rules = (coefficients.law, equations.table, np.ones(2))
    module = load(system.noisy_source, "memory/fluctuations")
    parts = (writable(modes.rates), writable(modes.sources))
    rest = ((pairs, place), system.averaged or 0)
    kept, start = DIFFUSIONS[diffusion], state.copy()
    tail = (writable(times), rules, kept, rtol, _MOST_STEPS)
    answer, report = module.integrate(*parts, state, *rest, *tail)
    if is_stiff(report):
        state[:] = start
        stiff = StiffSpread(module, *parts, *rest, rules, kept)
        answer, report = stiff.integrate(state, times, rtol, _MOST_STEPS)
    return finished(answer, report)
