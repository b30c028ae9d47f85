r"""Step-size tuners: methods that choose their step from what the loss looks like here.

.. math:: w^+=w-\eta g,\qquad \eta=\eta(f,\ |g|^2,\ g^\top Hg,\ \nabla^3f[g,g,g],\ \lambda)

A rule is stated once, in sympy, and runs wherever these numbers are known.
Setting of arXiv 2407.06183 and 2312.00209.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

import sympy as sp

from ..core.checks import count, positive
from ..core.errors import NotAvailable
from .base import Method

#: the step that a line search tries
trial = sp.Symbol("eta_trial", positive=True)


@dataclass(frozen=True)
class Local:
    """What a tuner sees of a loss at a point, along the gradient.

    Attributes
    ----------
    loss, square, bend, third : expressions
        f, |g|², gᵀHg and ∇³f[g, g, g].
    sharpness : expression
        The curvature λ whose edge is ηλ = 2.
    """

    loss: Any
    square: Any
    bend: Any
    third: Any
    sharpness: Any


@dataclass(frozen=True)
class Memory:
    """A number that a tuner keeps from step to step.

    Attributes
    ----------
    name : str
    start : str or float
        Its first value, or the field of the method that holds it.
    squared : bool
        Whether it is measured in units of |g|².
    """

    name: str
    start: str | float
    squared: bool


@dataclass(frozen=True)
class Tuner(Method):
    """A method without a rate: it chooses its step at every step."""

    rate: Any = field(init=False, default=None, repr=False)

    remembers: ClassVar[bool] = False
    #: field → letter in formulas
    letters: ClassVar[dict[str, str]] = {}

    def __post_init__(self) -> None:
        object.__setattr__(self, "batch", count("batch", self.batch))

    @property
    def memory(self) -> tuple[Memory, ...]:
        """What is kept from step to step."""
        return ()

    def step(self, here: Local, kept: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
        """Return the step as an expression, and what is kept after it."""
        raise NotImplementedError(f"{type(self).__name__} does not state its step")

    def rule(self, l: Any) -> Any:  # noqa: E741
        """Refuse: a tuner needs the loss and its curvature, not one residual."""
        remedy = "it chooses its step from loss and curvature; give SharpnessToy or TwoCurvatures"
        raise NotAvailable("method", type(self).__name__, remedy)

    def _check(self, *fields: str) -> None:
        """Positive finite numbers; `largest` may be infinite."""
        for name in fields:
            value = getattr(self, name)
            if name == "largest" and value == math.inf:
                continue
            object.__setattr__(self, name, positive(name, value))


def capped(step: Any, largest: Any) -> Any:
    """The step, at most `largest`."""
    return step if largest == math.inf else sp.Min(step, largest)
