"""Descent on a loss with a penalty on its gradient, with the whole Hessian or a part of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

from ..core.checks import choice, count, number
from ..core.errors import InvalidInput, InvalidType, NotAvailable
from .base import LARGEST_BATCH, Method

#: what may stand for the Hessian
PARTS = ("full", "gauss-newton")


@dataclass(frozen=True)
class GradientPenalty(Method):
    """θ ← θ − rate (g + strength H g), or strength H g/|g| where normalised; g = ∇L.

    The first descends on L + (strength/2)|g|², the second on L + strength |g| (penalty SAM). Theory
    for `SingleIndex`.

    Parameters
    ----------
    rate : float
    strength : float
        ρ >= 0; 0 is gradient descent.
    hessian : {"full", "gauss-newton"}
        H, or its Gauss–Newton part alone: without the neglected one.
    normalised : bool
        Penalise |g| instead of |g|²/2.
    batch : int, optional, keyword only
        Fresh samples a step, the same for g and H; the whole population where left out.

    Raises
    ------
    InvalidInput, InvalidType
        A negative strength; another part.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.GradientPenalty(0.3, strength=0.2, normalised=True).strength
    0.2
    """

    strength: float
    hessian: str = "full"
    normalised: bool = False
    _: KW_ONLY
    batch: Any = None

    references: ClassVar[tuple[str, ...]] = ("arXiv:2401.10809",)
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"rate": 0.3, "strength": 0.2}

    def __post_init__(self) -> None:
        given = self.batch
        object.__setattr__(self, "batch", 1)
        super().__post_init__()
        drawn = None if given is None else count("batch", given, most=LARGEST_BATCH)
        object.__setattr__(self, "batch", drawn)
        object.__setattr__(self, "strength", number("strength", self.strength))
        if self.strength < 0:
            raise InvalidInput("strength", self.strength, "give a number >= 0")
        choice("hessian", self.hessian, PARTS)
        if not isinstance(self.normalised, bool):
            raise InvalidType("normalised", self.normalised, "give True or False")

    def rule(self, l: Any) -> Any:  # noqa: E741
        """Refuse: the step needs the Hessian."""
        remedy = (
            "a gradient penalty is no function of one residual; it has a theory for SingleIndex"
        )
        raise NotAvailable("rule", type(self).__name__, remedy)

    @property
    def label(self) -> str:
        kind = "penalty on |∇L|" if self.normalised else "gradient penalty"
        part = "" if self.hessian == "full" else ", Gauss–Newton part"
        return f"{kind}, ρ = {self.strength:g}{part}"
