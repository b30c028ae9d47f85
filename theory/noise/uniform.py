r"""Uniform noise on :math:`[-b,b]`, :math:`E\epsilon^2=b^2/3`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..core.checks import positive
from .base import Noise


@dataclass(frozen=True)
class Uniform(Noise):
    """Constant density on an interval about zero.

    Parameters
    ----------
    halfwidth : float
        Half the length b of the interval, > 0.

    Raises
    ------
    InvalidInput, InvalidType
        A halfwidth that is not a number > 0.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.Uniform(halfwidth=0.5).support_points
    (-0.5, 0.5)
    """

    halfwidth: float
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"halfwidth": 0.8}

    def __post_init__(self) -> None:
        object.__setattr__(self, "halfwidth", positive("halfwidth", self.halfwidth))

    def density(self, e: Any) -> Any:
        import sympy as sp

        b = self.halfwidth
        inside = sp.And(sp.sympify(e) >= -b, sp.sympify(e) <= b)
        return sp.Piecewise((1 / (2 * sp.sympify(b)), inside), (0, True))

    def moment(self, k: int) -> Any:
        return self.halfwidth**k / (k + 1) if k % 2 == 0 else 0.0

    @property
    def support_points(self) -> tuple[float, ...]:
        return (-self.halfwidth, self.halfwidth)

    def sample(self, rng: np.random.Generator, n: int | tuple[int, ...]) -> np.ndarray:
        return rng.uniform(-self.halfwidth, self.halfwidth, n)
