"""Diagonal covariances, given by eigenvalues and multiplicities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..core.checks import count, number, read_only, vector
from ..core.errors import InvalidInput
from ..core.warn import warn
from .base import LARGEST_EXPANSION, Covariance
from .made import remembered, tried_with
from .spectral import SpectralDensity


@dataclass(frozen=True, eq=False, repr=False)
class Diagonal(Covariance):
    """K diagonal in the algorithm's coordinates; build it with the functions below.

    Attributes
    ----------
    eigenvalues, multiplicities : numpy.ndarray, shape (m,)
        Block j of the coordinates, in this order, has variance ``eigenvalues[j]``.
    zeros : int
        Further coordinates, at the end, in which the data do not vary at all. They count in d
        (step size rate/d, time k/d) and take no part in the dynamics.
    """

    eigenvalues: np.ndarray
    multiplicities: np.ndarray
    zeros: int = 0

    @cached_property
    def dimension(self) -> int:  # type: ignore[override]
        return int(self.multiplicities.sum()) + self.zeros

    def expanded(self) -> np.ndarray:
        self.check_expansion()
        active = np.repeat(self.eigenvalues, self.multiplicities)
        return read_only(np.concatenate([active, np.zeros(self.zeros)]))


def group(values: np.ndarray, repeats: np.ndarray | None = None, zeros: int = 0) -> Diagonal:
    """The diagonal covariance of positive `values` with equal neighbours put together."""
    starts = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
    ones = np.ones(values.size, dtype=np.int64) if repeats is None else repeats
    totals = np.add.reduceat(ones, starts)
    return Diagonal(read_only(values[starts].copy()), read_only(totals), zeros)


@tried_with(d=200)
@remembered
def isotropic(d: float) -> Covariance:
    """K = I in dimension `d` (an integer, or math.inf).

    Raises
    ------
    InvalidInput, InvalidType
        A dimension that is no whole number >= 1, nor infinite.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.isotropic(100).intrinsic_dimension
    100.0
    """
    if isinstance(d, float) and d == np.inf:
        return SpectralDensity(read_only(np.ones(1)), read_only(np.ones(1)), 1.0)
    return group(np.ones(1), np.array([count("d", d)]))


@tried_with(d=200, exponent=0.5)
@remembered
def power_law(d: int, exponent: float, normalise: bool = True) -> Diagonal:
    """Eigenvalues proportional to j^(-exponent), j = 1..d.

    Parameters
    ----------
    d : int
        Dimension.
    exponent : float
        Decay of the spectrum, >= 0.
    normalise : bool
        Scale to mean eigenvalue 1 (the default), or keep the largest at 1.

    Raises
    ------
    InvalidInput, InvalidType
        A dimension that is no whole number >= 1, or that has too many distinct eigenvalues; a
        negative exponent.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.power_law(3, exponent=1.0, normalise=False).eigenvalues.tolist()
    [1.0, 0.5, 0.3333333333333333]
    """
    d = count("d", d)
    if number("exponent", exponent) < 0:
        raise InvalidInput("exponent", exponent, "give a number >= 0")
    if d > LARGEST_EXPANSION:
        remedy = f"has {d} distinct eigenvalues; bin them and use from_eigenvalues(values, counts)"
        raise InvalidInput("d", d, remedy)
    values = np.arange(1, d + 1, dtype=np.float64) ** -float(exponent)
    return group(values / values.mean() if normalise else values)


@tried_with(values=(2.0, 0.5), multiplicities=(100, 100))
def from_eigenvalues(values: Sequence[float] | np.ndarray, multiplicities: Any = None) -> Diagonal:
    """Diagonal K with the given variances, kept as they are.

    Parameters
    ----------
    values : array_like, shape (m,)
        Eigenvalues >= 0, in the order of the coordinates; zero ones are dropped with a warning.
    multiplicities : array_like of int, shape (m,), optional
        How often each occurs, >= 1; all once by default.

    Raises
    ------
    InvalidInput
        A negative value, or none above 0; multiplicities that do not fit.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.from_eigenvalues([4.0, 1.0], [10, 10**9]).dimension
    1000000010
    """
    spectrum = vector("values", values)
    if np.any(spectrum < 0):
        where = int(np.argmin(spectrum))
        remedy = f"eigenvalue {spectrum[where]:.6g} at index {where} is negative; give values >= 0"
        raise InvalidInput("values", values, remedy)
    if not np.any(spectrum):
        raise InvalidInput("values", values, "all eigenvalues are zero; give one > 0")
    repeats = _counts(multiplicities, spectrum.size)
    alive = spectrum > 0
    if not alive.all():
        dropped(int(repeats[~alive].sum()), "values")
    return group(spectrum[alive], repeats[alive])


def _counts(multiplicities: Any, size: int) -> np.ndarray:
    if multiplicities is None:
        return np.ones(size, dtype=np.int64)
    repeats = vector("multiplicities", multiplicities, size)
    if np.any(repeats < 1) or np.any(repeats != np.floor(repeats)):
        raise InvalidInput("multiplicities", multiplicities, "give integers >= 1")
    return repeats.astype(np.int64)


def dropped(number_dropped: int, field: str) -> None:
    """Say that coordinates without variance are left out, and that d shrinks with them."""
    warn(
        f"{field}: {number_dropped} coordinates have zero variance and never move; they are"
        " dropped and the dimension d is smaller by as many"
    )
