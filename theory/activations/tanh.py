"""tanh x, and its straight lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import sympy as sp

from .base import Activation


@dataclass(frozen=True)
class Tanh(Activation):
    """φ(x) = tanh x.

    Examples
    --------
    >>> import limitlab as ll
    >>> round(ll.Tanh().steepest, 9)
    1.0
    """

    EXAMPLE: ClassVar[Mapping[str, Any]] = {}

    def function(self, x: Any) -> Any:
        return sp.tanh(x)


@dataclass(frozen=True)
class HardTanh(Activation):
    """φ(x) = x, cut at −1 and 1.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.HardTanh().kinks
    (-1.0, 1.0)
    """

    word: ClassVar[str] = "hard-tanh"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {}

    def function(self, x: Any) -> Any:
        return sp.Piecewise((-1, x < -1), (1, x > 1), (x, True))
