"""What a report of the adaptive loop says, and the error that it becomes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.errors import SolveFailed
from .adaptive import DONE, NOT_A_NUMBER, TOO_LARGE, TOO_MANY_STEPS, UNDERFLOW

Report = tuple[int, int, float, float, float]

REASONS = {
    NOT_A_NUMBER: "a coefficient or the risk is not a finite number",
    TOO_LARGE: "the risk grows without bound",
    UNDERFLOW: "the step underflowed",
    TOO_MANY_STEPS: "too many steps",
}


#: how an explicit solution ends where stability alone limits the step
STIFF = (UNDERFLOW, TOO_MANY_STEPS)


def is_stiff(report: Report) -> bool:
    """Whether an explicit solution ended as one does where stability alone limits the step."""
    return report[0] in STIFF


def finished(answer: NDArray[np.float64], report: Report) -> NDArray[np.float64]:
    """Return the answer of a solution that came to its end.

    Raises
    ------
    SolveFailed
        Not-a-number, unbounded growth, step underflow or too many steps, with time, step and risk.
    """
    status: Any = report[0]
    if status == DONE and not np.all(np.isfinite(answer)):
        status = NOT_A_NUMBER
    if status != DONE:
        time, step, state = (float(value) for value in report[2:])
        raise SolveFailed(REASONS[status], time, step, state)
    return answer
