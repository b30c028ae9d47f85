"""The moments of a stream with memory over time, and their own error.

The spectrum is compressed first; the explicit solver does the work, and an implicit one takes over
where it meets stiffness. A uniform average begins at a time of its own, where the run is cut.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ...theory.memory.system import MemorySystem
from ..core.chebyshev import NO_TABLE
from ..core.compile import load, writable
from ..stepping.failure import finished, is_stiff
from ..streaming.coefficients import Coefficients
from ..streaming.ode import relative_gap
from .modes import MemoryModes

Array = NDArray[np.float64]

_EXPLICIT_STEPS = 50_000
_IMPLICIT_STEPS = 200_000
#: Gauss rules (nodes a measure, power) in the order in which they are tried
_RULES = ((16, 1.0), (24, 1.0), (24, 0.5), (24, 0.25), (36, 0.0), (54, 0.0), (81, 0.0))
_DIFFERENCE, _DIFFERENCE_RTOL = 0.02, 1e-6


@dataclass(frozen=True, eq=False)
class Equations:
    """A system with its numbers, on output times.

    Attributes
    ----------
    system : MemorySystem
    coefficients : Coefficients
        Of one gradient; their source is that of the system.
    times : (T,) array
    cut : float
        Where a uniform average begins; 0 without one.
    table : array
    """

    system: MemorySystem
    coefficients: Coefficients
    times: Array
    cut: float = 0.0
    table: Array = field(default_factory=NO_TABLE.copy)

    @property
    def pairs(self) -> NDArray[np.int64]:
        """Of each moment the places of the squares of its two states."""
        place = {pair: k for k, (_, pair) in enumerate(self.system.moments)}
        return np.array([[place[a, a], place[b, b]] for _, (a, b) in self.system.moments])

    def through_cut(self) -> Equations:
        """The same with the beginning of a uniform average among the output times."""
        if not self.times[0] < self.cut < self.times[-1]:
            return self
        return replace(self, times=np.unique(np.append(self.times, self.cut)))

    def totals(
        self, modes: MemoryModes, rtol: float, factors: tuple[float, float] = (1.0, 1.0)
    ) -> Array:
        """Return the total of every moment over the modes, (T, moments).

        Raises
        ------
        SolveFailed
            Not-a-number, unbounded growth, step underflow or too many steps.
        """
        state, times = modes.state.ravel(), self.times
        first, last = float(times[0]), float(times[-1])
        if not first < self.cut < last:
            return self._between(modes, state, times, rtol, factors)[0]
        early = np.append(times[times < self.cut], self.cut)
        late = np.append(self.cut, times[times > self.cut])
        before, state = self._between(modes, state, early, rtol, factors)
        state.reshape(len(self.system.moments), -1)[self.system.gathered] = 0.0
        after, _ = self._between(modes, state, late, rtol, factors)
        kept = before if self.cut in times else before[:-1]
        return np.concatenate([kept, after[1:]])

    def _between(
        self,
        modes: MemoryModes,
        start: Array,
        times: Array,
        rtol: float,
        factors: tuple[float, float],
    ) -> tuple[Array, Array]:
        """Return the totals at the times, and the moments at the last of them."""
        state = writable(start)
        if times.size == 1:
            return state.reshape(-1, modes.count).sum(axis=1)[None], state
        parts = (writable(modes.rates), writable(modes.sources))
        tail = (self.pairs, writable(times), self.coefficients.law, self.table)
        tail = (*tail, np.array(factors), rtol)  # type: ignore[assignment]
        source = self.coefficients.source
        explicit = load(source, "memory/ode")
        totals, report = explicit.integrate(*parts, state, *tail, _EXPLICIT_STEPS)
        if is_stiff(report):
            state = writable(start)
            implicit = load(source, "memory/implicit")
            totals, report = implicit.integrate(*parts, state, *tail, _IMPLICIT_STEPS)
        return finished(totals, report), state


@dataclass(frozen=True, eq=False)
class Moments:
    """The moments over time and what is known of their errors.

    Attributes
    ----------
    totals : (T, moments) array
    error_estimate, average_error : (T,) arrays
        Relative error of the risk, and of the average's.
    sensitivities : (2, T, moments) array
        Derivatives in log A and log B.
    nodes : MemoryModes
        Those that were integrated.
    """

    totals: Array
    error_estimate: Array
    average_error: Array
    sensitivities: Array
    nodes: MemoryModes


def solve_moments(equations: Equations, modes: MemoryModes, rtol: float) -> Moments:
    """Solve for the moments with their error estimate and sensitivities."""
    watched = [0] if equations.system.averaged is None else [0, equations.system.averaged]

    def run(some: MemoryModes, tolerance: float = rtol) -> Array:
        return equations.totals(some, tolerance)

    small, totals, compression = compressed(modes, run, watched, rtol)
    stepping = _gaps(totals, run(small, min(20 * rtol, 1e-2)), watched)
    errors = np.maximum.accumulate(compression + stepping, axis=0)
    sensitivities = np.array([_sensitivity(equations, small, k) for k in range(2)])
    return Moments(totals, errors[:, 0], errors[:, -1], sensitivities, small)


def compressed(
    modes: MemoryModes, run: Callable[[MemoryModes], Array], watched: list[int], rtol: float
) -> tuple[MemoryModes, Array, Array]:
    """Return modes few enough to be cheap, their totals, and the error of the compression."""
    if modes.few:
        totals = run(modes)
        return modes, totals, np.zeros((len(totals), len(watched)))
    modes = modes.on_bins()
    previous = run(modes.compressed(*_RULES[0]))
    for rule in _RULES[1:]:
        small = modes.compressed(*rule)
        totals = run(small)
        gaps = _gaps(totals, previous, watched)
        if gaps.max() <= 3 * rtol:
            break
        previous = totals
    return small, totals, gaps


def _gaps(first: Array, second: Array, watched: list[int]) -> Array:
    """Relative differences of the watched totals, (T, watched)."""
    return relative_gap(first[:, watched], second[:, watched])


def _sensitivity(equations: Equations, modes: MemoryModes, column: int) -> Array:
    """Return the derivative of every total in the logarithm of A or B (central difference)."""
    scales = [np.ones(2), np.ones(2)]
    scales[0][column], scales[1][column] = np.exp(_DIFFERENCE), np.exp(-_DIFFERENCE)
    above, below = (
        equations.totals(modes, _DIFFERENCE_RTOL, (float(s[0]), float(s[1]))) for s in scales
    )
    return (above - below) / (2 * _DIFFERENCE)
