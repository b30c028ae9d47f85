"""Lanczos' method for the largest eigenvalue of a symmetric operator."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ...theory.core.warn import warn

Array = NDArray[np.float64]

#: residual, relative to the eigenvalue; the eigenvalue's own error is of its square
RESIDUAL = 1e-9


def largest_eigenvalue(apply: Callable[[Array], Array], start: Array, most: int = 300) -> float:
    """Return the largest eigenvalue of a symmetric operator.

    Parameters
    ----------
    apply : callable
        The operator on arrays of the shape of `start`.
    start : array
        Not orthogonal to the top eigenvector; for entrywise non-negative operators all ones do.
    most : int
        Applications at most; the estimate grows with each.

    Warns
    -----
    ValidityWarning
        So many were not enough.
    """
    basis = [start.ravel() / np.linalg.norm(start)]
    diagonal: list[float] = []
    off: list[float] = []
    while True:
        image = apply(basis[-1].reshape(start.shape)).ravel()
        diagonal.append(float(basis[-1] @ image))
        known = np.array(basis)
        for _ in range(2):  # twice is enough for orthogonality to round-off
            image = image - (known @ image) @ known
        length = float(np.linalg.norm(image))
        tridiagonal = np.diag(diagonal) + np.diag(off, 1) + np.diag(off, -1)
        values, vectors = np.linalg.eigh(tridiagonal)
        top, residual = float(values[-1]), length * abs(float(vectors[-1, -1]))
        if residual <= RESIDUAL * abs(top) or len(basis) == start.size:
            return top
        if len(basis) >= most:
            warn(
                f"the largest eigenvalue is still {top:.6g} ± {residual:.1g} after {most} "
                "applications; expect it to be low by up to that"
            )
            return top
        off.append(length)
        basis.append(image / length)
