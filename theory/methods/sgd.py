"""Stochastic gradient descent, ψ(ℓ) = ℓ, on a stream or on finite data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

from ..core.checks import choice
from ..core.errors import NotAvailable
from .base import Method

SAMPLINGS = ("without_replacement", "with_replacement", "bernoulli")
#: parts of the names of what goes through the data without drawing anew
_PASSES = ("shuffl", "epoch", "permut")
_SHUFFLED = (
    "batches of a reshuffled pass depend on one another, and the theory is of independent ones; "
    f"use {', '.join(SAMPLINGS)}"
)


@dataclass(frozen=True)
class SGD(Method):
    """θ ← θ − (rate/d) ℓ x on a stream; θ ← θ − (rate/B) Jᵀ P z on finite data.

    On a stream (``LeastSquares``) it needs noise of finite variance, and the step averages over
    the batch; ``sampling`` belongs to finite data and is refused there. On finite data there is
    ``momentum``, a number; averages, weight decay and slow memories are for streams.

    Parameters
    ----------
    rate : float or schedule
        Streams: step size rate/d. Finite data: step size.
    batch : int, keyword only
        Samples per step.
    sampling : str, keyword only
        How a batch is drawn from finite data: "without_replacement", "with_replacement" or
        "bernoulli" (every example with probability batch/D). None: without replacement.
    momentum : float or slow_memory(γ, direct=κ), keyword only
        β of the heavy ball, in [0, 1); the rate is not scaled by 1 − β.

    Raises
    ------
    InvalidInput
        A rate that is not positive and finite; a batch below 1; a momentum outside [0, 1); another
        sampling.
    NotAvailable
        Passes through reshuffled data, whose batches depend on one another.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.SGD(rate="0.5/(1 + t)", batch=4).rate
    0.5/(t + 1)
    """

    _: KW_ONLY
    sampling: str | None = None
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"rate": 0.5}

    def __post_init__(self) -> None:
        super().__post_init__()
        if any(part in str(self.sampling).lower() for part in _PASSES):
            raise NotAvailable("sampling", self.sampling, _SHUFFLED)
        if self.sampling is not None:
            choice("sampling", self.sampling, SAMPLINGS)

    def rule(self, l: Any) -> Any:  # noqa: E741
        return l
