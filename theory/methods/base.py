"""What every method is: a scalar rule, a step size, and the way the rule acts on the gradient."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, fields, replace
from numbers import Integral
from typing import Any, ClassVar

from ..core import stated
from ..core.checks import count
from ..core.errors import InvalidInput, InvalidType, NotAvailable
from ..core.printer import latex
from ..core.problem import Learner
from ..core.symbols import residual
from ..schedules.following import FollowingRate
from ..schedules.schedule import as_schedule
from .remember import Average, SlowMemory, as_momentum, part

ACTS_ON = ("residual", "norm", "coordinate")
#: where a rule may act in a batch, by what it acts on
POOLS = {"residual": ("each",), "norm": ("each", "mean"), "coordinate": ("each", "mean", "both")}
#: samples that a step may take
LARGEST_BATCH = 2**31 - 1
#: what a method may keep beside its iterate, with the value that keeps nothing
REMEMBERED: dict[str, Any] = {
    "momentum": 0.0,
    "nesterov": False,
    "average": None,
    "weight_decay": 0.0,
}


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
    momentum : float or slow_memory(γ, direct=κ), keyword only
        β of the heavy ball m ← βm + g, θ ← θ − (rate/d) m, or a memory of d/γ steps.
    nesterov : bool, keyword only
        Step along βm + g, for a number β.
    average : uniform(start=…) or exponential(a), keyword only
        Average of the iterates, whose risk is "average_risk".
    weight_decay : float or schedule, keyword only
        w ≥ 0, decoupled: θ ← (1 − rate·w/d) θ before the step.

    Raises
    ------
    InvalidInput
        A rate that is not positive and finite; a batch below 1; a momentum outside [0, 1).
    NotAvailable
        One of the last four for a method that has none; Nesterov's step with a slow memory.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> import sympy as sp
    >>> import limitlab as ll
    >>> @dataclass(frozen=True)
    ... class SoftSign(ll.Method):
    ...     width: float
    ...     def rule(self, l):
    ...         return l / (self.width + sp.Abs(l))
    >>> SoftSign(0.8, width=0.7).acts_on
    'residual'
    """

    rate: Any
    _: KW_ONLY
    batch: int = 1
    momentum: Any = 0.0
    nesterov: bool = False
    average: Average | None = None
    weight_decay: Any = 0.0

    #: whether momentum, averages and weight decay are derived for it
    remembers: ClassVar[bool] = True
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
        self._check_remembered()

    def _check_remembered(self) -> None:
        object.__setattr__(self, "momentum", as_momentum(self.momentum))
        object.__setattr__(self, "weight_decay", part("weight_decay", self.weight_decay))
        if not isinstance(self.nesterov, bool):
            raise InvalidType("nesterov", self.nesterov, "give True or False")
        if self.average is not None and not isinstance(self.average, Average):
            raise InvalidType("average", self.average, "give uniform(start=…) or exponential(a)")
        if not self.remembers:
            remedy = "is derived for SGD, ClippedSGD, Huber, SignSGD and rules of your own"
            for field in self.remembered:
                raise NotAvailable(field, getattr(self, field), remedy)
        if self.nesterov and isinstance(self.momentum, SlowMemory):
            remedy = "looks ahead by γ/d, which has no limit; slow_memory(γ, direct=κ) does"
            raise NotAvailable("nesterov", self.nesterov, remedy)
        if self.nesterov and self.momentum == 0:
            raise InvalidInput("nesterov", self.nesterov, "give momentum=β in (0, 1) too")

    @property
    def remembered(self) -> tuple[str, ...]:
        """The fields of momentum, averages and decay that are set."""
        return tuple(f for f, unset in REMEMBERED.items() if getattr(self, f) != unset)

    @property
    def bare(self) -> Any:
        """The same method without what it keeps beside its iterate."""
        return replace(self, **REMEMBERED) if self.remembered else self

    @property
    def at_once(self) -> Any:
        """The method without memory at the rate at which a gradient moves the iterate in all."""
        if isinstance(self.momentum, SlowMemory):
            return replace(self.bare, rate=self.rate * (1 + self.momentum.direct))
        if self.momentum:
            return replace(self.bare, rate=self.rate / (1 - self.momentum))
        return self.bare

    def family_on(self, family: str) -> str:
        if family == "streaming" and self.remembered:
            return "memory"
        return super().family_on(family)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__repr__" not in cls.__dict__:  # before dataclass writes one
            cls.__repr__ = Method._written  # type: ignore[method-assign,assignment]

    def _written(self) -> str:
        """The constructor's call, without what is not kept beside the iterate."""
        left_out = set(REMEMBERED) - set(self.remembered)
        shown = (f.name for f in fields(self) if f.repr and f.name not in left_out)
        return f"{type(self).__qualname__}({', '.join(f'{n}={getattr(self, n)!r}' for n in shown)})"

    def rule(self, l: Any) -> Any:  # noqa: E741
        """Return ψ(ℓ) as a sympy expression in the residual ``l``."""
        raise NotImplementedError(f"{type(self).__name__} does not state its rule(self, l)")

    def statement(self) -> list[tuple[str, str]]:
        """The rule with its numbers; refused where the step is no function of one residual."""
        return [(r"\psi(\ell)", latex(stated.rule(self, residual)))]

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
