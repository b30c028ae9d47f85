r"""A threshold that follows a quantile of the gradient norms that it sees.

With :math:`n_k` the norm of the gradient over :math:`\sqrt{\operatorname{tr}K}`,

.. math:: c_{k+1}=c_k\exp\Big(\frac\gamma d\,(p-1\{n_k\le c_k\})\Big),

stochastic approximation of the p-quantile on a logarithmic scale. In the limit (derived here) the
indicator becomes its mean :math:`\mu_c(R)`: :math:`\frac{d}{dt}\log c=\gamma\,(p-\mu_c(R))`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import sympy as sp

from ..core.checks import number, positive
from ..core.derivation import Derivation
from ..core.errors import InvalidInput
from ..core.symbols import dimension
from ..core.system import Step

level, norm, gain = sp.symbols("c n gamma", positive=True)
#: p, and the share μ_c(R) of the steps that are not clipped
fraction, unclipped = sp.symbols("p mu_c", real=True)
#: d(log c)/dt
log_slope = sp.Symbol("log_c_slope", real=True)


@dataclass(frozen=True)
class RunningQuantile:
    """Threshold of :class:`ClippedSGD` that leaves a fixed fraction of the steps unclipped.

    Parameters
    ----------
    fraction : float
        p in (0, 1): the share of the steps that stays unclipped.
    start : float
        c at the first step, > 0, in residual units.
    gain : float
        γ > 0: c relaxes to the quantile in a time of order 1/γ (t = k/d), and fluctuates about it
        by a relative √(γ/d).

    Raises
    ------
    InvalidInput
        A fraction outside (0, 1); a start or a gain that is not positive.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.ClippedSGD(0.5, threshold=ll.RunningQuantile(0.9, start=1.0)).threshold.gain
    20.0
    """

    fraction: float
    start: float
    gain: float = 20.0

    level_field: ClassVar[str] = "start"
    mover_fields: ClassVar[tuple[str, ...]] = ("fraction", "gain")

    def __post_init__(self) -> None:
        object.__setattr__(self, "fraction", open_fraction("fraction", self.fraction))
        object.__setattr__(self, "start", positive("start", self.start))
        object.__setattr__(self, "gain", positive("gain", self.gain))


def updated(threshold: Any, norm: Any, dimension: Any, fraction: Any, gain: Any) -> Any:
    """The threshold after a step whose gradient had this norm, as a sympy expression."""
    unclipped = sp.Heaviside(threshold - norm)
    return threshold * sp.exp(gain / dimension * (fraction - unclipped))


@cache
def quantile_limit() -> Derivation:
    """Derive the limit of `updated`: d steps a unit of time, each with its mean change."""
    change = sp.expand_log(sp.log(updated(level, norm, dimension, fraction, gain) / level))
    indicator = sp.Heaviside(level - norm)
    mean = sp.factor(sp.simplify(dimension * change).subs(indicator, unclipped))
    return Derivation(
        "running quantile",
        ((log_slope, mean),),
        (
            Step("one step moves log c by", "Δ log c", change),
            Step("d steps a unit of time; the indicator has the mean μ_c(R)", log_slope, mean),
        ),
    )


def open_fraction(field: str, value: Any) -> float:
    """A number strictly between 0 and 1."""
    result = number(field, value)
    if not 0 < result < 1:
        raise InvalidInput(field, value, "give a number strictly between 0 and 1")
    return result
