r"""Two-point noise, :math:`\epsilon=\pm a` with probability one half each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..core.checks import positive
from .base import Noise


@dataclass(frozen=True)
class Rademacher(Noise):
    """A random sign times `scale`; no mass near zero.

    Parameters
    ----------
    scale : float
        The size a of every draw, > 0.

    Raises
    ------
    InvalidInput, InvalidType
        A scale that is not a number > 0.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.Rademacher(scale=0.5).variance
    0.25
    """

    scale: float
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"scale": 0.5}

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", positive("scale", self.scale))

    def components(self) -> tuple[Any, Any, Any]:
        import sympy as sp

        return (sp.S.Half, sp.S.Half), (-self.scale, self.scale), (0, 0)

    def moment(self, k: int) -> Any:
        return self.scale**k if k % 2 == 0 else 0.0

    def sample(self, rng: np.random.Generator, n: int | tuple[int, ...]) -> np.ndarray:
        return self.scale * (2.0 * rng.integers(0, 2, size=n) - 1.0)
