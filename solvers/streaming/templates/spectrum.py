"""Moments of a spectrum on bins, and the Jacobi matrix of a discrete measure (Lanczos)."""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from ...kernels.interface import loops, scalar

# <<< provided by the generated module

#: below this fraction of its length before, a vector is orthogonalised a second time
LITTLE = 0.1
#: variance, in half widths of a bin, of what is one point
NARROW = 1e-13


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


@scalar
def two_points(moments, first, centres, halves):
    """Return the two-point Gauss rules of the bins, positions and masses, leaving out mass 0.

    Parameters
    ----------
    moments : (bins, 8) array
        As `bin_moments` returns them; columns `first` to `first` + 3 are read.
    """
    positions, masses = np.empty(2 * centres.size), np.empty(2 * centres.size)
    count = 0
    for k in range(centres.size):
        mass = moments[k, first]
        if mass <= 0.0:
            continue
        mean = moments[k, first + 1] / mass
        second, third = moments[k, first + 2] / mass, moments[k, first + 3] / mass
        variance = second - mean * mean
        skew, root, share = 0.0, 0.0, 1.0
        if variance > NARROW:
            skew = 0.5 * (third - 3.0 * mean * second + 2.0 * mean**3) / variance
            root = math.sqrt(skew * skew + variance)
            share = (skew + root) / (2.0 * root)
        for sign, part in ((-1.0, share), (1.0, 1.0 - share)):
            if part > 0.0:
                positions[count] = centres[k] + halves[k] * (mean + skew + sign * root)
                masses[count] = mass * part
                count += 1
    return positions[:count].copy(), masses[:count].copy()


@loops
def project_out(basis, count, vector):
    """Take the components along the first `count` rows out of `vector`; return the last one."""
    overlap = 0.0
    for j in range(count):
        overlap = 0.0
        for i in range(vector.size):
            overlap += basis[j, i] * vector[i]
        for i in range(vector.size):
            vector[i] -= overlap * basis[j, i]
    return overlap


@loops
def length(vector):
    """Return the Euclidean norm."""
    total = 0.0
    for i in range(vector.size):
        total += vector[i] * vector[i]
    return math.sqrt(total)


@loops
def jacobi(positions, weights, most):
    """Return diagonal and off-diagonal of the Jacobi matrix of a measure on [0, 1].

    Every vector is orthogonalised against all earlier ones, and again where little of it is left.
    """
    basis = np.zeros((most, positions.size))
    diagonal, off_diagonal = np.zeros(most), np.zeros(most)
    total = weights.sum()
    for i in range(positions.size):
        basis[0, i] = math.sqrt(weights[i] / total)
    vector = np.empty(positions.size)
    for k in range(most):
        for i in range(positions.size):
            vector[i] = positions[i] * basis[k, i]
        before = length(vector)
        diagonal[k] = project_out(basis, k + 1, vector)
        off_diagonal[k] = length(vector)
        if off_diagonal[k] < LITTLE * before:
            project_out(basis, k + 1, vector)
            off_diagonal[k] = length(vector)
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
    moments = bin_moments(keys, 45, int(keys[0]) >> 45, fixed, fixed, fixed, one, one)
    two_points(moments, 0, one, one)
