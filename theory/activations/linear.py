"""x."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from .base import Activation, overlap


@dataclass(frozen=True)
class Linear(Activation):
    """φ(x) = x.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.Linear().straight
    True
    """

    EXAMPLE: ClassVar[Mapping[str, Any]] = {}

    def function(self, x: Any) -> Any:
        return x

    def kernel(self) -> Any:
        return overlap
