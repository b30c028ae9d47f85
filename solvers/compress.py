"""Spectrum compression: millions of modes become a few dozen, at equal risk.

Given A(t) and B(t), with Γ = ∫ A,

    R(t) = Σ y_i(0) e^(−λ_i Γ(t)) + ∫ B(s) Σ c_i e^(−λ_i (Γ(t) − Γ(s))) ds,

so the modes enter only through the measures Σ y_i(0) δ_{λ_i} and Σ c_i δ_{λ_i}. Each is replaced by
its Gauss quadrature (Lanczos; G. H. Golub and J. H. Welsch, Math. Comp. 23, 1969). Large spectra
are first binned with four exact moments a bin. Derived here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: with at most this many modes nothing is compressed
FEW_MODES = 64
_MANY_MODES = 4096
_MANTISSA_BITS = 7
_BREAKDOWN = 1e-14


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Modes of dy_i/dt = −A λ_i y_i + B c_i.

    Parameters
    ----------
    rates, energies, sources : (m,) arrays
        λ_i, y_i(0) and c_i, the latter two not negative.
    """

    rates: Array
    energies: Array
    sources: Array

    @property
    def count(self) -> int:
        """Return the number of modes."""
        return self.rates.size


def _tridiagonal(positions: Array, weights: Array, most: int) -> tuple[Array, Array]:
    """Return diagonal and off-diagonal of the Jacobi matrix (Lanczos, orthogonalised twice)."""
    basis = np.zeros((most, positions.size))
    basis[0] = np.sqrt(weights / weights.sum())
    diagonal, off_diagonal = np.zeros(most), np.zeros(most)
    for k in range(most):
        vector = positions * basis[k]
        diagonal[k] = basis[k] @ vector
        for _ in range(2):
            vector -= (basis[: k + 1] @ vector) @ basis[: k + 1]
        off_diagonal[k] = np.linalg.norm(vector)
        if k + 1 == most or off_diagonal[k] < _BREAKDOWN:
            break
        basis[k + 1] = vector / off_diagonal[k]
    return diagonal[: k + 1], off_diagonal[:k]


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
    from scipy.linalg import eigh_tridiagonal

    kept = weights > 0
    positions, weights = positions[kept], weights[kept]
    if positions.size <= nodes:
        return positions, weights
    scale = positions.max()
    values, vectors = eigh_tridiagonal(*_tridiagonal(positions / scale, weights, nodes))
    return np.clip(values * scale, positions.min(), scale), weights.sum() * vectors[0] ** 2


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


def _bins(rates: Array) -> tuple[NDArray[np.int64], Array, Array]:
    """Return each mode's bin (exponent and leading mantissa bits), its centred position, and the
    bin's centre and width."""
    keys = rates.view(np.int64) >> (52 - _MANTISSA_BITS)
    first = keys.min()
    edges = (np.arange(first, keys.max() + 2) << (52 - _MANTISSA_BITS)).view(np.float64)
    return keys - first, 0.5 * (edges[1:] + edges[:-1]), 0.5 * np.diff(edges)


def bin_measure(rates: Array, weights: Array) -> tuple[Array, Array]:
    """Return a measure on at most two points a bin, with the bin's moments 0…3.

    Parameters
    ----------
    rates, weights : (m,) arrays
        Positive points and masses. A bin is an octave split into 128 parts.
    """
    index, centres, halves = _bins(np.ascontiguousarray(rates))
    z = (rates - centres[index]) / halves[index]
    power, moments = weights.astype(float), []
    for _ in range(4):
        moments.append(np.bincount(index, power, centres.size))
        power = power * z
    low, high, low_mass, high_mass = _two_points(np.array(moments))
    positions = np.concatenate([centres + halves * low, centres + halves * high])
    masses = np.concatenate([low_mass, high_mass])
    return positions[masses > 0], masses[masses > 0]


def _by_octave(positions: Array, weights: Array, nodes: int) -> tuple[Array, Array]:
    """Return a composite rule: a Gauss rule for each octave, for horizons that one rule cannot
    cover."""
    octave = np.floor(np.log2(positions))
    rules = [
        gauss_rule(positions[octave == k], weights[octave == k], nodes) for k in np.unique(octave)
    ]
    return np.concatenate([rule[0] for rule in rules]), np.concatenate([rule[1] for rule in rules])


def _join(parts: list[tuple[Array, Array, Array]]) -> Spectrum:
    return Spectrum(*(np.concatenate([part[k] for part in parts]) for k in range(3)))


def _by_measure(
    spectrum: Spectrum, reduce: Callable[[Array, Array], tuple[Array, Array]]
) -> Spectrum:
    """Return the spectrum whose two measures are each reduced; modes that never decay become one
    node at zero."""
    still, moving = spectrum.rates <= 0, spectrum.rates > 0
    held = (
        np.zeros(1),
        np.array([spectrum.energies[still].sum()]),
        np.array([spectrum.sources[still].sum()]),
    )
    parts = [held] if np.any(still) else []
    for weights, is_energy in ((spectrum.energies, True), (spectrum.sources, False)):
        chosen = moving & (weights > 0)
        if not np.any(chosen):
            continue
        positions, masses = reduce(spectrum.rates[chosen], weights[chosen])
        parts.append(
            (positions, masses if is_energy else 0 * masses, 0 * masses if is_energy else masses)
        )
    return _join(parts) if parts else Spectrum(np.zeros(1), np.zeros(1), np.zeros(1))


def bin_spectrum(spectrum: Spectrum) -> Spectrum:
    """Return a large spectrum on bins (see `bin_measure`); a small one as it is."""
    return spectrum if spectrum.count <= _MANY_MODES else _by_measure(spectrum, bin_measure)


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
    rule = _by_octave if octaves else gauss_rule
    return _by_measure(spectrum, lambda positions, weights: rule(positions, weights, nodes))
