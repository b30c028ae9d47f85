"""How a run on finite data ended: converged, oscillating, diverged, or not finished.

Beyond the edge of stability a run need not come back: |z| may stay of order one for as long as one
looks, with the product of the edge above 2. The law that the sharpness comes to rest at the edge is
one of converged runs only, so that the three are told apart, as of the end of what was followed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...theory.core.warn import warn

Array = NDArray[np.float64]

#: |z| below which a run has converged
CONVERGED = 1e-8
#: steps of a window in which the size of the motion is judged
WINDOW = 64
#: a run whose size fell by less than this between the windows does not decay …
DECAY = 0.5
#: … and oscillates where the product of the edge reaches this; a 2-cycle comes to 2 from below
EDGE = 1.99


def watched(steps: NDArray[np.int64]) -> NDArray[np.int64]:
    """The steps that are asked for, and two windows of successive ones: at ¾ and at the end."""
    last = int(steps[-1])
    width = max(1, min(WINDOW, last // 4))
    ends = (last - last // 4, last)
    windows = [np.arange(max(0, end - width + 1), end + 1) for end in ends]
    return np.unique(np.concatenate([steps, *windows]))


def outcome(steps: NDArray[np.int64], size: Array, product: Array, lost: int | None) -> str:
    """Return "converged", "oscillating", "diverged" or "unfinished".

    Parameters
    ----------
    steps : (T,) int array
        Those of `watched`.
    size, product : (T,) arrays
        |z|, and what is 2 at the edge: rate · sharpness of gradient descent.
    """
    if lost is not None:
        return "diverged"
    if size[-1] <= CONVERGED:
        return "converged"
    last = int(steps[-1])
    width, middle = max(1, min(WINDOW, last // 4)), last - last // 4
    late = steps > last - width
    earlier = (steps > middle - width) & (steps <= middle)
    stays = size[late].max() >= DECAY * size[earlier].max()
    return "oscillating" if stays and product[late].max() >= EDGE else "unfinished"


def tell(lost: int | None) -> None:
    """Warn of a run that was lost."""
    if lost is not None:
        warn(f"diverged at step {lost}: what follows is no number")
