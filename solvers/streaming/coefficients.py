"""A(R, t) and B(R, t) with their numbers put in, and their tables in log R."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...theory.schedules.kinks import kinks
from ..core.chebyshev import NO_TABLE, panels
from ..core.compile import load, writable
from ..stepping.landing import landing

Array = NDArray[np.float64]

#: mixtures with more components than this are worth a table
MANY_COMPONENTS = 48
#: smallest risk of a table over the largest
SPAN = 1e-12
#: difference of two logarithms of one coefficient below which they are the same
_SAME = 1e-9
#: tables by all that μ and N depend on, the last ones: curves of many rates share one
_tables: dict[Any, Array] = {}
_MOST_TABLES = 256


@dataclass(frozen=True, eq=False)
class Coefficients:
    """A system's two coefficients at given parameter values.

    Parameters
    ----------
    source : str
        `System.source`.
    p, weights, means, scales : arrays
        As `theory.derive.bind` returns them.
    mean : str
        Source with the same A and B and no more, which is compiled sooner; by default `source`.
    apart : array, optional
        Parameter values without those of the rate, by which tables are known again.
    unit : array, optional
        Parameter values at the rate 1, for which tables are made that all rates share.
    schedules : tuple
        Hyper-parameters that move in time: where they bend or jump, solvers land.
    steady : bool
        Whether A/η and B/η² are known to depend neither on the time nor on the rate, so that
        tables need not look.
    """

    source: str
    p: Array
    weights: Array
    means: Array
    scales: Array
    mean: str = ""
    apart: Array | None = None
    unit: Array | None = None
    schedules: tuple[Any, ...] = ()
    steady: bool = False
    _found: dict[tuple[float, float, int | None], Array] = field(default_factory=dict)

    @classmethod
    def of(cls, source: str, binding: Any, mean: str = "") -> Coefficients:
        """Return the coefficients of a system's source with the numbers of a binding."""
        arrays = (binding.p, binding.weights, binding.means, binding.scales)
        p, weights, means, scales = (writable(array).ravel() for array in arrays)
        apart, unit = (getattr(binding, name, None) for name in ("apart", "unit"))
        schedules = getattr(binding, "schedules", ())
        return cls(source, p, weights, means, scales, mean, apart, unit, schedules)

    @property
    def law(self) -> tuple[Array, Array, Array, Array]:
        """Return the arrays in the order in which compiled code takes them."""
        return self.p, self.weights, self.means, self.scales

    @property
    def slow(self) -> bool:
        """Whether a table is worth its while: long mixtures, integrals over a batch."""
        return self.weights.size > MANY_COMPONENTS or "def transform(" in self.source

    def landing(self, times: Array) -> tuple[Array, NDArray[np.int64]]:
        """Return output times with breaks where a schedule bends or jumps, and the rows of
        those that were asked for."""
        return landing(times, kinks(self.schedules, float(times[-1])))

    @cached_property
    def _module(self) -> ModuleType:
        return load(self.mean or self.source, "streaming/coefficients")

    def at(self, risk: ArrayLike, t: float = 0.0) -> tuple[Array, Array]:
        """Return A and B at risks > 0 and one time."""
        risks = writable(risk)
        drift, noise = self._module.coefficients_at(risks.ravel(), float(t), *self.law)
        return drift.reshape(risks.shape), noise.reshape(risks.shape)

    def transform(self, s: float, risk: float, t: float = 0.0) -> float:
        """Return E e^(−sℓ²) of one residual; systems of a rule on a mean gradient only."""
        return float(self._module.transform(s, risk, t, *self.law))

    def rates(self, times: ArrayLike) -> Array:
        """Return η(t)."""
        return self._module.rate_at(writable(times), self.p)

    def separable(self, until: float) -> bool:
        """Tell whether A/η and B/η² do not depend on time (probed at a few times)."""
        times = np.linspace(0.0, until, 5)
        if np.ptp(self.rates(times)) == 0:
            times = times[::2]
        rates = self.rates(times)
        risks = np.geomspace(1e-4, 10.0, 3)
        pairs = [(self.at(risks, t), eta) for t, eta in zip(times, rates, strict=True) if eta > 0]
        scaled = np.array([(drift / eta, noise / eta**2) for (drift, noise), eta in pairs])
        return len(scaled) > 0 and bool(
            np.all(np.abs(scaled - scaled[0]) <= 1e-12 * np.abs(scaled[0]))
        )

    def table(
        self, largest: float, until: float, *, always: bool = False, most: int | None = None
    ) -> Array:
        """Return Chebyshev panels of log(A/η) and log(B/η²) in log R, or the empty table.

        Panels go from `largest` down to 1e-12 of it, as far as they are smooth to 1e-10;
        coefficients that depend on time otherwise than through η get none, nor do quick ones (but
        with `always`).

        Parameters
        ----------
        most : int, optional
            Panels at most, from the highest down.
        """
        if not (always or self.slow):
            return NO_TABLE
        asked = largest, until, most
        if asked not in self._found:
            self._found[asked] = self._shared(*asked)
        return self._found[asked]

    def _shared(self, largest: float, until: float, most: int | None) -> Array:
        """The table that every rate has in common, made at the rate 1, so that no bit of it depends
        on which rate came first; where there is none, one of its own."""
        if self.apart is None or self.unit is None or not (self.steady or self._scales(until)):
            return self._tabulated(largest, until, most)
        arrays = (self.apart, self.weights, self.means, self.scales)
        key = (self.mean or self.source, largest, most, *(array.tobytes() for array in arrays))
        if key not in _tables:
            for oldest in list(_tables)[: len(_tables) - _MOST_TABLES + 1]:
                _tables.pop(oldest, None)
            _tables[key] = self._at_rate_one._tabulated(largest, until, most)
        return _tables[key]

    @cached_property
    def _at_rate_one(self) -> Coefficients:
        assert self.unit is not None
        return replace(self, p=self.unit, _found={})

    def _scales(self, until: float) -> bool:
        """Whether A/η and B/η² are those at the rate 1: a system that was given may have others."""
        risks, times = np.geomspace(1e-4, 3.0, 3), (0.37 * until,)
        pairs = ((self.logarithms(t)(np.log(risks)), t) for t in times)
        return all(
            np.allclose(
                own,
                self._at_rate_one.logarithms(t)(np.log(risks)),
                rtol=0,
                atol=_SAME,
                equal_nan=True,
            )
            for own, t in pairs
        )

    def _tabulated(self, largest: float, until: float, most: int | None = None) -> Array:
        if not (self.steady or self.separable(until)):
            return NO_TABLE
        times = np.linspace(0.0, until, 5)
        time = float(times[np.argmax(self.rates(times))])
        return panels(self.logarithms(time), np.log(largest * SPAN), np.log(largest), most)

    def logarithms(self, time: float) -> Callable[[Array], Array]:
        """Return log R ↦ (log(A/η), log(B/η²)) at a time."""
        (rate,) = self.rates([time])

        def values(log_risk: Array) -> Array:
            drift, noise = self.at(np.exp(log_risk), time)
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.log([drift / rate, noise / rate**2])

        return values
