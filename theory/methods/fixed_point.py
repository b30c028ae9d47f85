"""Damped iteration towards a fixed point: what an equilibrium network does in place of layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ..core.errors import InvalidInput, NotAvailable
from .base import Method


@dataclass(frozen=True)
class FixedPointIteration(Method):
    """z ← (1 − rate) z + rate φ(Wz + x). For EquilibriumNetwork.

    Parameters
    ----------
    rate : float
        In (0, 1]; 1 is the naive iteration, less of it damps.

    Raises
    ------
    InvalidInput
        A rate outside (0, 1].
    NotAvailable
        A schedule, or a batch: the damping is constant, and there are no samples.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.FixedPointIteration(rate=0.5).rate
    0.5
    """

    rate: Any = 1.0

    references: ClassVar[tuple[str, ...]] = ("arXiv:2207.09432",)
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"rate": 1.0}

    def __post_init__(self) -> None:
        super().__post_init__()
        if getattr(self.rate, "free_symbols", None):
            raise NotAvailable("rate", self.rate, "the damping is constant; give a number")
        if float(self.rate) > 1:
            raise InvalidInput("rate", self.rate, "give a number above 0 and at most 1")
        if self.batch > 1:
            raise NotAvailable("batch", self.batch, "there are no samples; leave it out")

    def rule(self, l: Any) -> Any:  # noqa: E741
        """Refuse: there is no residual of data."""
        remedy = "it iterates an EquilibriumNetwork and learns from no data"
        raise NotAvailable("rule", type(self).__name__, remedy)

    @property
    def label(self) -> str:
        return "iteration" if float(self.rate) == 1 else f"damped iteration, {self.rate:g}"
