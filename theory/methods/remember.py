r"""What a method keeps beside its iterate: a momentum that forgets slowly, and averages.

.. math:: m^+=\Bigl(1-\frac\gamma d\Bigr)m+\frac\gamma d\,g,\qquad
          \bar\theta=\frac1{k-k_0}\sum_{j=k_0+1}^k\theta_j
          \quad\text{or}\quad\bar\theta^+=\bar\theta+\frac ad(\theta^+-\bar\theta).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ..core.checks import number
from ..core.errors import InvalidInput
from ..schedules.schedule import as_schedule


@dataclass(frozen=True)
class SlowMemory:
    """Momentum whose memory is of d/γ steps: what :func:`slow_memory` returns.

    Attributes
    ----------
    forgetting : float or schedule
        γ, so that β = 1 − γ/d.
    direct : float or schedule
        κ, the part of the step that goes along the gradient itself.
    """

    forgetting: Any
    direct: Any = 0.0

    EXAMPLE: ClassVar[Mapping[str, Any]] = {"forgetting": 2.0}

    def __post_init__(self) -> None:
        object.__setattr__(self, "forgetting", as_schedule(self.forgetting, "forgetting"))
        object.__setattr__(self, "direct", part("direct", self.direct))


def slow_memory(forgetting: Any, direct: Any = 0.0) -> SlowMemory:
    """Momentum with β = 1 − γ/d: m ← (1 − γ/d) m + (γ/d) g, θ ← θ − (rate/d)(m + κ g).

    Parameters
    ----------
    forgetting : float or schedule
        γ > 0, on the scale of t = k/d: the memory is of d/γ steps. A schedule such as
        ``c/(1 + ll.t)`` lengthens it along the run.
    direct : float or schedule
        κ ≥ 0.

    Raises
    ------
    InvalidInput
        A forgetting that is not positive; a negative share of the gradient itself.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.slow_memory(2.0, direct=0.5)
    SlowMemory(forgetting=2.0, direct=0.5)
    """
    return SlowMemory(forgetting, direct)


class Average:
    """An average of the iterates; what :func:`uniform` and :func:`exponential` return."""


@dataclass(frozen=True)
class UniformAverage(Average):
    """The mean of the iterates after the time `start`."""

    start: float = 0.0

    EXAMPLE: ClassVar[Mapping[str, Any]] = {}

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", _at_least_zero("start", self.start))


@dataclass(frozen=True)
class ExponentialAverage(Average):
    """The average with a memory of d/a steps, a the field `forgetting`."""

    forgetting: Any

    EXAMPLE: ClassVar[Mapping[str, Any]] = {"forgetting": 1.0}

    def __post_init__(self) -> None:
        object.__setattr__(self, "forgetting", as_schedule(self.forgetting, "forgetting"))


def uniform(start: float = 0.0) -> UniformAverage:
    """Average all iterates after the time `start` with equal weights (Polyak and Ruppert).

    Parameters
    ----------
    start : float
        t = k/d from which on they count; before it the average is the iterate.

    Raises
    ------
    InvalidInput
        A negative start.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.uniform(start=1.0)
    UniformAverage(start=1.0)
    """
    return UniformAverage(start)


def exponential(forgetting: Any) -> ExponentialAverage:
    """Average the iterates exponentially, θ̄ ← θ̄ + (a/d)(θ − θ̄), from the start of the run on.

    Parameters
    ----------
    forgetting : float or schedule
        a > 0, on the scale of t = k/d: the memory is of d/a steps.

    Raises
    ------
    InvalidInput
        A forgetting that is not positive.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.exponential(2.0)
    ExponentialAverage(forgetting=2.0)
    """
    return ExponentialAverage(forgetting)


#: what files call momenta and averages
MOMENTA: dict[str, Callable[..., Any]] = {"slow_memory": slow_memory}
AVERAGES: dict[str, Callable[..., Any]] = {"uniform": uniform, "exponential": exponential}


def as_momentum(value: Any) -> Any:
    """A slow memory, or a number β in [0, 1).

    Raises
    ------
    InvalidInput, InvalidType
    """
    if isinstance(value, SlowMemory):
        return value
    beta = number("momentum", value)
    if not 0 <= beta < 1:
        raise InvalidInput("momentum", value, "give a number in [0, 1), or slow_memory(γ)")
    return beta


def part(field: str, value: Any) -> Any:
    """A schedule, or a number that may be 0."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value == 0:
        return 0.0
    return as_schedule(value, field)


def _at_least_zero(field: str, value: Any) -> float:
    found = number(field, value)
    if found < 0:
        raise InvalidInput(field, value, "give a number >= 0")
    return found
