"""x Φ(βx): GELU at β = 1, the ReLU as β → ∞."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import sympy as sp

from ..core.checks import positive
from .base import Activation, norm, overlap, sharpness, teacher
from .pairs import gelu_mean


@dataclass(frozen=True)
class GELU(Activation):
    """φ(x) = x Φ(βx), Φ the normal distribution function; the β-GELU of arXiv 2401.10809.

    Parameters
    ----------
    beta : float
        Sharpness, > 0.

    Raises
    ------
    InvalidInput, InvalidType
        A sharpness that is not a number > 0.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.GELU().beta
    1.0
    """

    beta: float = 1.0

    gain: ClassVar[float] = 2.0
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"beta": 2.0}

    def __post_init__(self) -> None:
        object.__setattr__(self, "beta", positive("beta", self.beta))

    def function(self, x: Any) -> Any:
        return x * (1 + sp.erf(sharpness * x / sp.sqrt(2))) / 2

    def kernel(self) -> Any:
        return _kernel()

    @property
    def symbols(self) -> dict[Any, float]:
        return {sharpness: self.beta}

    @property
    def seams(self) -> tuple[float, ...]:
        """Within 1/β of 0, and where Φ(βx) is 0 or 1 to rounding."""
        return tuple(place / self.beta for place in (-8.5, -4.0, -1.5, 0.0, 1.5, 4.0, 8.5))

    @property
    def label(self) -> str:
        return f"GELU, β = {self.beta:g}"


@cache
def _kernel() -> Any:
    return gelu_mean((norm, overlap, teacher), sharpness)
