"""Full-batch gradient descent on finite data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from .base import Method


@dataclass(frozen=True)
class GradientDescent(Method):
    """θ ← θ − (rate/D) Jᵀ z: every step sees all D examples. Finite data only.

    Parameters
    ----------
    rate : float or schedule in steps

    Raises
    ------
    InvalidInput
        A rate that is not positive and finite.
    NotAvailable
        What belongs to streams, such as an average.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.GradientDescent(rate=0.4).rate
    0.4
    """

    remembers: ClassVar[bool] = False
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"rate": 0.4}

    def rule(self, l: Any) -> Any:  # noqa: E741
        return l

    @property
    def label(self) -> str:
        return "gradient descent"
