"""x²/2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from .base import Activation, norm, overlap, teacher


@dataclass(frozen=True)
class Quadratic(Activation):
    """φ(x) = x²/2, the unit of `QuadraticNetwork`.

    Examples
    --------
    >>> import sympy as sp
    >>> import limitlab as ll
    >>> ll.Quadratic().function(sp.Symbol("x"))
    x**2/2
    """

    EXAMPLE: ClassVar[Mapping[str, Any]] = {}

    def function(self, x: Any) -> Any:
        return x**2 / 2

    def kernel(self) -> Any:
        """E λ²ν²/4 = (QT + 2R²)/4, by Wick."""
        return (norm * teacher + 2 * overlap**2) / 4
