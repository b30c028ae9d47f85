"""Spectrum compression: millions of modes become a few dozen, at equal risk.

Given A(t) and B(t), with Γ = ∫ A,

    R(t) = Σ y_i(0) e^(−λ_i Γ(t)) + ∫ B(s) Σ c_i e^(−λ_i (Γ(t) − Γ(s))) ds,

so the modes enter only through the measures Σ y_i(0) δ_{λ_i} and Σ c_i δ_{λ_i}. Each is replaced by
its Gauss quadrature (Lanczos; G. H. Golub and J. H. Welsch, Math. Comp. 23, 1969). Large spectra
are first binned with four exact moments a bin. Derived here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..theory.modes import modes_of
from .compile import load, writable

Array = NDArray[np.float64]
Rule = tuple[Array, Array]

#: with at most this many modes nothing is compressed
FEW_MODES = 128
_MANY_MODES = 4096
_MANTISSA_BITS = 7
#: nodes for which a Jacobi matrix is computed at first; smaller rules are its leading blocks
_FIRST_NODES = 24


@dataclass(eq=False)
class Measure:
    """A discrete measure Σ weights δ_positions and its Gauss rules, which share one matrix."""

    positions: Array
    weights: Array
    _jacobi: tuple[Array, Array] | None = None

    def rule(self, nodes: int) -> tuple[Array, Array]:
        """Return the Gauss rule: nodes within the range of the points, positive weights."""
        from scipy.linalg import eigh_tridiagonal

        if self.positions.size <= nodes:
            return self.positions, self.weights
        scale = self.positions.max()
        diagonal, off_diagonal = self._matrix(nodes, scale)
        values, vectors = eigh_tridiagonal(diagonal[:nodes], off_diagonal[: nodes - 1])
        clipped = np.clip(values * scale, self.positions.min(), scale)
        return clipped, self.weights.sum() * vectors[0] ** 2

    def _matrix(self, nodes: int, scale: float) -> tuple[Array, Array]:
        """Return a Jacobi matrix of at least `nodes` rows (fewer where Lanczos breaks down)."""
        if self._jacobi is None or self._jacobi[0].size < nodes:
            most = min(max(nodes, _FIRST_NODES), self.positions.size)
            kernels = load("", "spectrum")
            self._jacobi = kernels.jacobi(self.positions / scale, self.weights, most)
        return self._jacobi


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


def _two_points(moments: Array) -> tuple[Array, Array, Array, Array]:
    """Return the two-point Gauss rules of rows of moments 0…3 of a centred variable."""
    mass = np.where(moments[0] > 0, moments[0], 1.0)
    mean, second, third = moments[1] / mass, moments[2] / mass, moments[3] / mass
    variance = np.maximum(second - mean**2, 0.0)
    narrow = variance < 1e-13
    safe = np.where(narrow, 1.0, variance)
    skew = np.where(narrow, 0.0, 0.5 * (third - 3 * mean * second + 2 * mean**3) / safe)
    root = np.where(narrow, 0.0, np.sqrt(skew**2 + safe))
    share = np.where(narrow, 1.0, (skew + root) / np.where(narrow, 1.0, 2 * root))
    return mean + skew - root, mean + skew + root, moments[0] * share, moments[0] * (1 - share)


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
    moments = load("", "spectrum").bin_moments(
        modes[0].view(np.int64), shift, first, *modes, centres, halves
    )
    parts = []
    for part in (moments[:, :4], moments[:, 4:]):
        low, high, low_mass, high_mass = _two_points(part.T)
        positions = np.concatenate([centres + halves * low, centres + halves * high])
        masses = np.concatenate([low_mass, high_mass])
        parts.append(Measure(positions[masses > 0], masses[masses > 0]))
    return parts[0], parts[1]


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
    return replace(joined, binned=True)


def binned(problem: Any, method: Any) -> Spectrum:
    """Return the modes of a problem under a method, on bins where there are many; the last few
    problems are kept."""
    return _binned_modes(problem, method.acts_on == "coordinate")


@lru_cache(maxsize=16)
def _binned_modes(problem: Any, coordinatewise: bool) -> Spectrum:
    found = modes_of(problem, coordinatewise)
    return bin_spectrum(Spectrum(found.rates, found.energies, found.sources))


def _by_octave(measure: Measure, nodes: int) -> Rule:
    """Return a composite rule: a Gauss rule for each octave, for horizons that one rule cannot
    cover."""
    positions, weights = measure.positions, measure.weights
    octave = np.floor(np.log2(positions))
    rules = [
        gauss_rule(positions[octave == k], weights[octave == k], nodes) for k in np.unique(octave)
    ]
    empty = np.empty(0)
    return (
        np.concatenate([empty, *(rule[0] for rule in rules)]),
        np.concatenate([empty, *(rule[1] for rule in rules)]),
    )


def compress(spectrum: Spectrum, nodes: int, *, octaves: bool = False) -> Spectrum:
    """Return a spectrum of at most 2·nodes modes with nearly the same risk curve for every A and B.

    Parameters
    ----------
    spectrum : Spectrum
    nodes : int
        Gauss nodes for each of the two measures.
    octaves : bool
        Spend `nodes` on every octave of λ: for long horizons, where one rule needs about √(λ_max
        Γ) nodes.
    """
    energies, sources = spectrum.measures
    if octaves:
        return _joined(spectrum, _by_octave(energies, nodes), _by_octave(sources, nodes))
    return _joined(spectrum, energies.rule(nodes), sources.rule(nodes))
