"""Stochastic gradient descent, ψ(ℓ) = ℓ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .base import Method


@dataclass(frozen=True)
class SGD(Method):
    """θ ← θ − (rate/d) ℓ x, the comparator; needs noise of finite variance."""

    def rule(self, l: Any) -> Any:  # noqa: E741
        return l
