"""Moments of a spectrum on bins, and the Jacobi matrix of a discrete measure (Lanczos)."""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from ..kernels.interface import loops

# <<< provided by the generated module


@loops
def bin_moments(keys, shift, first, rates, energies, sources, centres, halves):
    """Return moments 0…3 of both measures about the centre of each bin, in half widths.

    Parameters
    ----------
    keys : (m,) int64 array
        Bit patterns of `rates`; shifted right by `shift` and less `first` they count bins.
    rates, energies, sources : (m,) arrays, read-only
        λ_i > 0 and the masses of the two measures.
    centres, halves : (bins,) arrays
    """
    moments = np.zeros((centres.size, 8))
    inverse = 1.0 / halves
    for i in range(rates.size):
        k = (keys[i] >> shift) - first
        z = (rates[i] - centres[k]) * inverse[k]
        row = moments[k]
        y, c = energies[i], sources[i]
        row[0] += y
        row[4] += c
        y *= z
        c *= z
        row[1] += y
        row[5] += c
        y *= z
        c *= z
        row[2] += y
        row[6] += c
        row[3] += y * z
        row[7] += c * z
    return moments


@loops
def jacobi(positions, weights, most):
    """Return diagonal and off-diagonal of the Jacobi matrix of a measure, orthogonalised twice."""
    basis = np.zeros((most, positions.size))
    diagonal, off_diagonal = np.zeros(most), np.zeros(most)
    total = weights.sum()
    for i in range(positions.size):
        basis[0, i] = math.sqrt(weights[i] / total)
    vector = np.empty(positions.size)
    for k in range(most):
        for i in range(positions.size):
            vector[i] = positions[i] * basis[k, i]
        for sweep in range(2):
            for j in range(k + 1):
                overlap = 0.0
                for i in range(positions.size):
                    overlap += basis[j, i] * vector[i]
                for i in range(positions.size):
                    vector[i] -= overlap * basis[j, i]
                if j == k and sweep == 0:
                    diagonal[k] = overlap
        norm = 0.0
        for i in range(positions.size):
            norm += vector[i] * vector[i]
        off_diagonal[k] = math.sqrt(norm)
        if k + 1 == most or off_diagonal[k] < 1e-14:
            return diagonal[: k + 1], off_diagonal[:k]
        for i in range(positions.size):
            basis[k + 1, i] = vector[i] / off_diagonal[k]
    return diagonal, off_diagonal[: most - 1]


def warm_up():
    """Compile for the types in use."""
    one = np.ones(1)
    jacobi(one, one, 1)
    fixed = one.view()
    fixed.flags.writeable = False
    keys = fixed.view(np.int64)
    bin_moments(keys, 45, int(keys[0]) >> 45, fixed, fixed, fixed, one, one)
