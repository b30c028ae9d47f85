"""Orbits of the two-eigenvalue model: recorded, or followed to the end of the motion."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.compile import load, writable

Array = NDArray[np.float64]

#: |z| or T beyond which an orbit has diverged: z grows like z²T from there; of 18 000 starts with
#: |z| up to 5 and T up to 50 those that stayed finite never left |z|, T < 50
CEILING = 1e4
#: relative change of the averaged T in two steps at which it stands still: a few roundings
STILL = 1e-15


@dataclass(frozen=True)
class Rest:
    """Where an orbit came to rest.

    Attributes
    ----------
    steps : int
        Until then, or until the budget was spent, or by when the orbit had diverged.
    value : float
        T averaged over the last two steps.
    state : "ended", "budget" or "diverged"
    """

    steps: int
    value: float
    state: str


def orbit(
    source: str, start: ArrayLike, numbers: ArrayLike, steps: NDArray[np.int64]
) -> tuple[Array, int | None]:
    """Return z and T at the given steps, (2, steps), and the step of divergence.

    NaN from where the orbit has diverged.
    """
    path = np.full((2, steps.size), np.nan)
    x, p = writable(start), writable(numbers)
    lost = int(_module(source).record(x, p, steps, CEILING, path))
    return path, None if lost < 0 else lost


def rest(source: str, start: ArrayLike, numbers: ArrayLike, most: int) -> Rest:
    """Follow an orbit until T, averaged over two successive steps, stands still."""
    end = np.full(1, np.nan)
    found = int(_module(source).settle(writable(start), writable(numbers), most, CEILING, STILL,
                                       end))  # fmt: skip
    if found >= 0:
        return Rest(found, float(end[0]), "ended")
    if found == -1:
        return Rest(most, float(end[0]), "budget")
    # T is averaged over step −2 − found and the next
    return Rest(-1 - found, float("nan"), "diverged")


def _module(source: str) -> ModuleType | Any:
    return load(source, "stepping/orbit")
