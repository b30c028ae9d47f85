"""Where the states of a run with memory begin, and what is read off them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def opening(lowered: Any, start: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the states, one a row: delta, m = 0, a sum of 0 or an average at delta, theta*."""
    average = start if lowered.begins is None else np.zeros_like(start)
    begins = {"delta": start, "m": np.zeros_like(start), "S": average, "theta": target}
    return np.array([begins[name] for name in lowered.states], dtype=np.float64)


def average_of(
    lowered: Any, times: np.ndarray, dimension: int, totals: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the risks that were recorded: of the iterate, and of the average where there is one.

    Parameters
    ----------
    lowered : Remembering
    times : (T,) array
    dimension : int
    totals : (T, 2) array
        Half the squares of delta and of the average or sum S, in the norm of K.
    """
    risks = {"risk": totals[:, 0]}
    if "S" not in lowered.states:
        return risks
    average = totals[:, 1]
    if lowered.begins is not None:
        first = math.ceil(lowered.begins * dimension * (1 - 1e-14))
        since = (np.rint(times * dimension) - first) / dimension
        with np.errstate(divide="ignore", invalid="ignore"):
            average = np.where(since > 0, average / since**2, totals[:, 0])
    return {**risks, "average_risk": average}
