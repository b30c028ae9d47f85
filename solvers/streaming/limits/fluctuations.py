"""limit="fluctuations": beside the mean the linear-noise spread of one run at this d."""

from __future__ import annotations

from ....theory.core.checks import choice
from ...core.curve import Curve
from ...core.limits import Limit, Option
from ..fluctuations import solve_fluctuations
from ..results import with_spread
from ..task import Task
from .ode import MODES

DIFFUSION = Option(
    "exact",
    '"exact": the covariance of one step; "published": its second moment, as in the papers',
)


def solve(task: Task, *, modes: bool, diffusion: str) -> Curve:
    """The ODE and its linear-noise spread."""
    choice("diffusion", diffusion, ("exact", "published"))
    task.check_dimension()
    curve = task.mean().curve(modes)
    spread = solve_fluctuations(
        task.problem, task.method, task.noisy, task.grid, rtol=task.rtol, diffusion=diffusion
    )
    return with_spread(curve, spread, task.problem.dimension, diffusion)


LIMIT = Limit(
    "the ODE with the spread of one run at this d", solve, {"modes": MODES, "diffusion": DIFFUSION}
)
