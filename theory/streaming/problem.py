r"""Streaming least squares: :math:`x\sim N(0,K)`, :math:`y=\langle x,\theta^\star\rangle+\epsilon`.

The state is the error :math:`\delta=\theta-\theta^\star`, the excess risk
:math:`R=\tfrac12\delta^\top K\delta`, and :math:`V_j` is half of :math:`|\delta|^2` on the
eigenspace of :math:`\lambda_j`, so that :math:`R=\sum_j\lambda_jV_j`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from ..core import stated
from ..core.by_content import ByContent
from ..core.checks import positive, read_only, vector
from ..core.errors import InvalidInput, InvalidType
from ..core.problem import Problem
from ..covariance import Covariance
from ..noise import Noise
from ..noise.consistency import check_law

#: key of the fixed random signs of the default start in a dense problem
_SIGNS = 20240611


@dataclass(frozen=True, eq=False)
class LeastSquares(Problem, ByContent):
    """A linear target learnt from a stream in which every sample is used once.

    Step size rate/d, time t = k/d.

    Parameters
    ----------
    covariance : Covariance
        Law of the inputs.
    noise : Noise
        Law of the label noise.
    start : array_like of shape (d,) or callable, optional
        The error δ(0) in the coordinates of the algorithm, or a function that maps the array of
        eigenvalues to the component of δ(0) along each eigendirection (at d = ∞: √d times the
        component). Taken as it is. By default |δ(0)|² is spread evenly over the
        eigendirections; in a dense problem with fixed random signs.
    initial_risk : float
        Excess risk that the default start is scaled to, > 0.
    """

    family: ClassVar[str] = "streaming"
    #: the limit that `solve` takes for unclipped SGD where none is named
    linear_limit: ClassVar[str] = "ode"

    covariance: Covariance
    noise: Noise
    start: np.ndarray | Callable[[np.ndarray], Any] | None = None
    initial_risk: float = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.covariance, Covariance):
            remedy = "give a covariance such as isotropic(1000) or from_matrix(K)"
            raise InvalidType("covariance", self.covariance, remedy)
        if not isinstance(self.noise, Noise):
            raise InvalidType("noise", self.noise, "give a noise law such as Gaussian(0.5)")
        check_law(self.noise)
        object.__setattr__(self, "initial_risk", positive("initial_risk", self.initial_risk))
        if callable(self.start):
            self._profile()
        elif self.start is not None:
            d = self.covariance.check_expansion()
            object.__setattr__(self, "start", vector("start", self.start, d))
        with np.errstate(over="ignore", invalid="ignore"):
            risk = float(self.covariance.eigenvalues @ self.energies())
        if not np.isfinite(risk):
            raise InvalidInput("start", self.start, "its risk overflows; give a smaller start")

    @property
    def dimension(self) -> int | float:
        """Ambient dimension d, or math.inf."""
        return self.covariance.dimension

    @cached_property
    def risk(self) -> float:
        """Excess risk R(0) of the start."""
        return float(self.covariance.eigenvalues @ self.energies())

    def energies(self) -> np.ndarray:
        """V_j(0) of each distinct eigenvalue, shape (m,)."""
        law = self.covariance
        if self.start is None:
            return law.shares * (self.initial_risk / law.mean_eigenvalue)
        if callable(self.start):
            return 0.5 * law.multiplicities * self._profile() ** 2
        if law.eigenvectors is not None:
            return 0.5 * (law.eigenvectors.T @ self.start) ** 2
        return self._block_sums(0.5 * np.square(self.start))

    def delta(self) -> np.ndarray:
        """δ(0) in the coordinates of the algorithm, shape (d,); finite d only."""
        law = self.covariance
        d = law.check_expansion()
        if self.start is not None and not callable(self.start):
            return self.start
        component = np.sqrt(2 * self.energies() / law.multiplicities)
        if callable(self.start):
            component = self._profile()
        if law.eigenvectors is not None:
            return read_only(law.eigenvectors @ (component * self._signs(d)))
        spread = np.repeat(component, law.multiplicities)
        # coordinates in which the data do not vary come last and stay where the target is
        return read_only(np.concatenate([spread, np.zeros(d - spread.size)]))

    def _signs(self, d: int) -> np.ndarray | float:
        if callable(self.start):
            return 1.0
        return 2.0 * np.random.default_rng(_SIGNS).integers(0, 2, d) - 1.0

    def _profile(self) -> np.ndarray:
        """The user's function at the eigenvalues, shape (m,)."""
        return stated.profile(self.start, self.covariance.eigenvalues)

    def _block_sums(self, values: np.ndarray) -> np.ndarray:
        counts = self.covariance.multiplicities
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        return np.add.reduceat(values[: counts.sum()], starts)
