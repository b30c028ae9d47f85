"""limit="ode": the mean risk as d grows."""

from __future__ import annotations

from ...core.curve import Curve
from ...core.limits import Limit, Option
from ..corrections import check_correction
from ..task import Task

MODES = Option(False, 'also each mode\'s energy, (time × mode), as curve["modes"]')
_CORRECTION = Option(
    None,
    'None: the limit itself, with a warning where it is off; "split": signSGD from localised '
    'starts, coordinate by coordinate; "exact": as limit="exact"; "auto": one of these where the '
    "limit is off by more than 1 % (signSGD) or 2 % (unclipped SGD)",
)


def solve(task: Task, *, modes: bool, correction: str | None) -> Curve:
    """The risk ODE."""
    wanted = check_correction(correction, modes, task.given)
    return task.mean(correction=wanted).curve(modes)


LIMIT = Limit("the risk ODE", solve, {"modes": MODES, "correction": _CORRECTION})
