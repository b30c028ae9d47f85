"""Descent on the loss at noisy weights, or on its expansion in the noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

from ..core.checks import choice, count, number
from ..core.errors import InvalidInput, NotAvailable
from .base import LARGEST_BATCH, Method

#: the objective: the noisy loss itself, or L with a penalty on one of two traces
OBJECTIVES = ("exact", "hessian", "gauss-newton")


@dataclass(frozen=True)
class WeightNoise(Method):
    """Descend on E L(θ + σξ), or on L + (σ²/2) tr H or L + (σ²/2) tr GN, which truncate it.

    Theory for `SingleIndex`, for ``variance`` = σ²d fixed as d → ∞.

    Parameters
    ----------
    rate : float
    variance : float
        σ²d >= 0, the squared length of the noise.
    objective : {"exact", "hessian", "gauss-newton"}
    draws : int, optional, keyword only
        Fresh noises a step; their mean where left out. For "exact" only.
    batch : int, optional, keyword only
        Fresh samples for each of the draws; the whole population where left out.

    Raises
    ------
    InvalidInput, NotAvailable
        A negative variance; draws for a penalty; a batch without draws.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.WeightNoise(0.3, variance=0.3, draws=4).variance
    0.3
    """

    variance: float
    objective: str = "exact"
    _: KW_ONLY
    draws: int | None = None
    batch: Any = None

    references: ClassVar[tuple[str, ...]] = ("arXiv:2401.10809",)
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"rate": 0.3, "variance": 0.3}

    def __post_init__(self) -> None:
        given = self.batch
        object.__setattr__(self, "batch", 1)
        super().__post_init__()
        drawn = None if given is None else count("batch", given, most=LARGEST_BATCH)
        object.__setattr__(self, "batch", drawn)
        object.__setattr__(self, "variance", number("variance", self.variance))
        if self.variance < 0:
            raise InvalidInput("variance", self.variance, "give a number >= 0")
        choice("objective", self.objective, OBJECTIVES)
        if self.draws is not None:
            object.__setattr__(self, "draws", count("draws", self.draws, most=LARGEST_BATCH))
            if self.objective != "exact":
                remedy = 'a penalty is one of the population; use objective="exact"'
                raise NotAvailable("draws", self.draws, remedy)
        elif self.batch is not None:
            remedy = "samples are drawn for a drawn noise; give draws=, or leave it out"
            raise NotAvailable("batch", self.batch, remedy)

    def rule(self, l: Any) -> Any:  # noqa: E741
        """Refuse: the noise moves all weights at once."""
        remedy = "weight noise is no function of one residual; it has a theory for SingleIndex"
        raise NotAvailable("rule", type(self).__name__, remedy)

    @property
    def label(self) -> str:
        kind = {"exact": "weight noise", "hessian": "penalty tr H"}
        return f"{kind.get(self.objective, 'penalty tr GN')}, σ²d = {self.variance:g}"
