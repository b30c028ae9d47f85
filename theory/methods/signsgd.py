"""signSGD, ψ = sign on every coordinate of the gradient (arXiv 2411.12135)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import sympy as sp

from .base import Method


@dataclass(frozen=True)
class SignSGD(Method):
    """θ_i ← θ_i − (rate/d) sign(ℓ x_i), with sign(0) = 0."""

    acts_on: ClassVar[str] = "coordinate"
    references: ClassVar[tuple[str, ...]] = ("arXiv:2411.12135",)

    def rule(self, l: Any) -> Any:  # noqa: E741
        return sp.sign(l)

    @property
    def label(self) -> str:
        return "signSGD"
