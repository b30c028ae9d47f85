"""μ, N, A and B of a method that clips, over arrays of risks and of thresholds."""

from __future__ import annotations

import numpy as np

# >>> provided by the generated module
from ...kernels.interface import decay, mu, power, scalar, source

# <<< provided by the generated module


@scalar
def clipped_at(coefficients, risk, threshold, place, p, weights, means, scales):
    """Return μ and N, or A and B, at pairs of a risk and a threshold, one row each.

    Parameters
    ----------
    coefficients : bool
        A and B.
    risk, threshold : (n,) arrays
    place : int
        Where the threshold stands in `p`.
    """
    own = p.copy()
    found = np.empty((2, risk.size))
    for i in range(risk.size):
        own[place] = threshold[i]
        if coefficients:
            found[0, i] = decay(risk[i], 0.0, own, weights, means, scales)
            found[1, i] = source(risk[i], 0.0, own, weights, means, scales)
        else:
            found[0, i] = mu(risk[i], 0.0, own, weights, means, scales)
            found[1, i] = power(risk[i], 0.0, own, weights, means, scales)
    return found


def warm_up():
    """Compile for the array types in use."""
    empty = np.empty(0)
    clipped_at(False, empty, empty, 0, empty, empty, empty, empty)
