"""The secant method for the one number, a risk, in which an implicit step is an equation."""

from __future__ import annotations

import math

# >>> provided by the generated module
from ..kernels.interface import defect, pasted

# <<< provided by the generated module


@pasted
def settle(guess, equation):
    """Return the risk R > 0 at which defect(R, equation) is zero, and what was found there.

    `defect` returns by how much the equation is missed, and the tuple of what else was found. The
    risk is NaN where the method does not settle.
    """
    older, close = guess, False
    missed, found = defect(older, equation)
    newer = older + missed
    if newer <= 0.0:
        newer = 0.5 * older
    for _ in range(60):
        previous = missed
        missed, found = defect(newer, equation)
        if not math.isfinite(missed):
            return math.nan, found
        if close or abs(missed) <= 1e-15 * newer + 1e-290:
            return newer, found
        slope = (missed - previous) / (newer - older) if newer != older else -1.0
        step = -missed / slope if slope != 0.0 else missed
        older = newer
        newer = newer + step
        if newer <= 0.0:
            newer = 0.1 * older
        close = abs(newer - older) <= 3e-16 * newer
    return math.nan, found
