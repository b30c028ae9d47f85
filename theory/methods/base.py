"""What every method is: a scalar rule, a step size, and the way the rule acts on the gradient."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from numbers import Integral
from typing import Any, ClassVar

from ..core.checks import count
from ..core.errors import InvalidInput, InvalidType
from ..core.problem import Learner
from ..schedules.following import FollowingRate
from ..schedules.schedule import as_schedule

ACTS_ON = ("residual", "norm", "coordinate")
#: where a rule may act in a batch, by what it acts on
POOLS = {"residual": ("each",), "norm": ("each", "mean"), "coordinate": ("each", "mean", "both")}
#: samples that a step may take
LARGEST_BATCH = 2**31 - 1


@dataclass(frozen=True)
class Method(Learner):
    """A streaming optimiser, stated by one scalar rule ψ.

    Subclass it as a frozen dataclass with the hyper-parameters as fields and one method ``rule``.
    ``acts_on`` says how the finite-dimensional algorithm uses the rule:

    ``"residual"``
        θ ← θ − (η/d) ψ(ℓ) x
    ``"norm"``
        θ ← θ − (η/d) ψ(n) g/n with the gradient g = ℓ x, n = ‖g‖/√tr K, ψ odd
    ``"coordinate"``
        θ_i ← θ_i − (η/d) ψ(ℓ x_i) (the sign only, at present)

    Parameters
    ----------
    rate : float, sympy expression in ``limitlab.t``, or AdaGradNorm, LineSearch, PolyakStep
        Step size is rate(k/d)/d at step k; time t = k/d.
    batch : int, keyword only
        Samples per step.

    Raises
    ------
    InvalidInput
        A rate that is not positive and finite; a batch below 1.
    """

    rate: Any
    _: KW_ONLY
    batch: int = 1

    acts_on: ClassVar[str] = "residual"
    references: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.rate, FollowingRate):
            object.__setattr__(self, "rate", as_schedule(self.rate, "rate"))
        if isinstance(self.batch, bool) or not isinstance(self.batch, Integral):
            raise InvalidType("batch", self.batch, "give a whole number >= 1")
        object.__setattr__(self, "batch", count("batch", self.batch, most=LARGEST_BATCH))
        if self.acts_on not in ACTS_ON:
            raise InvalidInput("acts_on", self.acts_on, f"use one of {', '.join(ACTS_ON)}")

    def rule(self, l: Any) -> Any:  # noqa: E741
        """Return ψ(ℓ) as a sympy expression in the residual ``l``."""
        raise NotImplementedError(f"{type(self).__name__} does not state its rule(self, l)")

    @property
    def pool(self) -> str:
        """Where the rule acts in a batch: on "each" sample's gradient, on their "mean" or "both".

        Raises
        ------
        InvalidInput
            A rule on the norm that does not say of what.
        """
        if self.acts_on == "norm" and self.batch > 1:
            remedy = "a rule on the norm of a batch needs a property pool: each or mean"
            raise InvalidInput("batch", self.batch, remedy)
        return "each"

    @property
    def label(self) -> str:
        """Name for legends and reports."""
        return type(self).__name__


def check_pool(method: Method) -> None:
    """Refuse a batch in which the rule acts where it cannot.

    Raises
    ------
    InvalidInput
        A rule on the norm that does not say of what; a ``pool`` that is none of `POOLS`; a
        majority of an even number.
    """
    if method.batch == 1:
        return
    if method.pool not in POOLS[method.acts_on]:
        listed = " or ".join(f'"{pool}"' for pool in POOLS[method.acts_on])
        raise InvalidInput("pool", method.pool, f"a rule on the {method.acts_on} has {listed}")
    if method.pool == "both" and method.batch % 2 == 0:
        raise InvalidInput("batch", method.batch, "a majority vote needs an odd batch")
