"""signSGD, ψ = sign on every coordinate of the gradient (arXiv 2411.12135)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import sympy as sp

from ..core.checks import choice
from ..core.errors import InvalidInput
from .base import Method

_POOLS = {"sign-of-mean": "mean", "mean-of-signs": "each", "majority-vote": "both"}
AGGREGATES = tuple(_POOLS)


@dataclass(frozen=True)
class SignSGD(Method):
    """θ_i ← θ_i − (rate/d) sign(ℓ x_i), with sign(0) = 0.

    Parameters
    ----------
    rate : float or schedule
    batch : int, keyword only
        Samples per step.
    aggregate : str, keyword only
        What a batch above 1 steps along: "sign-of-mean" (the sign of the mean gradient),
        "mean-of-signs" or "majority-vote" (the sign of the sum of the signs; odd batches).

    Raises
    ------
    InvalidInput
        A majority vote of an even batch.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.SignSGD(0.4, batch=5, aggregate="majority-vote").aggregate
    'majority-vote'
    """

    _: KW_ONLY
    aggregate: str = "sign-of-mean"

    acts_on: ClassVar[str] = "coordinate"
    references: ClassVar[tuple[str, ...]] = ("arXiv:2411.12135",)
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"rate": 0.4}

    def __post_init__(self) -> None:
        super().__post_init__()
        choice("aggregate", self.aggregate, AGGREGATES)
        if self.aggregate == "majority-vote" and self.batch % 2 == 0:
            raise InvalidInput("batch", self.batch, "a majority vote needs an odd batch")

    def rule(self, l: Any) -> Any:  # noqa: E741
        return sp.sign(l)

    @property
    def pool(self) -> str:
        return _POOLS[self.aggregate]

    @property
    def label(self) -> str:
        return "signSGD"
