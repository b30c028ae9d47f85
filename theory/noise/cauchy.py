r"""Cauchy noise, density :math:`s/(\pi(\epsilon^2+s^2))`: Student noise with df = 1, no moments."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..core.checks import positive
from .base import Noise
from .student_t import student_components, student_moment


@dataclass(frozen=True)
class Cauchy(Noise):
    """Cauchy law: Student's with one degree of freedom, no moments at all.

    Parameters
    ----------
    scale : float
        Half width s at half height, > 0.

    Raises
    ------
    InvalidInput, InvalidType
        A scale that is not a number > 0.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.Cauchy(scale=0.5).variance
    inf
    """

    scale: float
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"scale": 0.4}

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", positive("scale", self.scale))

    def components(self) -> tuple[Any, Any, Any]:
        return student_components(1.0, self.scale)

    def density(self, e: Any) -> Any:
        import sympy as sp

        return self.scale / (sp.pi * (e**2 + self.scale**2))

    def moment(self, k: int) -> Any:
        return student_moment(k, 1.0, self.scale)

    @property
    def density_at_zero(self) -> float:
        return 1 / (math.pi * self.scale)

    @property
    def support_points(self) -> tuple[float, ...]:
        return (0.0,)

    def sample(self, rng: np.random.Generator, n: int | tuple[int, ...]) -> np.ndarray:
        return self.scale * rng.standard_cauchy(n)
