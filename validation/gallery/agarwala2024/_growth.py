"""The growth of the mean square, derived and measured on a population of runs.

A finite population misses the rarest runs, which carry a part of order 1/walkers of the growth;
that is allowed for by what 1 % of the rate changes and, far beyond the edge, by what half of the
population misses more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ....solvers.linear.critical import growth_rate
from ....theory.linear.problem import LinearModel
from ....theory.methods import SGD
from ...simulate.linear.growth import Measured, measured_growth
from ..check import Check, near


@dataclass(frozen=True)
class Growth:
    """ln r of E|z|² ~ r^t: derived, what 1 % of the rate adds to it, measured, and how much more
    half of the population misses."""

    theory: float
    percent: float
    measured: Measured
    missed: float = 0.0


def growth(
    model: LinearModel,
    method: SGD,
    steps: int,
    walkers: int,
    seed: int,
    *,
    halved: bool = False,
) -> Growth:
    """Derive and measure, at the edge or beyond; with half of the population too.

    Below the edge the slowest mode sets the growth, and only after a long time.
    """
    theory = float(np.log(growth_rate(model, method)))
    beyond = float(np.log(growth_rate(model, replace(method, rate=1.01 * method.rate))))
    measured = measured_growth(model, method, steps, walkers=walkers, seed=seed)
    missed = 0.0
    if halved:
        half = measured_growth(model, method, steps, walkers=walkers // 2, seed=seed)
        missed = max(measured.value - half.value, 0.0) + 4 * half.error
    return Growth(theory, beyond - theory, measured, missed)


def growth_check(name: str, found: Growth) -> Check:
    """Return the check that the measured growth is the derived one."""
    tolerance = 4 * found.measured.error + found.percent + found.missed
    origin = "4 standard errors and 1 % of the rate"
    if found.missed:
        origin = f"{origin}, and what half of the population misses more"
    return near(f"{name}: growth of E|z|^2", found.measured.value, found.theory, tolerance, origin)
