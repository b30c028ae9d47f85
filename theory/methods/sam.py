"""Sharpness-aware minimisation: a gradient step with the gradient of a displaced point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

from ..core.checks import choice, number
from ..core.errors import InvalidInput, InvalidType, NotAvailable
from .base import Method
from .sgd import SAMPLINGS


@dataclass(frozen=True)
class SAM(Method):
    """θ ← θ − rate ∇L(θ + radius ∇L(θ)), or with ∇L/|∇L| inside where normalised. Finite data.

    L is the mean over the batch, |z|²/(2D) over all data, and both gradients see the same batch.
    A loss that is a sum over the data, |z|²/2, has rate/D and radius/D for these two (and the same
    radius where it is normalised).

    Parameters
    ----------
    rate : float or schedule in steps
    radius : float
        How far the gradient is displaced, ρ >= 0; 0 is gradient descent.
    normalised : bool
        The displacement has the length radius, whatever the gradient.
    batch : int, optional, keyword only
        Examples a step; all of them where left out.
    sampling : str, keyword only
        As for `SGD`.

    Raises
    ------
    InvalidInput, InvalidType
        A negative radius; a rate that is not positive; a batch below 1.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.SAM(0.3, radius=0.2, batch=2, sampling="bernoulli").radius
    0.2
    """

    radius: float
    normalised: bool = False
    _: KW_ONLY
    batch: Any = None
    sampling: str | None = None

    remembers: ClassVar[bool] = False
    families: ClassVar[Mapping[str, str]] = {"second_order": "sam", "two_eigenvalues": "sam"}
    references: ClassVar[tuple[str, ...]] = ("arXiv:2302.08692",)
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"rate": 0.3, "radius": 0.2}

    def __post_init__(self) -> None:
        given = self.batch
        object.__setattr__(self, "batch", 1 if given is None else given)
        super().__post_init__()
        if given is None:
            object.__setattr__(self, "batch", None)
        object.__setattr__(self, "radius", number("radius", self.radius))
        if self.radius < 0:
            raise InvalidInput("radius", self.radius, "give a number >= 0")
        if not isinstance(self.normalised, bool):
            raise InvalidType("normalised", self.normalised, "give True or False")
        if self.sampling is not None:
            choice("sampling", self.sampling, SAMPLINGS)

    def rule(self, l: Any) -> Any:  # noqa: E741
        """Refuse: the step of SAM needs the gradient at two points."""
        remedy = (
            "SAM's step is no function of one residual; it has theories for QuadraticRegression "
            "and TwoEigenvalueModel"
        )
        raise NotAvailable("rule", type(self).__name__, remedy)

    @property
    def label(self) -> str:
        kind = "normalised SAM" if self.normalised else "SAM"
        return f"{kind}, ρ = {self.radius:g}"
