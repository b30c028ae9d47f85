"""The steps of a recursion in one or two times, until it is done or has run away.

`advance(t, p, arrays)` is generated: it does step t in place and returns what is watched.
"""

from __future__ import annotations

# >>> provided by the generated module
from ...kernels.interface import advance, loops

# <<< provided by the generated module


@loops
def evolve(steps, ceiling, p, arrays):
    """Do steps 0 … `steps`; return the first at which the watched number exceeds `ceiling`, or
    `steps` + 1."""
    for t in range(steps + 1):
        watched = advance(t, p, arrays)
        if not watched <= ceiling:
            return t
    return steps + 1
