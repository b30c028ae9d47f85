"""Tsitouras' explicit 5(4) pair (Comput. Math. Appl. 62, 2011) and its control.

The state of stage k is y + h Σ_j STAGES[k, j] k_j, the last stage being the new state; the error
estimate is h Σ_j ERROR[j] k_j, and the weight of stage j at the fraction θ of a step is
Σ_k INTERPOLANT[j, k] θ^(k + 1).
"""

from __future__ import annotations

import numpy as np

# >>> provided by the generated module
from ..kernels.interface import scalar

# <<< provided by the generated module

#: whether every output time is a step's end; the smallest ratio of an error to its tolerance that
#: counts; the powers of that ratio, and of the one before, in the next step, and of that of a
#: refused step; the largest growth of a step; the fewest steps (a PI control)
CONTROL = (False, 1e-10, -0.14, 0.08, -0.2, 5.0, 32.0)
STAGE_TIMES = np.array([0.0, 0.161, 0.327, 0.9, 0.9800255409045097, 1.0, 1.0])
STAGES = np.array(
    [
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        [0.161, 0.0, 0.0, 0.0, 0.0, 0.0],
        [-0.008480655492356989, 0.335480655492357, 0.0, 0.0, 0.0, 0.0],
        [2.8971530571054935, -6.359448489975075, 4.3622954328695815, 0.0, 0.0, 0.0],
        [5.325864828439257, -11.748883564062828, 7.4955393428898365, -0.09249506636175525, 0.0,
        0.0], [
            5.86145544294642, -12.92096931784711, 8.159367898576159, -0.071584973281401,
            -0.028269050394068383, 0.0,
        ],
        [
            0.09646076681806523, 0.01, 0.4798896504144996, 1.379008574103742, -3.290069515436081,
            2.324710524099774,
        ],
    ]
)  # fmt: skip
ERROR = np.array(
    [
        -0.00178001105222577714,
        -0.0008164344596567469,
        0.007880878010261995,
        -0.1447110071732629,
        0.5823571654525552,
        -0.45808210592918697,
        0.015151515151515152,
    ]
)
INTERPOLANT = np.array(
    [
        [1.0, -2.763706197274826, 2.9132554618219126, -1.0530884977290216],
        [0.0, 0.1317, -0.2234, 0.1017],
        [0.0, 3.9302962368947516, -5.941033872131505, 2.490627285651253],
        [0.0, -12.411077166933676, 30.33818863028232, -16.548102889244902],
        [0.0, 37.50931341651104, -88.1789048947664, 47.37952196281928],
        [0.0, -27.896526289197286, 65.09189467479366, -34.87065786149661],
        [0.0, 1.5, -4.0, 2.5],
    ]
)


@scalar
def interpolation_weight(stage, theta):
    """Return the weight of a stage at the fraction θ of a step."""
    row = INTERPOLANT[stage]
    return theta * (row[0] + theta * (row[1] + theta * (row[2] + theta * row[3])))
