"""A map iterated: recorded at chosen steps, or until the motion has ended.

`forward(x, p)` is generated: it does one step of the state x in place, x[0] = z, and returns the T
of before that step.
"""

from __future__ import annotations

import numpy as np

# >>> provided by the generated module
from ...kernels.interface import forward, loops

# <<< provided by the generated module


@loops
def record(x, p, steps, ceiling, path):
    """Write z and T at the increasing `steps` into `path`, (2, steps).

    Return the first step at which |z| or T exceeds `ceiling`, or −1.
    """
    place = 0
    for t in range(steps[-1] + 1):
        z = x[0]
        T = forward(x, p)
        if not (abs(z) <= ceiling and abs(T) <= ceiling):
            return t
        if t == steps[place]:
            path[0, place], path[1, place] = z, T
            place += 1
    return -1


@loops
def settle(x, p, most, ceiling, tolerance, end):
    """Iterate until T, averaged over two successive steps, stands still and z does not grow.

    z itself is no measure: it underflows. Where T > 2 a z that is still tiny grows, and moves T
    later. The averaged T is written into `end`. Return the number of steps; −1 where they did not
    suffice; −2 − t where |z| or T exceeded `ceiling` at step t.
    """
    size, average = 0.0, np.inf
    for pair in range(most // 2):
        z = abs(x[0])
        T = forward(x, p)
        mean = 0.5 * (T + forward(x, p))
        if not (z <= ceiling and abs(mean) <= ceiling):
            return -2 - 2 * pair
        still = abs(mean - average) <= tolerance * mean
        end[0] = average = mean
        if still and z <= size * (1.0 + tolerance):
            return 2 * pair
        size = z
    return -1
