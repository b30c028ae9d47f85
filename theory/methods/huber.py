"""SGD on the Huber loss: the residual is clipped, not the gradient norm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from .clipped import ThresholdMethod


@dataclass(frozen=True)
class Huber(ThresholdMethod):
    """θ ← θ − (rate/d) clip_c(ℓ) x; in the limit the same as :class:`ClippedSGD` (derived here).

    Raises
    ------
    InvalidInput
        A rate or a threshold that is not positive; a batch below 1.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.Huber(0.8, threshold=1.0).label
    'Huber'
    """

    acts_on: ClassVar[str] = "residual"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"rate": 0.8, "threshold": 1.0}
