r"""Laplace noise with density :math:`e^{-|\epsilon|/b}/(2b)`, :math:`E\epsilon^2=2b^2`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..core.checks import positive
from .base import Noise


@dataclass(frozen=True)
class Laplace(Noise):
    """Two-sided exponential law.

    Parameters
    ----------
    scale : float
        Decay length b, > 0 (not the standard deviation, which is b√2).

    Raises
    ------
    InvalidInput, InvalidType
        A scale that is not a number > 0.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.Laplace(scale=0.5).variance
    0.5
    """

    scale: float
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"scale": 0.6}

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", positive("scale", self.scale))

    def density(self, e: Any) -> Any:
        import sympy as sp

        return sp.exp(-sp.Abs(e) / self.scale) / (2 * self.scale)

    def moment(self, k: int) -> Any:
        return math.factorial(k) * self.scale**k if k % 2 == 0 else 0.0

    @property
    def support_points(self) -> tuple[float, ...]:
        return (0.0,)

    def sample(self, rng: np.random.Generator, n: int | tuple[int, ...]) -> np.ndarray:
        return rng.laplace(0.0, self.scale, n)
