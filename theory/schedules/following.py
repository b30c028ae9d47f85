r"""Rates that follow the run: norms of the steps that were taken, or the population's own risk.

.. math:: b^2_{k+1}=b^2_k+\frac{|g_k|^2}{d^2}\quad\text{or}\quad
   b^2_{k+1}=\Big(1-\frac\gamma d\Big)b^2_k+\frac\gamma d\frac{|g_k|^2}d,\qquad
   \text{step}=\frac\eta{d\,b},

g being the step's own direction (a clipped gradient where the method clips); and the steps that
make the mean of the risk, or of the distance to the target, fall fastest (exact line search, and
Polyak's step on the population risk).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import sympy as sp

from ..core.checks import positive
from ..core.symbols import dimension

#: b², |ψ|, tr K/d, and γ
square, size, mean_eigenvalue = sp.symbols("b2 psi tau", positive=True)
forgetting = sp.Symbol("gamma", positive=True)


@dataclass(frozen=True)
class FollowingRate:
    """A rate that the run decides; give it in the place of a number."""

    #: families in which it is derived
    only_on: ClassVar[tuple[str, ...]] = ("streaming",)
    EXAMPLE: ClassVar[Mapping[str, Any]] = {}

    scale: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", positive("scale", self.scale))


@dataclass(frozen=True)
class AdaGradNorm(FollowingRate):
    """Rate scale/b with b² the sum of the squared norms of the steps' directions over d².

    Parameters
    ----------
    scale : float
        η > 0.
    start : float
        b² before the first step, > 0.
    forgetting : float, optional
        γ > 0: the average over the last d/γ steps of |g|²/d in place of the sum.

    Raises
    ------
    InvalidInput
        A scale, a start or a forgetting that is not positive.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.SGD(ll.AdaGradNorm(scale=1.0, start=0.5)).rate.start
    0.5
    """

    start: float = 1.0
    forgetting: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "start", positive("start", self.start))
        if self.forgetting is not None:
            object.__setattr__(self, "forgetting", positive("forgetting", self.forgetting))

    def after(self) -> Any:
        """b² after a step, as a sympy expression."""
        gained = size**2 * mean_eigenvalue / dimension
        if self.forgetting is None:
            return square + gained
        return (1 - forgetting / dimension) * square + forgetting * gained


@dataclass(frozen=True)
class LineSearch(FollowingRate):
    """Scale times the rate at which the mean of the population risk falls fastest.

    Raises
    ------
    InvalidInput
        A scale that is not positive.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.SGD(ll.LineSearch(scale=0.5)).rate.scale
    0.5
    """

    objective: ClassVar[str] = "risk"


@dataclass(frozen=True)
class PolyakStep(FollowingRate):
    """Scale times the rate at which the mean of |θ − θ*|² falls fastest: Polyak's step on the
    population risk, with the noise of the step counted in.

    Raises
    ------
    InvalidInput
        A scale that is not positive.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.SGD(ll.PolyakStep()).rate.scale
    1.0
    """

    objective: ClassVar[str] = "distance"


def without(method: Any) -> Any:
    """The method at the rate 1."""
    return replace(method, rate=1.0)
