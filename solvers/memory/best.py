r"""The best momentum for a horizon: min R(T) over η, γ and κ, constants or schedules.

The quasi-Newton descent of the optimal control of schedules, on the knots of piecewise linear η(t),
γ(t) and κ(t), in their logarithms; the risk at the horizon is that of the moments on Gauss nodes,
and the answer is solved again by the accurate equations (derived here).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.checks import count, positive
from ...theory.core.errors import SolveFailed
from ...theory.core.symbolic import numbers
from ...theory.core.tabulated import interpolated
from ...theory.memory.derive import derive
from ...theory.memory.step import owners
from ...theory.methods.base import Method
from ...theory.methods.remember import SlowMemory
from ...theory.streaming.problem import LeastSquares
from ..streaming.advice.control.model import stretched
from ..streaming.advice.rates import best_rate
from .modes import memory_modes
from .numbers import coefficients_of
from .ode import Equations, solve_moments

Array = NDArray[np.float64]

_RTOL = 1e-7
#: stands for log R(T) where it overflows
_WALL = 1e3
#: multiples of the best rate without momentum, of 1/T and of the step that are tried first
_RATES, _MEMORIES, _DIRECT = (0.4, 1.0, 2.0), (1.0, 5.0, 25.0), (1e-3, 0.5)
#: how far the logarithms may go from their start
_REACH = 7.0
_NODES = 24


@dataclass(frozen=True)
class BestMomentum:
    """The momentum of least risk at a horizon.

    Attributes
    ----------
    method : Method
        With its rate and momentum.
    risk : float
        R(T).
    without : float
        R(T) of the best constant rate without momentum.
    """

    method: Any
    risk: float
    without: float


def best_momentum(
    problem: LeastSquares, method: Method, until: float, *, pieces: int = 0
) -> BestMomentum:
    """Return the rate and the slow memory of least risk at time `until`, for the limit.

    Parameters
    ----------
    problem : LeastSquares
    method : Method
        Its rate and momentum are not used; what else it has stays.
    until : float
        Horizon T, t = k/d.
    pieces : int
        0: constants. Otherwise piecewise linear schedules of so many pieces.

    Raises
    ------
    SolveFailed
        No momentum could be solved for.

    Examples
    --------
    >>> import limitlab as ll
    >>> problem = ll.LeastSquares(ll.power_law(100, 1.0), ll.Gaussian(0.5))
    >>> found = ll.best_momentum(problem, ll.SGD(0.5), until=8)
    >>> found.risk < 0.8 * found.without
    True
    """
    horizon = positive("until", until)
    bare = replace(method.bare, weight_decay=method.weight_decay)
    plain = best_rate(problem, method.bare, horizon)
    objective = _Objective(problem, replace(bare, rate=1.0), horizon, 0)
    tried = []
    for rate, memory, direct in product(_RATES, _MEMORIES, _DIRECT):
        start = np.log([rate * float(plain.rate), memory / horizon, direct])
        tried.append((objective(start), *start))
    found = min(objective.descended(np.array(one[1:])) for one in sorted(tried)[:3])
    if pieces:
        count("pieces", pieces, 1)
        objective = _Objective(problem, replace(bare, rate=1.0), horizon, pieces)
        start = np.repeat(found[1], pieces + 1)
        found = objective.descended(start)
    if found[0] >= _WALL:
        raise SolveFailed("no momentum of the search could be solved", 0.0, 0.0, problem.risk)
    best = objective.method(np.array(found[1]))
    return BestMomentum(best, objective.accurate(best), plain.risk)


class _Objective:
    """log R(T) as a function of the logarithms of η, γ and κ at the knots."""

    def __init__(self, problem: Any, method: Any, until: float, pieces: int) -> None:
        self._problem, self._bare, self._until = problem, method, until
        self._knots = until * stretched(np.linspace(0.0, 1.0, pieces + 1))
        example = self.method(np.zeros(3 * (pieces + 1)))
        self._system = derive(problem, example)
        modes = memory_modes(problem, example, self._system)
        self._modes = modes
        self._nodes = modes if modes.count <= _NODES else modes.on_bins().compressed(_NODES, 0.5)
        self._coefficients = coefficients_of(self._system, problem, example)
        self._table = self._coefficients.table(10.0 * max(float(problem.risk), 1e-3), until)

    def method(self, logarithms: Array) -> Any:
        """The method with these constants, or schedules through these knots."""
        rate, forgetting, direct = np.exp(logarithms).reshape(3, -1)
        if rate.size == 1:
            memory = SlowMemory(float(forgetting[0]), float(direct[0]))
            return replace(self._bare, rate=float(rate[0]), momentum=memory)
        parts = (interpolated(self._knots, part) for part in (forgetting, direct))
        return replace(
            self._bare, rate=interpolated(self._knots, rate), momentum=SlowMemory(*parts)
        )

    def _equations(self, method: Any) -> Equations:
        p = numbers(self._system.parameters, owners(method, self._problem.noise))
        coefficients = replace(self._coefficients, p=p)
        times = np.array([0.0, self._until])
        return Equations(self._system, coefficients, times, 0.0, self._table)

    def __call__(self, logarithms: Array) -> float:
        try:
            totals = self._equations(self.method(logarithms)).totals(self._nodes, _RTOL)
        except SolveFailed:
            return _WALL
        risk = float(totals[-1, 0])
        return math.log(risk) if risk > 0 else _WALL

    def descended(self, start: Array) -> tuple[float, tuple[float, ...]]:
        """The best that a descent from a start finds."""
        from scipy.optimize import minimize

        box = [(x - _REACH, x + _REACH) for x in start]
        options = {"maxiter": 300, "ftol": 1e-11, "eps": 1e-5}
        answer = minimize(self, start, method="L-BFGS-B", bounds=box, options=options)
        return float(answer.fun), tuple(float(x) for x in answer.x)

    def accurate(self, method: Any) -> float:
        """R(T) on all modes."""
        return float(solve_moments(self._equations(method), self._modes, 1e-9).totals[-1, 0])
