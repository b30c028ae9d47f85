"""A(R, t) and B(R, t) as compiled loops read them: through a table in log R where there is one."""

from __future__ import annotations

import math

# >>> provided by the generated module
from .interface import decay, loops, rate, scalar, source

# <<< provided by the generated module

# coefficients like R^(-1/2) are read no closer to zero than this
SMALLEST_RISK = 1e-100


@scalar
def chebyshev_panel(table, position, column):
    """Return one Chebyshev series (Clenshaw's recurrence) at a position counted in panels."""
    panel = int(position)
    z = 2.0 * (position - panel) - 1.0
    series = table[1 + panel, column]
    ahead = 0.0
    current = 0.0
    for k in range(series.size - 1, 0, -1):
        ahead, current = current, 2.0 * z * current - ahead + series[k]
    return z * current - ahead + series[0]


@loops
def chebyshev_pair(table, position):
    """Return both series of a table at a position counted in panels.

    A term waits for the one before it: for one multiplication and one addition of it, no more.
    """
    panel = int(position)
    z = 2.0 * (position - panel) - 1.0
    twice = 2.0 * z
    first, second = table[1 + panel, 0], table[1 + panel, 1]
    ahead, current, ahead2, current2 = 0.0, 0.0, 0.0, 0.0
    for k in range(first.size - 1, 0, -1):
        ahead, current = current, twice * current + (first[k] - ahead)
        ahead2, current2 = current2, twice * current2 + (second[k] - ahead2)
    return z * current + (first[0] - ahead), z * current2 + (second[0] - ahead2)


@scalar
def scaled_coefficients(risk, t, law, table, factors):
    """Return A and B times the two factors of a sensitivity run.

    The table (1 + panels, 2, n) holds log(A/η) and log(B/η²); its first row is (start, width) of
    the panels in log R.
    """
    p, weights, means, scales = law
    risk = max(risk, SMALLEST_RISK)
    panels = table.shape[0] - 1
    if panels > 0:
        position = (math.log(risk) - table[0, 0, 0]) / table[0, 0, 1]
        if 0.0 <= position < panels:
            eta = rate(t, p)
            drift, noise = chebyshev_pair(table, position)
            drift, noise = eta * math.exp(drift), eta * eta * math.exp(noise)
            return factors[0] * drift, factors[1] * noise
    drift = decay(risk, t, p, weights, means, scales)
    return factors[0] * drift, factors[1] * source(risk, t, p, weights, means, scales)
