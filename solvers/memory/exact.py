"""The exact mean of a linear rule with memory at finite dimension, and how far the limit is off.

Without schedules every step is the same linear map of the moments and 1: long runs take its powers
by squaring. With them every step is walked.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.errors import SolveFailed
from ...theory.core.symbolic import numbers
from ...theory.core.symbols import t as time
from ...theory.memory.exact import MomentRecursion
from ...theory.memory.step import owners
from ..core.compile import load, writable
from .modes import MemoryModes

Array = NDArray[np.float64]
Steps = NDArray[np.int64]

#: steps up to which walking is as quick as powers of the step
_WALKED = 200_000


def exact_totals(
    recursion: MomentRecursion,
    problem: Any,
    method: Any,
    modes: MemoryModes,
    steps: Steps,
    dimension: float | None = None,
) -> Array:
    """Return the mean total of every moment after so many steps, (T, moments).

    Parameters
    ----------
    recursion : MomentRecursion
    modes : MemoryModes
        With the patterns of the recursion's moments.
    steps : (T,) int array
        Increasing.
    dimension : float, optional
        Another d, at the same λ and c.

    Raises
    ------
    SolveFailed
        The mean is not a finite number.
    """
    d = float(problem.dimension if dimension is None else dimension)
    p = numbers(recursion.parameters, owners(method, problem.noise))
    kernels = load(recursion.source, "memory/exact")
    moves = recursion.change.has(time)
    with np.errstate(over="ignore", invalid="ignore"):
        if moves or steps[-1] <= _WALKED:
            parts = (writable(modes.rates), writable(modes.sources), writable(modes.state))
            totals = kernels.march(*parts, steps, d, p, moves)
        else:
            totals = _powered(kernels, modes, steps, d, p)
    broken = ~np.isfinite(totals[:, 0])
    if broken.any():
        where = int(np.argmax(broken))
        before = float(totals[where - 1, 0]) if where else math.inf
        reason = "the mean risk is not a finite number: the rate is beyond mean-square stability"
        raise SolveFailed(reason, steps[where] / d, 1 / d, before)
    found: Array = totals
    return found


def _powered(kernels: Any, modes: MemoryModes, steps: Steps, d: float, p: Array) -> Array:
    """By the binary digits of the step counts: E ← 2E + E² loses no digit to the 1 of 1 + E."""
    state = modes.state
    kinds, m = state.shape
    own = np.zeros((m, kinds, kinds))
    gains = np.zeros((m, kinds)), np.zeros((m, kinds))
    kernels.matrices_of(writable(modes.rates), 0.0, d, p, own, *gains)
    size = kinds * m
    change = np.zeros((size + 1, size + 1))
    for i in range(m):  # kind by kind, as the state is
        places = np.arange(kinds) * m + i
        change[np.ix_(places, places)] = own[i]
    from_risk, from_noise = ((gain * modes.sources[:, None]).T.ravel() for gain in gains)
    change[:size, :m] += from_risk[:, None]
    change[:size, size] = from_noise
    vector, out = np.append(state.ravel(), 1.0), np.empty((steps.size, kinds))
    gaps = np.diff(steps, prepend=0)
    powers = [change]
    while 2 ** len(powers) <= gaps.max():
        powers.append(2 * powers[-1] + powers[-1] @ powers[-1])
    for record, gap in enumerate(gaps.tolist()):
        for k in range(gap.bit_length()):
            if gap >> k & 1:
                vector = vector + powers[k] @ vector
        out[record] = vector[:size].reshape(kinds, m).sum(axis=1)
    return out
