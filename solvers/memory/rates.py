"""The best constant rate of a method with memory for a horizon, or multiple of its schedule."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...theory.memory.derive import derive
from ...theory.methods.base import Method
from ...theory.streaming.problem import LeastSquares
from ..streaming.advice.rates import SEARCH_RTOL, BestRate, scale_of, searched
from .modes import memory_modes
from .numbers import coefficients_of
from .ode import Equations

_NODES = 24


def best_rate(problem: LeastSquares, method: Method, until: float) -> BestRate:
    """Return the rate with the lowest risk of the iterate at a time.

    Raises
    ------
    SolveFailed
        No rate could be solved for.
    """
    method, kept = replace(method, average=None), method.average

    def end(log_factor: float) -> float:
        trial = replace(method, rate=method.rate * 10.0**log_factor)
        system = derive(problem, trial)
        modes = memory_modes(problem, trial, system)
        small = modes if modes.count <= 2 * _NODES else modes.on_bins().compressed(_NODES, 0.5)
        coefficients = coefficients_of(system, problem, trial)
        table = coefficients.table(10.0 * max(float(problem.risk), 1e-3), until)
        equations = Equations(system, coefficients, np.array([0.0, until]), 0.0, table)
        return float(equations.totals(small, SEARCH_RTOL)[-1, 0])

    found = searched(problem, method, end, scale_of(problem, method.at_once))
    return replace(found, method=replace(found.method, average=kept))
