r"""Curvature dynamics aware tuning: the step that minimises the local parabola, times a scale.

.. math:: \eta=\sigma\,\frac{|g|^2}{|g^\top Hg|+\varepsilon}

Scale 1 is greedy, scale 2 is on the edge. Rule of arXiv 2407.06183.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import sympy as sp

from ..core.checks import fraction, number
from ..core.errors import InvalidInput
from .tuner import Local, Memory, Tuner, capped


@dataclass(frozen=True)
class CDAT(Tuner):
    """η = scale · |g|²/(|gᵀHg| + damping).

    Parameters
    ----------
    scale : float
        σ; 1 minimises the parabola along the gradient, 2 is at the edge.
    ema : float
        Share of the past in exponential averages of numerator and denominator, each by itself.
    damping : float
        ε >= 0.
    largest : float
        The step is at most this; without curvature along g it is this.

    Raises
    ------
    InvalidInput
        A scale or cap that is not positive; an ema outside [0, 1); a negative damping.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.CDAT(scale=2.0, ema=0.9).ema
    0.9
    """

    scale: Any
    ema: float = 0.0
    damping: float = 0.0
    largest: float = math.inf

    letters: ClassVar[dict[str, str]] = {
        "scale": "sigma",
        "ema": "beta",
        "damping": "varepsilon",
        "largest": "eta_max",
    }
    references: ClassVar[tuple[str, ...]] = ("arXiv:2407.06183",)
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"scale": 2.0}

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("scale", "largest")
        object.__setattr__(self, "ema", fraction("ema", self.ema))
        if number("damping", self.damping) < 0:
            raise InvalidInput("damping", self.damping, "give a number >= 0")

    @property
    def label(self) -> str:
        return f"CDAT {self.scale:g}"

    @property
    def memory(self) -> tuple[Memory, ...]:
        # both averages start at 0: the weight that they lack is the same, and cancels
        kept = Memory("n", 0.0, True), Memory("d", 0.0, True)
        return kept if self.ema != 0 else ()

    def step(self, here: Local, kept: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
        new = here.square, sp.Abs(here.bend) + self.damping
        if kept:
            pairs = zip(kept, new, strict=True)
            new = tuple(self.ema * old + (1 - self.ema) * now for old, now in pairs)
        bounded = capped(self.scale * new[0] / new[1], self.largest)
        step = sp.Piecewise((bounded, new[1] > 0), (sp.sympify(self.largest), True))
        return step, new if kept else ()
