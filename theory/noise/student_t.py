r"""Student noise, :math:`\epsilon=s\,t_\nu`, as a scale mixture of normals.

Given :math:`w\sim\Gamma(\nu/2,\text{rate }\nu/2)` the law is :math:`N(0,s^2/w)`. The trapezoidal
rule in :math:`y=\log w` converges exponentially; its nodes are the components of a mixture.
Moments come from the law itself, never from the nodes, which miss far tails.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from ..core.checks import positive, read_only
from .base import Noise


@dataclass(frozen=True)
class StudentT(Noise):
    """Scaled Student law; moments of order >= df are infinite.

    Parameters
    ----------
    df : float
        Degrees of freedom ν, > 0.
    scale : float
        Factor s of the standard law, > 0 (not the standard deviation).

    Raises
    ------
    InvalidInput, InvalidType
        A df or a scale that is not a number > 0.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.StudentT(df=3, scale=0.5).variance
    0.75
    """

    df: float
    scale: float = 1.0
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"df": 3.0, "scale": 0.5}

    def __post_init__(self) -> None:
        object.__setattr__(self, "df", positive("df", self.df))
        object.__setattr__(self, "scale", positive("scale", self.scale))

    def components(self) -> tuple[Any, Any, Any]:
        return student_components(self.df, self.scale)

    def density(self, e: Any) -> Any:
        return student_density(e, self.df, self.scale)

    def moment(self, k: int) -> Any:
        return student_moment(k, self.df, self.scale)

    @property
    def density_at_zero(self) -> float:
        return float(self.density(0))

    @property
    def support_points(self) -> tuple[float, ...]:
        return (0.0,)

    def sample(self, rng: np.random.Generator, n: int | tuple[int, ...]) -> np.ndarray:
        return self.scale * rng.standard_t(self.df, n)


def student_components(df: float, scale: Any) -> tuple[np.ndarray, np.ndarray, Any]:
    """Mixture nodes of s·t_ν; `scale` may be symbolic, `df` may not."""
    weights, spread = _nodes(float(df))
    return weights, np.zeros(weights.size), scale * spread


@lru_cache(maxsize=64)
def _nodes(df: float) -> tuple[np.ndarray, np.ndarray]:
    """Trapezoidal weights and unit scales, at least 100, at most 0.2 apart in log w.

    What is averaged over w is analytic for |Im log w| < π/2, so that a spacing h errs by e^(−π²/h).
    """
    low, high = _edge(df, -1.0), _edge(df, 1.0)
    nodes = max(100, math.ceil((high - low) / 0.2) + 1)
    y = np.linspace(low, high, nodes)
    # the density of y relative to its value at the mode y = 0
    weights = np.exp(0.5 * df * (y - np.expm1(y)))
    return read_only(weights / weights.sum()), read_only(np.exp(-0.5 * y))


def _edge(df: float, side: float) -> float:
    """Where the density of log w has fallen by e^-40 on the given side, by bisection."""

    def fall(y: float) -> float:
        return 0.5 * df * (math.expm1(y) - y)

    outer = side
    while fall(outer) < 40.0:
        outer *= 2.0
    inner = 0.0
    for _ in range(80):
        middle = 0.5 * (inner + outer)
        inner, outer = (middle, outer) if fall(middle) < 40.0 else (inner, middle)
    return outer


def student_density(e: Any, df: Any, scale: Any) -> Any:
    """Density of s·t_ν at `e`; every argument may be symbolic."""
    import sympy as sp

    height = sp.gamma((df + 1) / 2) / (sp.gamma(df / 2) * sp.sqrt(df * sp.pi) * scale)
    return height * (1 + (e / scale) ** 2 / df) ** (-(df + 1) / 2)


def student_moment(k: int, df: float, scale: Any) -> Any:
    """Exact raw moment of s·t_ν, infinite from order ν on."""
    if k == 0:
        return 1.0
    if k >= df:
        return math.inf
    if k % 2:
        return 0.0
    ratio = 1.0
    for j in range(1, k // 2 + 1):
        ratio *= (2 * j - 1) * df / (df - 2 * j)
    return scale**k * ratio
