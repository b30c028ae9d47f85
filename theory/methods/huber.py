"""SGD on the Huber loss: the residual is clipped, not the gradient norm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .clipped import ThresholdMethod


@dataclass(frozen=True)
class Huber(ThresholdMethod):
    """θ ← θ − (rate/d) clip_c(ℓ) x; in the limit the same as :class:`ClippedSGD` (derived here)."""

    acts_on: ClassVar[str] = "residual"
