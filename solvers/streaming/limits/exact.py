"""limit="exact": the mean of unclipped SGD at this d, at whole steps."""

from __future__ import annotations

from ...core.curve import Curve
from ...core.limits import Limit
from ..corrections import check_correction
from ..task import Task
from .ode import MODES


def solve(task: Task, *, modes: bool) -> Curve:
    """The recursion of the mean."""
    return task.mean(correction=check_correction("exact", modes, task.given)).curve(modes)


LIMIT = Limit("the mean of unclipped SGD at this d, at whole steps", solve, {"modes": MODES})
