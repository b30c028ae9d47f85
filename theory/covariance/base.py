r"""What every covariance :math:`K` answers: its eigenvalues with multiplicities and their sums."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np

from ..core.by_content import ByContent
from ..core.errors import InvalidInput
from ..core.show import Shown
from .made import Made

#: a vector with one entry a coordinate is not made beyond this dimension
LARGEST_EXPANSION = 10**8


class Covariance(Shown, ByContent):
    """Covariance of the inputs, :math:`x\\sim N(0,K)` in dimension d.

    Subclasses give `dimension`, `eigenvalues` and `multiplicities`; no sum over coordinates is
    ever taken, so that d = 1e9 with few distinct eigenvalues costs nothing.

    Attributes
    ----------
    dimension : int or math.inf
        Ambient dimension d; infinite for a spectral density.
    eigenvalues : numpy.ndarray, shape (m,)
        Positive eigenvalues; equal ones are grouped where they are neighbours.
    multiplicities : numpy.ndarray, shape (m,)
        How often each occurs; for a spectral density the weights n_j/d.
    made : Made or None
        The function of the package that made it, and its arguments.

    Examples
    --------
    >>> import limitlab as ll
    >>> K = ll.power_law(100, exponent=1.0)
    >>> K.dimension, round(K.intrinsic_dimension, 3)
    (100, 5.187)
    >>> round(float(K.eigenvalues @ K.multiplicities), 9)  # the trace
    100.0
    """

    made: Made | None = None
    dimension: int | float
    eigenvalues: np.ndarray
    multiplicities: np.ndarray

    def statement(self) -> list[tuple[str, str]]:
        """The numbers that decide about the error of a limit."""
        numbers = {
            "d": self.dimension,
            r"\operatorname{tr}K/d": self.mean_eigenvalue,
            r"\lambda_{\max}": self.norm,
            r"\operatorname{tr}K/\lambda_{\max}": self.intrinsic_dimension,
        }
        return [(name, f"{x:.6g}".replace("inf", r"\infty")) for name, x in numbers.items()]

    @property
    def is_diagonal(self) -> bool:
        """Whether K is diagonal in the coordinates in which the algorithm runs."""
        return True

    @property
    def matrix(self) -> np.ndarray | None:
        """K, shape (d, d), or None where it is diagonal."""
        return None

    @property
    def eigenvectors(self) -> np.ndarray | None:
        """Orthonormal columns in the order of `eigenvalues`, or None where K is diagonal."""
        return None

    @cached_property
    def shares(self) -> np.ndarray:
        """The fraction n_j/d of each eigenvalue, shape (m,)."""
        return self.multiplicities / self.dimension

    @cached_property
    def mean_eigenvalue(self) -> float:
        """tr(K)/d."""
        return float(self.shares @ self.eigenvalues)

    @property
    def trace(self) -> float:
        """tr(K); infinite for a spectral density."""
        return self.dimension * self.mean_eigenvalue

    @cached_property
    def norm(self) -> float:
        """Largest eigenvalue."""
        return float(self.eigenvalues.max())

    @property
    def intrinsic_dimension(self) -> float:
        """tr(K) over the largest eigenvalue: it, not d, controls the error of the limit."""
        return self.trace / self.norm

    @cached_property
    def second_moment(self) -> float:
        """tr(K²)/d."""
        return float(self.shares @ self.eigenvalues**2)

    @property
    def diagonal(self) -> np.ndarray:
        """Variances K_ii of the coordinates, shape (d,)."""
        return self.expanded()

    def expanded(self) -> np.ndarray:
        """Eigenvalues with repeats, shape (d,); for a diagonal K in the order of coordinates."""
        raise NotImplementedError

    def check_expansion(self) -> int:
        """The dimension as an integer, refused where a vector of it cannot be held."""
        if math.isinf(self.dimension):
            remedy = "a spectral density has no coordinates; give a covariance of finite d"
            raise InvalidInput("dimension", self.dimension, remedy)
        if self.dimension > LARGEST_EXPANSION:
            remedy = f"vectors over the coordinates are made up to d = {LARGEST_EXPANSION}"
            raise InvalidInput("dimension", self.dimension, remedy)
        return int(self.dimension)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(dimension={self.dimension:g}, norm={self.norm:.6g})"
