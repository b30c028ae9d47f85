"""Times that a solution has to land on: where its slopes bend or jump."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def landing(times: Array, stops: Array) -> tuple[Array, NDArray[np.int64]]:
    """Return output times with a break at every stop, and the rows that were asked for.

    A break is the float below the stop and the stop itself (`adaptive`).

    Parameters
    ----------
    times : (T,) array
        Increasing.
    stops : (n,) array
        Those outside the times are left out.
    """
    inside = stops[(stops > times[0]) & (stops < times[-1])]
    if inside.size == 0:
        return times, np.arange(times.size)
    merged = np.unique(np.concatenate([times, inside, np.nextafter(inside, -np.inf)]))
    return merged, np.searchsorted(merged, times)
