r"""Gaussian noise, :math:`\epsilon\sim N(0,\sigma^2)`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..core.checks import positive
from .base import Noise


@dataclass(frozen=True)
class Gaussian(Noise):
    """Centred normal law.

    Parameters
    ----------
    scale : float
        Standard deviation, > 0.

    Raises
    ------
    InvalidInput, InvalidType
        A scale that is not a number > 0.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.Gaussian(scale=0.5).variance
    0.25
    """

    scale: float
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"scale": 0.5}

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", positive("scale", self.scale))

    def components(self) -> tuple[Any, Any, Any]:
        return (1,), (0,), (self.scale,)

    def density(self, e: Any) -> Any:
        import sympy as sp

        return sp.exp(-((e / self.scale) ** 2) / 2) / (self.scale * sp.sqrt(2 * sp.pi))

    def sample(self, rng: np.random.Generator, n: int | tuple[int, ...]) -> np.ndarray:
        return self.scale * rng.standard_normal(n)
