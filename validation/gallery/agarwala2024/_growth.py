"""The growth of the mean square, derived and measured on a population of runs.

A finite population misses the rarest runs, which carry a part of order 1/walkers of the growth;
that is allowed for by what 1 % of the rate changes.
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
    """ln r of E|z|² ~ r^t: derived, what 1 % of the rate adds to it, and measured."""

    theory: float
    percent: float
    measured: Measured


def growth(model: LinearModel, method: SGD, steps: int, walkers: int, seed: int) -> Growth:
    """Derive and measure, at the edge or beyond.

    Below the edge the slowest mode sets the growth, and only after a long time.
    """
    theory = float(np.log(growth_rate(model, method)))
    beyond = float(np.log(growth_rate(model, replace(method, rate=1.01 * method.rate))))
    measured = measured_growth(model, method, steps, walkers=walkers, seed=seed)
    return Growth(theory, beyond - theory, measured)


def growth_check(name: str, found: Growth) -> Check:
    """Return the check that the measured growth is the derived one."""
    tolerance = 4 * found.measured.error + found.percent
    origin = "4 standard errors and 1 % of the rate"
    return near(f"{name}: growth of E|z|^2", found.measured.value, found.theory, tolerance, origin)
