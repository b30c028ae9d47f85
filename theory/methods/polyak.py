r"""The step of Polyak: as far as the loss is above its minimum.

.. math:: \eta=\min\{s\,(f-f^*)/|g|^2,\ \eta_{\max}\}

Rule as in arXiv 2407.06183.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import sympy as sp

from ..core.checks import number
from .tuner import Local, Tuner, capped


@dataclass(frozen=True)
class Polyak(Tuner):
    """η = scale · (f − minimum)/|g|², at most `largest`.

    Parameters
    ----------
    scale : float
        s.
    minimum : float
        f*, a true lower bound of the loss.
    largest : float

    Raises
    ------
    InvalidInput
        A scale or cap that is not positive.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.Polyak(scale=0.5).scale
    0.5
    """

    scale: Any = 1.0
    minimum: float = 0.0
    largest: float = math.inf

    letters: ClassVar[dict[str, str]] = {"scale": "s", "minimum": "f_min", "largest": "eta_max"}
    references: ClassVar[tuple[str, ...]] = ("arXiv:2407.06183",)
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"scale": 1.0}

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("scale", "largest")
        object.__setattr__(self, "minimum", number("minimum", self.minimum))

    @property
    def label(self) -> str:
        return f"Polyak {self.scale:g}"

    def step(self, here: Local, kept: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
        # the loss of a batch can be below the bound
        above = sp.Max(here.loss - self.minimum, 0)
        bounded = capped(self.scale * above / here.square, self.largest)
        return sp.Piecewise((bounded, here.square > 0), (0, True)), ()
