"""limit="volterra": the same risk as an integral equation, an independent second road."""

from __future__ import annotations

from ...core.curve import Curve
from ...core.limits import Limit
from ..task import Task
from ..volterra import solve_volterra
from .ode import MODES


def solve(task: Task, *, modes: bool) -> Curve:
    """The Volterra equation of the risk."""
    return task.mean(solve_volterra).curve(modes)


LIMIT = Limit("the curve of the ODE by an integral equation", solve, {"modes": MODES})
