r"""Two losses on which every step-size tuner can be evaluated exactly.

.. math:: L(x,u,v)=\tfrac12(l_0+ku)x^2-\alpha u+\tfrac12hu^2+\tfrac12\sum_jh_jv_j^2+\mathrm{const}

The curvature along x is :math:`\lambda=l_0+ku`: the loss sharpens at the rate :math:`a=k\alpha`
and stabilises itself by :math:`b=k^2/2`. And :math:`L=\tfrac12(\kappa x_1^2+x_2^2)`.
Setting of arXiv 2407.06183; the losses are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..core.checks import number, positive, reals, vector
from ..core.errors import InvalidInput, InvalidType
from ..core.problem import Problem

#: x and u where no start is given
DEFAULT_START = (0.1, 0.0)


@dataclass(frozen=True)
class SharpnessToy(Problem):
    """A loss that sharpens along a valley, until its own steepness pushes it back.

    Step size as the method chooses it, time in steps; the edge of stability is step · sharpness
    = 2, with sharpness λ = l0 + k u. At x² = 2 alpha/k the two drives balance.

    Parameters
    ----------
    l0 : float
        Sharpness at u = 0.
    k : float
        Its slope in u, not 0.
    alpha : float
        Slope of the valley.
    bulk : sequence of float
        Curvatures h_j >= 0 of further coordinates.
    bounded : float, optional
        h > 0 of a parabola in u that ends the valley at u = alpha/h, where the loss is 0; without
        it there is no minimum.
    start : (x, u) or (x, u, v_1, …), optional
        Default: (0.1, 0), and every v_j as x.
    noise : float
        Standard deviation of each component of the gradient of one sample; that of a batch is
        noise/√batch. The loss of a batch is tilted by it.
    per_step : bool
        Whether u moves by alpha − k x²/2 in a step whatever the step size, so that a and b are
        rates per step: a variant of the map that is no descent. Otherwise by the step size times
        that.

    Raises
    ------
    InvalidInput
        k = 0; a start at which the sharpness is not positive; a negative curvature or noise.

    Examples
    --------
    >>> import limitlab as ll
    >>> toy = ll.SharpnessToy(l0=2.0, k=1.0, alpha=0.01)
    >>> toy.sharpening, toy.stabilising, round(toy.balance, 9)
    (0.01, 0.5, 0.141421356)
    """

    family: ClassVar[str] = "tuners"

    l0: float
    k: float
    alpha: float
    bulk: Any = ()
    bounded: Any = None
    start: Any = None
    noise: float = 0.0
    per_step: bool = False

    def __post_init__(self) -> None:
        for name in ("l0", "k", "alpha", "noise"):
            object.__setattr__(self, name, number(name, getattr(self, name)))
        if self.k == 0:
            raise InvalidInput("k", self.k, "the sharpness would not move; give a number != 0")
        if not isinstance(self.per_step, bool):
            raise InvalidType("per_step", self.per_step, "give True or False")
        if self.noise < 0:
            raise InvalidInput("noise", self.noise, "give a number >= 0")
        if self.bounded is not None:
            object.__setattr__(self, "bounded", positive("bounded", self.bounded))
        bulk = reals("bulk", self.bulk)
        bulk = vector("bulk", bulk) if bulk.size else np.zeros(0)
        if np.any(bulk < 0):
            raise InvalidInput("bulk", self.bulk, "give curvatures >= 0")
        object.__setattr__(self, "bulk", tuple(bulk.tolist()))
        object.__setattr__(self, "start", self._start())
        if self.sharpness <= 0:
            remedy = f"has the sharpness {self.sharpness:.3g}; give (x, u) with l0 + k u > 0"
            raise InvalidInput("start", self.start, remedy)

    def _start(self) -> tuple[float, ...]:
        given = vector("start", DEFAULT_START if self.start is None else self.start)
        if given.size == 2:
            given = np.append(given, np.full(len(self.bulk), given[0]))
        return tuple(vector("start", given, 2 + len(self.bulk)).tolist())

    @property
    def sharpness(self) -> float:
        """λ at the start."""
        return self.l0 + self.k * self.start[1]

    @property
    def sharpening(self) -> float:
        """a = k alpha, at u = 0."""
        return self.k * self.alpha

    @property
    def stabilising(self) -> float:
        """b = k²/2."""
        return self.k**2 / 2

    @property
    def balance(self) -> float:
        """The |x| at which sharpening and self-stabilisation balance, √(a/b); NaN if none does."""
        square = self.sharpening / self.stabilising
        return float(np.sqrt(square)) if square > 0 else float("nan")


@dataclass(frozen=True)
class TwoCurvatures(Problem):
    """A quadratic with the curvatures kappa and 1: L = (kappa x₁² + x₂²)/2.

    Step size as the method chooses it, time in steps; the edge of stability is step · kappa = 2.

    Parameters
    ----------
    kappa : float
        Condition number > 1.
    start : (x₁, x₂), optional
        Neither is 0. Default: (1, 1).

    Raises
    ------
    InvalidInput
        kappa <= 1; a start in which a mode is missing.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.TwoCurvatures(kappa=5.0).kappa
    5.0
    """

    family: ClassVar[str] = "tuners"

    kappa: float
    start: Any = (1.0, 1.0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kappa", number("kappa", self.kappa))
        if self.kappa <= 1:
            raise InvalidInput("kappa", self.kappa, "give a number > 1")
        start = vector("start", self.start, 2)
        if np.any(start == 0):
            raise InvalidInput("start", self.start, "give two numbers, neither of them 0")
        object.__setattr__(self, "start", tuple(start.tolist()))
