"""Dense covariances: a given matrix, a Toeplitz matrix, the second moments of data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..core.checks import array, count, number, read_only, vector
from ..core.errors import InvalidInput
from .base import Covariance
from .diagonal import dropped, from_eigenvalues
from .made import remembered, tried_with

#: dimension up to which a matrix is built: 8 GiB
LARGEST_MATRIX = 2**15


@dataclass(frozen=True, eq=False, repr=False)
class Dense(Covariance):
    """K as a matrix; build it with the functions below.

    Attributes
    ----------
    entries : numpy.ndarray, shape (d, d)
        K itself, also as `matrix`.
    kept : numpy.ndarray of int, shape (d,), or None
        Columns of the user's data or matrix that are left after dropping dead ones.
    scale : float
        Factor by which K was multiplied to normalise it (inputs by its square root).
    """

    entries: np.ndarray
    kept: np.ndarray | None = None
    scale: float = 1.0

    @property
    def dimension(self) -> int:  # type: ignore[override]
        return self.entries.shape[0]

    @property
    def is_diagonal(self) -> bool:
        return False

    @property
    def matrix(self) -> np.ndarray:
        return self.entries

    @property
    def diagonal(self) -> np.ndarray:
        return read_only(np.diag(self.entries).copy())

    @cached_property
    def _eigen(self) -> tuple[np.ndarray, np.ndarray]:
        values, vectors = np.linalg.eigh(self.entries)
        # the sign of an eigenvector is the library's choice: fix it by its largest entry
        top = np.argmax(np.abs(vectors), axis=0)
        vectors = vectors * np.sign(vectors[top, np.arange(top.size)])
        return read_only(values), read_only(vectors)

    @cached_property
    def eigenvalues(self) -> np.ndarray:  # type: ignore[override]
        """All d eigenvalues, increasing; rounding errors about zero are set to zero."""
        values = self._eigen[0]
        floor = 4 * np.finfo(float).eps * self.dimension * values[-1]
        return read_only(np.where(values > floor, values, 0.0))

    @property
    def multiplicities(self) -> np.ndarray:  # type: ignore[override]
        return np.ones(self.dimension, dtype=np.int64)

    @property
    def eigenvectors(self) -> np.ndarray:
        return self._eigen[1]

    @cached_property
    def mean_eigenvalue(self) -> float:
        return float(np.trace(self.entries)) / self.dimension

    @cached_property
    def second_moment(self) -> float:
        return float(np.vdot(self.entries, self.entries)) / self.dimension

    def expanded(self) -> np.ndarray:
        return self.eigenvalues


@tried_with(K=((1.0, 0.3), (0.3, 1.0)))
def from_matrix(K: Any) -> Covariance:
    """The covariance `K` as it is; a diagonal matrix is recognised and held as one.

    Parameters
    ----------
    K : array_like, shape (d, d)
        Symmetric, no eigenvalue below -1e-10 tr(K)/d. Coordinates with K_ii = 0 are dropped
        with a warning.

    Raises
    ------
    InvalidInput
        A matrix that is not square, symmetric and positive semidefinite.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.from_matrix([[2.0, 1.0], [1.0, 2.0]]).norm
    3.0
    """
    entries = _symmetric("K", K)
    diagonal = np.diag(entries)
    if not np.count_nonzero(entries - np.diag(diagonal)):
        return from_eigenvalues(diagonal)
    return _checked(entries, "K", None)


def _symmetric(field: str, K: Any) -> np.ndarray:
    entries = array(field, K, 2)
    if entries.shape[0] != entries.shape[1]:
        raise InvalidInput(field, K, f"has shape {entries.shape}; give a square matrix")
    gap = np.abs(entries - entries.T)
    if gap.max() > 1e-10 * np.abs(entries).max():
        i, j = (int(k) for k in np.unravel_index(np.argmax(gap), gap.shape))
        remedy = f"not symmetric at ({i}, {j}), difference {gap.max():.3g}; give (K + K.T)/2"
        raise InvalidInput(field, K, remedy)
    return 0.5 * (entries + entries.T)


def _checked(entries: np.ndarray, field: str, scale: float | None) -> Dense:
    """Drop dead coordinates, scale the mean eigenvalue to 1 if asked, refuse an indefinite K."""
    variances = np.diag(entries)
    if not np.any(variances > 0):
        raise InvalidInput(field, entries, "no coordinate varies; give one with variance > 0")
    alive = np.flatnonzero(np.any(entries != 0, axis=0))
    kept = None
    if alive.size < variances.size:
        dropped(variances.size - alive.size, field)
        kept, entries = read_only(alive), entries[np.ix_(alive, alive)]
    factor = 1.0 if scale is None else scale * alive.size / float(np.trace(entries))
    result = Dense(read_only(entries * factor), kept, factor)
    lowest = result._eigen[0][0]
    if lowest < -1e-10 * result.mean_eigenvalue:
        remedy = f"smallest eigenvalue {lowest:.3g} is negative; give a positive semidefinite one"
        raise InvalidInput(field, entries, remedy)
    return result


@tried_with(d=60, correlation=0.5)
@remembered
def toeplitz(d: int, correlation: float, variances: Any = None) -> Dense:
    """Entries correlation^|i-j| times the standard deviations of both coordinates.

    Parameters
    ----------
    d : int
        Dimension.
    correlation : float
        Of neighbouring coordinates, strictly between -1 and 1.
    variances : array_like, shape (d,), optional
        K_ii > 0; all one by default.

    Raises
    ------
    InvalidInput
        A dimension of too large a matrix; a correlation outside (−1, 1); variances that are not
        positive, or of another length.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.toeplitz(2, correlation=0.5).eigenvalues.round(12).tolist()
    [0.5, 1.5]
    """
    d = count("d", d, most=LARGEST_MATRIX)
    if abs(number("correlation", correlation)) >= 1:
        raise InvalidInput("correlation", correlation, "give a number in (-1, 1)")
    distance = np.abs(np.subtract.outer(np.arange(d), np.arange(d)))
    entries = float(correlation) ** distance
    if variances is not None:
        spread = np.sqrt(_positive_variances(variances, d))
        entries = entries * np.outer(spread, spread)
    return Dense(read_only(entries))


def _positive_variances(variances: Any, d: int) -> np.ndarray:
    values = vector("variances", variances, d)
    if np.any(values <= 0):
        raise InvalidInput("variances", variances, "give numbers > 0")
    return values


def from_data(X: Any, normalise: bool = True) -> Dense:
    """Second moments XᵀX/n of the rows of `X`, which a stream of these rows has.

    The rows are not centred: subtract the mean first if the algorithm sees centred rows.

    Parameters
    ----------
    X : array_like, shape (n, d)
        Finite data, one sample a row. Columns of zeros are dropped with a warning; ``kept``
        of the result lists the others.
    normalise : bool
        Scale to mean eigenvalue 1 (default); ``scale`` of the result is the factor.

    Raises
    ------
    InvalidInput, InvalidType
        Rows that are no matrix of finite numbers.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.from_data([[1.0, 0.0], [0.0, 2.0]]).eigenvalues.round(12).tolist()
    [0.4, 1.6]
    """
    rows = array("X", X, 2)
    return _checked(rows.T @ rows / rows.shape[0], "X", 1.0 if normalise else None)
