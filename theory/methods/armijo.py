r"""Backtracking to a sufficient decrease.

.. math:: f(w)-f(w-\eta g)\ge c\,\eta|g|^2

The search starts at the last step times `increase` and shrinks by `backtrack`. The decrease is that
of the loss itself: a polynomial of the step, exact on every model, and evaluated on a network.
Rule as in arXiv 2407.06183.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import sympy as sp

from ..core.checks import positive
from ..core.errors import InvalidInput
from ..core.loops import Shrink
from .tuner import Local, Memory, Tuner, capped, trial

#: the slowest search, which tries all floats in `MOST_TRIALS`
SLOWEST = 0.999


@dataclass(frozen=True)
class Armijo(Tuner):
    """The largest step of a grid that decreases the loss by c η |g|².

    Parameters
    ----------
    c : float
        In (0, 1). On a parabola of curvature R along g the steps are at most 2(1 − c)/R.
    backtrack : float
        Above 0 and at most .999, so that a search comes to an end: what a refused step is
        multiplied by.
    increase : float
        >= 1: the search starts at the last step times this. The answer depends on it.
    first : float
        The last step of the first search.
    largest : float
        No search starts above this.

    Raises
    ------
    InvalidInput
        A number outside its range.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.Armijo(c=0.1, backtrack=0.8).backtrack
    0.8
    """

    c: float
    backtrack: float = 0.5
    increase: float = 2.0
    first: float = 1.0
    largest: float = math.inf

    letters: ClassVar[dict[str, str]] = {
        "backtrack": "gamma",
        "increase": "tau",
        "first": "eta_first",
        "largest": "eta_max",
    }
    references: ClassVar[tuple[str, ...]] = ("arXiv:2407.06183",)
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"c": 0.1}

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("c", "backtrack", "increase", "first", "largest")
        for name in ("c", "backtrack"):
            if getattr(self, name) >= 1:
                raise InvalidInput(name, getattr(self, name), "give a number between 0 and 1")
        if self.backtrack > SLOWEST:
            remedy = f"a search would take too many trials; give a number up to {SLOWEST}"
            raise InvalidInput("backtrack", self.backtrack, remedy)
        if positive("increase", self.increase) < 1:
            raise InvalidInput("increase", self.increase, "give a number >= 1")

    @property
    def label(self) -> str:
        return f"Armijo {self.c:g}"

    @property
    def memory(self) -> tuple[Memory, ...]:
        return (Memory("eta_last", "first", False),)

    def step(self, here: Local, kept: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
        falls = here.mean_fall(trial) - self.c * here.square
        start = capped(self.increase * kept[0], self.largest)
        step = Shrink(trial, start, self.backtrack, sp.Ge(falls, 0))
        return step, (step,)
