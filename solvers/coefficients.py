"""A(R, t) and B(R, t) with their numbers put in, and their tables in log R."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .compile import load, writable

Array = NDArray[np.float64]

#: mixtures with more components than this are worth a table
MANY_COMPONENTS = 48
NO_TABLE = np.zeros((1, 2, 3))
_PANEL_WIDTH = 2.0
_DEGREE = 17
_TABLE_ERROR = 1e-10


def interpolation(values: Array) -> Array:
    """Return the Chebyshev series of each row of values at `chebpts1` (discrete orthogonality)."""
    from numpy.polynomial import chebyshev

    count = values.shape[1]
    series = values @ chebyshev.chebvander(chebyshev.chebpts1(count), count - 1) * (2.0 / count)
    series[:, 0] *= 0.5
    return series


@dataclass(frozen=True, eq=False)
class Coefficients:
    """A system's two coefficients at given parameter values.

    Parameters
    ----------
    source : str
        `System.source`.
    p, weights, means, scales : arrays
        As `theory.derive.bind` returns them.
    """

    source: str
    p: Array
    weights: Array
    means: Array
    scales: Array

    @classmethod
    def of(cls, source: str, binding: Any) -> Coefficients:
        """Return the coefficients of a system's source with the numbers of a binding."""
        arrays = (binding.p, binding.weights, binding.means, binding.scales)
        return cls(source, *(writable(array).ravel() for array in arrays))

    @property
    def law(self) -> tuple[Array, Array, Array, Array]:
        """Return the arrays in the order in which compiled code takes them."""
        return self.p, self.weights, self.means, self.scales

    @property
    def slow(self) -> bool:
        """Whether a table is worth its while: long mixtures, and integrals over a batch."""
        return self.weights.size > MANY_COMPONENTS or "def transform(" in self.source

    @cached_property
    def _module(self) -> ModuleType:
        return load(self.source, "coefficients")

    def at(self, risk: ArrayLike, t: float = 0.0) -> tuple[Array, Array]:
        """Return A and B at risks > 0 and one time."""
        risks = writable(risk)
        drift, noise = self._module.coefficients_at(risks.ravel(), float(t), *self.law)
        return drift.reshape(risks.shape), noise.reshape(risks.shape)

    def rates(self, times: ArrayLike) -> Array:
        """Return η(t)."""
        return self._module.rate_at(writable(times), self.p)

    def separable(self, until: float) -> bool:
        """Tell whether A/η and B/η² do not depend on time (probed at five times)."""
        times = np.linspace(0.0, until, 5)
        rates = self.rates(times)
        risks = np.geomspace(1e-4, 10.0, 4)
        pairs = [(self.at(risks, t), eta) for t, eta in zip(times, rates, strict=True) if eta > 0]
        scaled = np.array([(drift / eta, noise / eta**2) for (drift, noise), eta in pairs])
        return len(scaled) > 0 and bool(
            np.all(np.abs(scaled - scaled[0]) <= 1e-12 * np.abs(scaled[0]))
        )

    def table(self, largest: float, until: float, *, always: bool = False) -> Array:
        """Return Chebyshev panels of log(A/η) and log(B/η²) in log R, or the empty table.

        Panels go from `largest` down to 1e-12 of it, as far as they are smooth to 1e-10;
        coefficients that depend on time otherwise than through η get none, nor do quick ones (but
        with `always`).
        """
        if not (always or self.slow) or not self.separable(until):
            return NO_TABLE
        count = int(np.ceil(np.log(1e12) / _PANEL_WIDTH))
        start = np.log(largest) - count * _PANEL_WIDTH
        downwards = (self._panel(start + k * _PANEL_WIDTH, until) for k in reversed(range(count)))
        smooth = takewhile(lambda panel: panel is not None, downwards)
        kept = [panel for panel in smooth if panel is not None][::-1]
        head = np.zeros((2, _DEGREE + 1))
        head[0, :2] = start + (count - len(kept)) * _PANEL_WIDTH, _PANEL_WIDTH
        return np.array([head, *kept])

    def _logarithms(self, log_risk: Array, until: float) -> Array:
        times = np.linspace(0.0, until, 5)
        rates = self.rates(times)
        best = int(np.argmax(rates))
        drift, noise = self.at(np.exp(log_risk), times[best])
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log([drift / rates[best], noise / rates[best] ** 2])

    def _panel(self, left: float, until: float) -> Array | None:
        """Return the two Chebyshev series on one panel, or None where they miss points between the
        nodes."""
        from numpy.polynomial import chebyshev

        nodes = chebyshev.chebpts1(_DEGREE + 1)
        between = np.array([-0.97, -0.31, 0.17, 0.88])
        places = left + 0.5 * _PANEL_WIDTH * (1 + np.concatenate([nodes, between]))
        values = self._logarithms(places, until)
        if not np.all(np.isfinite(values)):
            return None
        series = interpolation(values[:, : nodes.size])
        errors = [chebyshev.chebval(between, series[k]) - values[k, nodes.size :] for k in range(2)]
        return series if np.max(np.abs(errors)) <= _TABLE_ERROR else None
