"""An L-stable diagonally implicit pair of order 4(3) and its control.

ESDIRK4(3)6L[2]SA (C. A. Kennedy and M. H. Carpenter, Appl. Numer. Math. 44, 2003). The state of
stage k is y + h Σ_{j<k} STAGES[k, j] k_j + h GAMMA k_k, the last stage being the new state; the
error estimate is h Σ_j ERROR[j] k_j. Every output time is a step's end.
"""

from __future__ import annotations

import numpy as np

# >>> provided by the generated module
from ..kernels.interface import pasted

# <<< provided by the generated module

#: as `tsitouras.CONTROL`
CONTROL = (True, 1e-8, -0.25, 0.0, -0.25, 5.0, 32.0)
GAMMA = 0.25
STAGE_TIMES = np.array([0.0, 0.5, 0.332, 0.62, 0.85, 1.0])
STAGES = np.array(
    [
        [0.0, 0.0, 0.0, 0.0, 0.0],
        [0.25, 0.0, 0.0, 0.0, 0.0],
        [8611 / 62500, -1743 / 31250, 0.0, 0.0, 0.0],
        [5012029 / 34652500, -654441 / 2922500, 174375 / 388108, 0.0, 0.0],
        [
            15267082809 / 155376265600,
            -71443401 / 120774400,
            730878875 / 902184768,
            2285395 / 8070912,
            0.0,
        ],
        [82889 / 524892, 0.0, 15625 / 83664, 69875 / 102672, -2260 / 8211],
    ]
)
EMBEDDED = np.array(
    [
        4586570599 / 29645900160,
        0.0,
        178811875 / 945068544,
        814220225 / 1159782912,
        -3700637 / 11593932,
        61727 / 225920,
    ]
)
ERROR = np.append(STAGES[5], GAMMA) - EMBEDDED


@pasted
def between(now, new, h, theta, room, model, out, place):
    """Write what is watched at the end of a step: no output lies within one."""
    for i in range(out.shape[1]):
        out[place, i] = new[1][i]
