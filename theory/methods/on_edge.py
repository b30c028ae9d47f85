r"""The step that stays at a fraction of the edge of stability, :math:`\eta=2\,\phi/\lambda`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from .tuner import Local, Tuner


@dataclass(frozen=True)
class OnEdge(Tuner):
    """η = 2 fraction/sharpness: exactly on the edge at 1, below it under 1.

    Parameters
    ----------
    fraction : float
        φ > 0; above 1 is beyond the edge.

    Raises
    ------
    InvalidInput
        A fraction that is not positive.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.OnEdge(fraction=0.9).fraction
    0.9
    """

    fraction: Any = 1.0

    letters: ClassVar[dict[str, str]] = {"fraction": "phi"}
    references: ClassVar[tuple[str, ...]] = ("arXiv:2407.06183",)
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"fraction": 1.0}

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("fraction")

    @property
    def label(self) -> str:
        return f"{self.fraction:g} of the edge"

    def step(self, here: Local, kept: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
        return 2 * self.fraction / here.sharpness, ()
