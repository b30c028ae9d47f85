r"""Laws of the label noise :math:`\epsilon`.

A law is given either by a density in sympy together with a sampler, or as a Gaussian mixture
:math:`\epsilon\sim\sum_j p_j N(m_j,\sigma_j^2)`, where a scale of zero is an atom.
Moments are raw: ``variance`` is :math:`E\epsilon^2`, also for a law that is not centred.
"""

from __future__ import annotations

import math
from dataclasses import is_dataclass
from typing import Any

import numpy as np

from ..core import stated
from ..core.by_content import Compared
from ..core.errors import NotAvailable
from ..core.printer import latex
from ..core.show import Shown
from ..core.symbols import noise
from .quadrature import density_moment, kinks


class Noise(Shown, Compared):
    """Base class of the laws; subclasses are frozen dataclasses.

    A law of your own overrides either ``components`` or both ``density`` and ``sample``.
    Moments follow by themselves; a class attribute ``variance = math.inf`` (or
    ``fourth_moment``) declares one instead of computing it.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> import limitlab as ll
    >>> @dataclass(frozen=True)
    ... class Failing(ll.Noise):
    ...     share: float
    ...     def components(self):
    ...         return (1 - self.share, self.share), (0.0, 0.0), (0.3, 3.0)
    >>> round(float(Failing(0.05).variance), 6)
    0.5355
    """

    def components(self) -> tuple[Any, Any, Any] | None:
        """Weights, means and scales of the Gaussian mixture, or None if the law is none."""
        return None

    def density(self, e: Any) -> Any:
        """Density at the sympy expression `e`, or None where the law has none."""
        return None

    def statement(self) -> list[tuple[str, str]]:
        """The density, where the law has one in sympy."""
        density = stated.density(self, noise)
        return [] if density is None else [(r"p(\epsilon)", latex(density))]

    def sample(self, rng: np.random.Generator, n: int | tuple[int, ...]) -> np.ndarray:
        """`n` independent draws (an integer or a shape) from the generator `rng`."""
        arrays = self.component_arrays()
        if arrays is None:
            remedy = "this law has a density but no sampler; add sample(self, rng, n)"
            raise NotAvailable("noise", self.label, remedy)
        weights, means, scales = arrays
        cumulative = np.cumsum(weights)
        index = np.searchsorted(cumulative / cumulative[-1], rng.random(n), side="right")
        return means[index] + scales[index] * rng.standard_normal(n)

    def component_arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """`components` as three contiguous float arrays."""
        parts = self.components()
        if parts is None:
            return None
        weights, means, scales = (np.array(part, dtype=np.float64) for part in parts)
        return weights, means, scales

    def moment(self, k: int) -> Any:
        """Raw moment of order `k`; infinite where the law has none."""
        declared = self._declared(k)
        if declared is not None:
            return declared
        parts = self.components()
        if parts is not None:
            return sum(p * gaussian_moment(m, s, k) for p, m, s in zip(*parts, strict=True))
        return density_moment(self, k)

    def _declared(self, k: int) -> float | None:
        """A moment that the user's class states as an attribute; above an infinite one all are."""
        for order, name in ((2, "variance"), (4, "fourth_moment")):
            if getattr(type(self), name) is not getattr(Noise, name):
                value = getattr(self, name)
                if k == order or (k > order and math.isinf(value)):
                    return value
        return None

    @property
    def variance(self) -> Any:
        """Second raw moment (infinite where it does not exist)."""
        return self.moment(2)

    @property
    def fourth_moment(self) -> Any:
        """Fourth raw moment (infinite where it does not exist)."""
        return self.moment(4)

    @property
    def density_at_zero(self) -> float:
        """Density at 0; infinite with an atom there, 0 without mass nearby."""
        arrays = self.component_arrays()
        if arrays is None:
            return float(self.density(0))
        weights, means, scales = arrays
        atoms = scales == 0
        if np.any(atoms & (means == 0) & (weights > 0)):
            return math.inf
        safe = np.where(atoms, 1.0, scales)
        heights = np.exp(-0.5 * (means / safe) ** 2) / (safe * math.sqrt(2 * math.pi))
        return float(weights @ np.where(atoms, 0.0, heights))

    @property
    def support_points(self) -> tuple[float, ...]:
        """Kinks, jumps and centres of the law, increasing: where a quadrature is split."""
        arrays = self.component_arrays()
        if arrays is not None:
            return tuple(float(m) for m in np.unique(arrays[1]))
        return kinks(self.density)

    @property
    def label(self) -> str:
        """Short name for legends and messages."""
        return repr(self) if is_dataclass(self) else type(self).__name__


def gaussian_moment(mean: Any, scale: Any, k: int) -> Any:
    """Raw moment of order `k` of N(mean, scale²) by its three-term recursion."""
    before, current = 0, 1
    for order in range(1, k + 1):
        before, current = current, mean * current + (order - 1) * scale**2 * before
    return current
