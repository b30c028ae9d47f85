r"""Step-size tuners: methods that choose their step from what the loss looks like here.

.. math:: w^+=w-\eta g,\qquad \eta=\eta(f,\ |g|^2,\ g^\top Hg,\ f(w-\eta g),\ \lambda)

A rule is stated once, in sympy, and runs wherever these numbers are known. What the loss is along
the gradient is its Taylor polynomial where it is one, of degree four at most,

.. math:: f(w-\eta g)=f-\eta|g|^2+\tfrac{\eta^2}2g^\top Hg-\tfrac{\eta^3}6\nabla^3f[g^3]
          +\tfrac{\eta^4}{24}\nabla^4f[g^4],

as on every model of this package, and is looked up where it is not, as on a network.
Setting of arXiv 2407.06183 and 2312.00209.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, ClassVar

import sympy as sp

from ..core.checks import choice, count, positive
from ..core.errors import NotAvailable
from ..core.printer import latex
from .base import Method
from .sgd import SAMPLINGS

#: the step that a line search tries
trial = sp.Symbol("eta_trial", positive=True)


@dataclass(frozen=True)
class Local:
    """What a tuner sees of a loss at a point, along the gradient.

    Attributes
    ----------
    loss, square, bend, third, fourth : expressions
        f, |g|², gᵀHg, ∇³f[g, g, g] and ∇⁴f[g, g, g, g].
    sharpness : expression
        The curvature λ whose edge is ηλ = 2.
    fall : callable, optional
        η ↦ (f(w) − f(w − ηg))/η, where the loss along g is no polynomial of degree four.
    """

    loss: Any
    square: Any
    bend: Any
    third: Any
    fourth: Any
    sharpness: Any
    fall: Callable[[Any], Any] | None = None

    def mean_fall(self, eta: Any) -> Any:
        """(f(w) − f(w − ηg))/η: free of cancellation where it is a polynomial."""
        if self.fall is not None:
            return self.fall(eta)
        bent = self.bend / 2 - eta * self.third / 6 + eta**2 * self.fourth / 24
        return self.square - eta * bent


#: its letters in print
_LETTERS = (
    "f",
    "{|g|^{2}}",
    r"{g^{\top}Hg}",
    r"{\nabla^{3}f[g,g,g]}",
    r"{\nabla^{4}f[g,g,g,g]}",
    "lambda",
)
SEEN = Local(*(sp.Symbol(letter, real=True) for letter in _LETTERS))


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
    """A method without a rate: it chooses its step at every step.

    Parameters
    ----------
    batch : int, optional, keyword only
        Examples a step, whose loss is what the tuner sees. Left out: all of finite data, one
        sample of a toy's noise.
    sampling : str, keyword only
        As for `SGD`; of finite data.
    """

    rate: Any = field(init=False, default=None, repr=False)
    _: KW_ONLY
    batch: Any = None
    sampling: str | None = None

    remembers: ClassVar[bool] = False
    #: field → letter in formulas
    letters: ClassVar[dict[str, str]] = {}
    families: ClassVar[Mapping[str, str]] = {"second_order": "tuners"}

    def __post_init__(self) -> None:
        if self.batch is not None:
            object.__setattr__(self, "batch", count("batch", self.batch))
        if self.sampling is not None:
            choice("sampling", self.sampling, SAMPLINGS)
        self._check_remembered()

    @property
    def memory(self) -> tuple[Memory, ...]:
        """What is kept from step to step."""
        return ()

    def step(self, here: Local, kept: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
        """Return the step as an expression, and what is kept after it."""
        raise NotImplementedError(f"{type(self).__name__} does not state its step")

    def statement(self) -> list[tuple[str, str]]:
        """The step, from what the tuner sees and keeps."""
        kept = tuple(sp.Symbol(part.name) for part in self.memory)
        return [(r"\eta", latex(self.step(SEEN, kept)[0]))]

    def rule(self, l: Any) -> Any:  # noqa: E741
        """Refuse: a tuner needs the loss and its curvature, not one residual."""
        remedy = (
            "it chooses its step from loss and curvature; give SharpnessToy, TwoCurvatures or "
            "QuadraticRegression"
        )
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
