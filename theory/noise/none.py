"""No label noise: an atom at zero."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .base import Noise


@dataclass(frozen=True)
class NoNoise(Noise):
    """Labels are exact; every moment but the zeroth vanishes.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.NoNoise().variance
    0.0
    """

    EXAMPLE: ClassVar[Mapping[str, Any]] = {}

    def components(self) -> tuple[Any, Any, Any]:
        return (1,), (0,), (0,)

    def moment(self, k: int) -> Any:
        return 1.0 if k == 0 else 0.0

    def sample(self, rng: np.random.Generator, n: int | tuple[int, ...]) -> np.ndarray:
        return np.zeros(n)
