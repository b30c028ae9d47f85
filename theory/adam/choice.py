"""Which memory of Adam is slow beside d steps: the limit of the smallest announced error."""

from __future__ import annotations

import math
from typing import Any

from ..core.checks import choice

MEMORIES = ("short", "slow-variance", "slow")
#: relative error of the risk per memory over d: measured at d = 400, to a factor 2
MEMORY_ERROR = 0.25
#: announced error from which a limit says nothing
LARGEST_ERROR = 1.0
#: steps of one block of the stream over which the means of short memories are taken
BLOCK = 2**15
#: memories after which an average has forgotten its start
FORGOTTEN = 30


def forgets(beta: float) -> int:
    """Steps after which an average has forgotten its start."""
    return math.ceil(FORGOTTEN / (1 - beta))


def choose_memory(problem: Any, method: Any, memory: str | None = None) -> str:
    """Return the memory that was asked for, or the one of the smallest announced error."""
    if memory is not None:
        return choice("memory", memory, MEMORIES)
    if method.batch > 1:
        return "short"
    if math.isinf(problem.dimension):
        return "short"
    return min(MEMORIES, key=lambda chosen: memory_error(problem, method, chosen))


def memory_error(problem: Any, method: Any, chosen: str) -> float:
    """Announced relative error: memories that count as short, over d; of a slow v, what one
    sample does to it (1 − γ = 5/2 (1 − β₂) at β₁ = 0, Gaussian noise)."""
    d = problem.dimension
    first, second = (MEMORY_ERROR / (d * (1 - b)) for b in (method.beta1, method.beta2))
    if chosen == "short":
        # a batch resolves the mean gradient of a coordinate, which the limit takes to first order,
        # to 1/√B: measured −.2, 7 and 7.5 over d at β = (.5, .9), B = 1, 4, 4 and d = 400, 400, 800
        return float(method.batch * (first + second))
    return float(2.5 * (1 - method.beta2) + (first if chosen == "slow-variance" else 2.5 / d))
