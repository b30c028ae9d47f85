r"""Modes of a stream with memory: where their moments start, and how many nodes stand for them.

Given A(t) and B(t) the moments of a mode are linear in its start and in its source, with
coefficients that are smooth functions of λ. So every measure that enters (of the start: one for
each moment that the target adds; of the sources) is replaced by Gauss nodes, as without memory.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.memory.system import MemorySystem
from ...theory.streaming.modes import modes, sign_geometry
from ..streaming.compress import FEW_MODES, Measure, Spectrum, bin_spectrum, binned

Array = NDArray[np.float64]

#: beyond this many a measure is put on bins first
_MANY = 4096


@dataclass(frozen=True, eq=False)
class Start:
    """A part of the start: the moments of a mode, times a weight of every mode, not negative."""

    pattern: Array
    weights: Array


@dataclass(frozen=True, eq=False)
class MemoryModes:
    """Modes with the starts of their moments.

    Attributes
    ----------
    rates, sources : (m,) arrays
        λ_i > 0 and c_i.
    starts : tuple of Start
    binned : bool
    measures : tuple of Measure
        Those of the starts and of the sources, where they are known already.
    shared : callable or None
        Returns the modes on bins that are kept of a problem, where one start is all.
    """

    rates: Array
    sources: Array
    starts: tuple[Start, ...]
    binned: bool = False
    measures: tuple[Measure, ...] = ()
    shared: Any = None

    @property
    def count(self) -> int:
        """Number of modes."""
        return self.rates.size

    @property
    def state(self) -> Array:
        """The moments of every mode at the start, (moments, m)."""
        return np.sum([np.multiply.outer(s.pattern, s.weights) for s in self.starts], axis=0)

    def on_bins(self) -> MemoryModes:
        """The same on few points an octave, where there are very many."""
        if self.binned or self.count <= _MANY:
            return self
        if self.shared is not None:
            parts = [self.shared()]
        else:
            spectra = (Spectrum(self.rates, s.weights, self.sources) for s in self.starts)
            parts = [bin_spectrum(spectrum) for spectrum in spectra]
        measures = (*(part.measures[0] for part in parts), parts[0].measures[1])
        rules = [(m.positions, m.weights) for m in measures]
        joined = _joined(rules[:-1], self._patterns, rules[-1])
        return replace(joined, binned=True, measures=measures)

    def compressed(self, nodes: int, power: float) -> MemoryModes:
        """The same on Gauss nodes of every measure."""
        weights = [*(s.weights for s in self.starts), self.sources]
        measures = self.measures or tuple(self._measure(w) for w in weights)
        rules = [measure.rule(nodes, power) for measure in measures]
        return _joined(rules[:-1], self._patterns, rules[-1])

    def grouped(self, groups: int) -> MemoryModes:
        """The same with neighbours put together: every group has starts and a source, as a mode
        of its own has, which paths need."""
        if self.count <= groups:
            return self
        logarithms = np.log(self.rates)
        width = (logarithms.max() - logarithms.min()) / groups + 1e-300
        index = np.minimum((logarithms - logarithms.min()) / width, groups - 1).astype(np.int64)
        _, index = np.unique(index, return_inverse=True)

        def gathered(values: Array) -> Array:
            return np.asarray(np.bincount(index, values), dtype=np.float64)

        every = [*(s.weights for s in self.starts), self.sources]
        shares = np.sum([part / max(part.sum(), 1e-300) for part in every], axis=0)
        rates = gathered(shares * self.rates) / gathered(shares)
        starts = tuple(replace(s, weights=gathered(s.weights)) for s in self.starts)
        return MemoryModes(rates, gathered(self.sources), starts)

    @property
    def _patterns(self) -> list[Array]:
        return [s.pattern for s in self.starts]

    def _measure(self, weights: Array) -> Measure:
        kept = weights > 0
        return Measure(self.rates[kept], np.array(weights[kept]))

    @property
    def few(self) -> bool:
        """Whether there is nothing to compress."""
        return self.count <= FEW_MODES


Rule = tuple[Array, Array]


def _joined(starts: list[Rule], patterns: list[Array], sources: Rule) -> MemoryModes:
    """Modes at the nodes of separate measures."""
    places = [*(points for points, _ in starts), sources[0]]
    ends = np.cumsum([0, *(p.size for p in places)])
    total = int(ends[-1])

    def at(k: int, weights: Array) -> Array:
        spread = np.zeros(total)
        spread[ends[k] : ends[k + 1]] = weights
        return spread

    found = tuple(
        Start(pattern, at(k, weights))
        for k, ((_, weights), pattern) in enumerate(zip(starts, patterns, strict=True))
    )
    return MemoryModes(np.concatenate(places), at(len(starts), sources[1]), found)


def memory_modes(problem: Any, method: Any, system: MemorySystem) -> MemoryModes:
    """Return the modes of a problem, with m = 0, averages at δ or sums at 0, and θ* at the start.

    Parameters
    ----------
    problem : LeastSquares
    method : Method
    system : MemorySystem
    """
    found = modes(problem, method)
    names = [str(state) for state in system.states]
    begins = [name == "delta" or name == "S" and system.uniform is None for name in names]
    aims = [name == "theta" for name in names]
    pairs = [pair for _, pair in system.moments]

    def pattern(of_first: list[bool], of_second: list[bool]) -> Array:
        chosen = [of_first[a] and of_second[b] or of_first[b] and of_second[a] for a, b in pairs]
        return np.array(chosen, dtype=float)

    own = pattern(begins, begins)

    def of_one(pattern: Array) -> MemoryModes:
        shared = partial(binned, problem, method)
        starts = (Start(pattern, found.energies),)
        return MemoryModes(found.rates, found.sources, starts, shared=shared)

    if not any(aims):
        return of_one(own)
    cross, square = pattern(begins, aims), pattern(aims, aims)
    if problem.target is None:  # θ* = −δ(0): one measure
        return of_one(own - cross + square)
    crossed, squared = _target_moments(problem, method)
    starts = (
        Start(own, found.energies),
        Start(cross, np.maximum(crossed, 0.0)),
        Start(-cross, np.maximum(-crossed, 0.0)),
        Start(square, squared),
    )
    kept = tuple(s for s in starts if np.any(s.weights > 0))
    return MemoryModes(found.rates, found.sources, kept or starts[:1])


def _target_moments(problem: Any, method: Any) -> tuple[Array, Array]:
    """½ λ δ(0) θ* and ½ λ θ*² of every mode that the data excite."""
    law = problem.covariance
    if method.acts_on == "coordinate" and not law.is_diagonal:
        geometry = sign_geometry(law)
        along, aim = (geometry.left.T @ v for v in (problem.delta(), problem.target_vector()))
        half, alive = 0.5 * geometry.rates, geometry.rates > 0
        return (half * along * aim)[alive], (half * aim**2)[alive]
    alive = law.eigenvalues > 0
    scaled = law.eigenvalues[alive]
    return tuple(scaled * part[alive] for part in problem.target_moments())
