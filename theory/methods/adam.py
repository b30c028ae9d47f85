"""Adam without bias correction (its high-dimensional limit is a conjecture, after 2411.12135)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ..core.checks import fraction
from ..core.errors import NotAvailable
from .base import Method


@dataclass(frozen=True)
class Adam(Method):
    """m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², θ ← θ − (rate/d) m/√v, by coordinate.

    g is the mean of ℓ x over the batch.

    There is no bias correction and nothing is added to √v; m and v have forgotten how they
    started when θ begins to move.

    Parameters
    ----------
    rate : float or schedule
    beta1, beta2 : float
        In [0, 1). The memories are 1/(1 − β) steps.

    Raises
    ------
    InvalidInput
        A β outside [0, 1).

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.Adam(rate=0.4, beta1=0.0, beta2=0.99).beta2
    0.99
    """

    beta1: float = 0.9
    beta2: float = 0.999

    remembers: ClassVar[bool] = False
    acts_on: ClassVar[str] = "coordinate"
    families: ClassVar[Mapping[str, str]] = {"streaming": "adam"}
    references: ClassVar[tuple[str, ...]] = ("arXiv:2411.12135",)
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"rate": 0.4, "beta1": 0.0, "beta2": 0.9}

    def __post_init__(self) -> None:
        super().__post_init__()
        for field in ("beta1", "beta2"):
            object.__setattr__(self, field, fraction(field, getattr(self, field)))

    def rule(self, l: Any) -> Any:  # noqa: E741
        """Refuse: the step of Adam remembers earlier residuals."""
        remedy = "Adam's step is no function of one residual"
        raise NotAvailable("rule", type(self).__name__, remedy)
