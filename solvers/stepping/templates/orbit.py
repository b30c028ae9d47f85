"""A map iterated: recorded at chosen steps, or until the motion has ended.

`advance(t, x, p, arrays)` is generated and does step t in place, of the numbers x and of the
arrays; `observe` writes what is watched of them into `seen`, `keep` what is recorded whole.
"""

from __future__ import annotations

import numpy as np

# >>> provided by the generated module
from ...kernels.interface import advance, keep, loops, observe

# <<< provided by the generated module


@loops
def largest_eigenvalue(matrix):
    """The largest eigenvalue of a symmetric matrix; NaN where it is not finite."""
    if not np.isfinite(np.sum(matrix)):
        return np.nan
    return np.linalg.eigvalsh(matrix)[-1]


@loops
def small(seen, ceiling):
    """Whether no observed number is above the ceiling, or NaN."""
    for k in range(seen.size):  # noqa: SIM110 (a loop is what numba compiles)
        if not abs(seen[k]) <= ceiling:
            return False
    return True


@loops
def record(x, p, arrays, steps, ceiling, seen, path, kept):
    """Write what is observed at the increasing `steps` into `path`, (numbers, steps), and `kept`.

    Return the first step at which an observed number exceeds `ceiling`, or −1.
    """
    place = 0
    for t in range(steps[-1] + 1):
        observe(t, x, p, arrays, seen)
        if not small(seen, ceiling):
            return t
        if t == steps[place]:
            path[:, place] = seen
            keep(place, x, p, arrays, kept)
            place += 1
            if place == steps.size:
                break
        advance(t, x, p, arrays)
    return -1


@loops
def settle(x, p, arrays, most, ceiling, tolerance, size, measure, seen, end):
    """Iterate until a measure, averaged over two successive steps, stands still and the size,
    another observed number, does not grow.

    The size itself is no measure: it underflows. Where the motion is unstable a size that is still
    tiny grows, and moves the measure later. `end` receives the averaged measure and the last size.
    Return the number of steps; −1 where `most` did not suffice; −2 − t where an observed number
    exceeded `ceiling` at step t or the one after.
    """
    largest, average = 0.0, np.inf
    for pair in range(most // 2):
        observe(2 * pair, x, p, arrays, seen)
        here, first = abs(seen[size]), seen[measure]
        fine = small(seen, ceiling)
        advance(2 * pair, x, p, arrays)
        observe(2 * pair + 1, x, p, arrays, seen)
        mean = 0.5 * (first + seen[measure])
        advance(2 * pair + 1, x, p, arrays)
        if not (fine and abs(mean) <= ceiling):
            return -2 - 2 * pair
        still = abs(mean - average) <= tolerance * abs(mean)
        end[0] = average = mean
        end[1] = here
        if still and here <= largest * (1.0 + tolerance):
            return 2 * pair
        largest = here
    return -1
