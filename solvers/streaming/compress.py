"""Spectrum compression: millions of modes become a few dozen, at equal risk.

Given A(t) and B(t), with Γ = ∫ A,

    R(t) = Σ y_i(0) e^(−λ_i Γ(t)) + ∫ B(s) Σ c_i e^(−λ_i (Γ(t) − Γ(s))) ds,

so the modes enter only through the measures Σ y_i(0) δ_{λ_i} and Σ c_i δ_{λ_i}. Each is replaced by
its Gauss quadrature (Lanczos; G. H. Golub and J. H. Welsch, Math. Comp. 23, 1969). Large spectra
are first binned with four exact moments a bin. Derived here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.streaming.modes import modes_of
from ...theory.streaming.votes import voters
from ..core.compile import load, writable

Array = NDArray[np.float64]
Rule = tuple[Array, Array]

#: with at most this many modes nothing is compressed
FEW_MODES = 128
_MANY_MODES = 4096
_MANTISSA_BITS = 7
#: nodes for which a Jacobi matrix is computed at first; smaller rules are its leading blocks
_FIRST_NODES = 16
#: points whose distance is a rounding error are one: there is no interval for a rule to scale to
_ONE_POINT = 1e-13


@dataclass(frozen=True, eq=False)
class Measure:
    """A discrete measure Σ weights δ_positions, and Gauss rules of it.

    A rule is exact for polynomials in λ^power; power 0 stands for log λ. Exponentials of λ want
    power 1 while λ_max Γ is moderate. Beyond that a small power, which spends its nodes evenly
    over the octaves, needs far fewer. Rules of one power share one Jacobi matrix.
    """

    positions: Array
    weights: Array
    _jacobi: dict[float, tuple[Array, Array]] = field(default_factory=dict)

    def rule(self, nodes: int, power: float = 1.0) -> Rule:
        """Return a Gauss rule: nodes within the range of the points, positive weights."""
        from scipy.linalg import eigh_tridiagonal

        if self.positions.size <= nodes:
            return self.positions, self.weights
        lowest, highest = float(self.positions.min()), float(self.positions.max())
        if highest - lowest <= _ONE_POINT * highest:
            return np.array([highest]), np.array([self.weights.sum()])
        ends = _powers(np.array([lowest, highest]), power)
        diagonal, off_diagonal = self._matrix(nodes, power, ends)
        values, vectors = eigh_tridiagonal(diagonal[:nodes], off_diagonal[: nodes - 1])
        points = _roots(ends[0] + values * (ends[1] - ends[0]), power)
        return np.clip(points, lowest, highest), self.weights.sum() * vectors[0] ** 2

    def _matrix(self, nodes: int, power: float, ends: Array) -> tuple[Array, Array]:
        """Return a Jacobi matrix of at least `nodes` rows (fewer where Lanczos breaks down)."""
        if power not in self._jacobi or self._jacobi[power][0].size < nodes:
            most = min(max(nodes, _FIRST_NODES), self.positions.size)
            variable = (_powers(self.positions, power) - ends[0]) / (ends[1] - ends[0])
            kernels = load("", "streaming/spectrum")
            self._jacobi[power] = kernels.jacobi(variable, self.weights, most)
        return self._jacobi[power]


def _powers(positions: Array, power: float) -> Array:
    """Return the variable in which a rule is polynomial."""
    return np.log(positions) if power == 0 else positions**power


def _roots(values: Array, power: float) -> Array:
    """Return the positions of values of the variable."""
    return np.exp(values) if power == 0 else np.maximum(values, 0.0) ** (1 / power)


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Modes of dy_i/dt = −A λ_i y_i + B c_i.

    Parameters
    ----------
    rates, energies, sources : (m,) arrays
        λ_i, y_i(0) and c_i, the latter two not negative.
    binned : bool
        These are already the bins of a larger spectrum.
    """

    rates: Array
    energies: Array
    sources: Array
    binned: bool = False
    _small: dict[tuple[int, float], Spectrum] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Return the number of modes."""
        return self.rates.size

    @cached_property
    def held(self) -> tuple[float, float]:
        """Energy and source of the modes that never decay."""
        still = self.rates <= 0
        return float(self.energies[still].sum()), float(self.sources[still].sum())

    @cached_property
    def measures(self) -> tuple[Measure, Measure]:
        """The measures of the energies and of the sources on λ > 0."""
        return self._measure(self.energies), self._measure(self.sources)

    def _measure(self, weights: Array) -> Measure:
        chosen = (self.rates > 0) & (weights > 0)
        return Measure(self.rates[chosen], writable(weights[chosen]))


def gauss_rule(positions: Array, weights: Array, nodes: int) -> tuple[Array, Array]:
    """Return the Gauss quadrature of a discrete measure.

    Parameters
    ----------
    positions, weights : (m,) arrays
        Points and masses (mass 0 is left out).
    nodes : int
        Number of nodes; fewer where the measure has fewer points.

    Returns
    -------
    (n,) array, (n,) array
        Nodes within the range of the points, and positive weights with the same sum.
    """
    kept = weights > 0
    return Measure(positions[kept], writable(weights[kept])).rule(nodes)


def _bins(rates: Array) -> tuple[int, Array, Array]:
    """Return the first bin (exponent and leading mantissa bits), the bins' centres and halves."""
    shift = 52 - _MANTISSA_BITS
    ends = np.array([rates.min(), rates.max()]).view(np.int64) >> shift
    first, last = int(ends[0]), int(ends[1])
    edges = (np.arange(first, last + 2) << shift).view(np.float64)
    return first, 0.5 * (edges[1:] + edges[:-1]), 0.5 * np.diff(edges)


def _binned(rates: Array, energies: Array, sources: Array) -> tuple[Measure, Measure]:
    """Return both measures on at most two points a bin, with each bin's moments 0…3.

    A bin is an octave split into 128 parts.
    """
    first, centres, halves = _bins(rates)
    shift = 52 - _MANTISSA_BITS
    modes = tuple(_read_only(part) for part in (rates, energies, sources))
    kernels = load("", "streaming/spectrum")
    keys = modes[0].view(np.int64)
    moments = kernels.bin_moments(keys, shift, first, *modes, centres, halves)
    energies, sources = (kernels.two_points(moments, k, centres, halves) for k in (0, 4))
    return Measure(*energies), Measure(*sources)


def _read_only(array: Array) -> Array:
    """Return a view that may not be written to, which to numba is one type for all inputs."""
    view = np.ascontiguousarray(array, dtype=float).view()
    view.flags.writeable = False
    return view


def bin_measure(rates: Array, weights: Array) -> tuple[Array, Array]:
    """Return one measure on at most two points a bin, with the bin's moments 0…3.

    Parameters
    ----------
    rates, weights : (m,) arrays
        Positive points and masses.
    """
    measure, _ = _binned(rates, weights, np.zeros(rates.size))
    return measure.positions, measure.weights


def _joined(spectrum: Spectrum, energies: Rule, sources: Rule) -> Spectrum:
    """Return a spectrum of two separate measures; modes that never decay are one node at zero."""
    held = [[part] if any(spectrum.held) else [] for part in spectrum.held]
    still = np.zeros(len(held[0]))
    return Spectrum(
        np.concatenate([still, energies[0], sources[0]]),
        np.concatenate([held[0], energies[1], np.zeros(sources[0].size)]),
        np.concatenate([held[1], np.zeros(energies[0].size), sources[1]]),
    )


def bin_spectrum(spectrum: Spectrum) -> Spectrum:
    """Return a large spectrum on bins (see `bin_measure`); a small one as it is."""
    if spectrum.binned or spectrum.count <= _MANY_MODES:
        return spectrum
    arrays = (spectrum.rates, spectrum.energies, spectrum.sources)
    moving = spectrum.rates > 0
    whole = bool(np.all(moving))
    parts = _binned(*(a if whole else a[moving] for a in arrays))
    joined = _joined(spectrum, *((m.positions, m.weights) for m in parts))
    return replace(joined, binned=True, _small={})


def binned(problem: Any, method: Any) -> Spectrum:
    """Return the modes of a problem under a method, on bins where there are many; the last few
    problems are kept."""
    return _binned_modes(problem, method.acts_on == "coordinate", voters(method))


@lru_cache(maxsize=16)
def _binned_modes(problem: Any, coordinatewise: bool, votes: int) -> Spectrum:
    found = modes_of(problem, coordinatewise, votes)
    return bin_spectrum(Spectrum(found.rates, found.energies, found.sources))


def compress(spectrum: Spectrum, nodes: int, power: float = 1.0) -> Spectrum:
    """Return a spectrum of at most 2·nodes modes with nearly the same risk curve for every A and B.

    Parameters
    ----------
    spectrum : Spectrum
    nodes : int
        Gauss nodes for each of the two measures.
    power : float
        The rules are exact for polynomials in λ^power, or log λ for 0 (see `Measure`).
    """
    if (nodes, power) not in spectrum._small:
        energies, sources = (measure.rule(nodes, power) for measure in spectrum.measures)
        spectrum._small[nodes, power] = _joined(spectrum, energies, sources)
    return spectrum._small[nodes, power]
