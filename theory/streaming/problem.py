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
    target : array_like of shape (d,) or callable, optional
        θ*, as `start`, for methods that pull θ towards 0. By default θ(0) = 0, so that θ* is
        −δ(0); with a target and no start δ(0) is −θ*.

    Raises
    ------
    InvalidInput, InvalidType
        What is no covariance or no law; a start or a target of another length; an initial risk that
        is not positive.

    Examples
    --------
    >>> import limitlab as ll
    >>> K = ll.power_law(200, exponent=0.5)
    >>> problem = ll.LeastSquares(K, ll.Gaussian(0.5), initial_risk=2.0)
    >>> problem.covariance.dimension, problem.initial_risk
    (200, 2.0)
    """

    family: ClassVar[str] = "streaming"
    #: the limit that `solve` takes for unclipped SGD where none is named
    linear_limit: ClassVar[str] = "ode"

    covariance: Covariance
    noise: Noise
    start: np.ndarray | Callable[[np.ndarray], Any] | None = None
    initial_risk: float = 1.0
    target: np.ndarray | Callable[[np.ndarray], Any] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.covariance, Covariance):
            remedy = "give a covariance such as isotropic(1000) or from_matrix(K)"
            raise InvalidType("covariance", self.covariance, remedy)
        if not isinstance(self.noise, Noise):
            raise InvalidType("noise", self.noise, "give a noise law such as Gaussian(0.5)")
        check_law(self.noise)
        object.__setattr__(self, "initial_risk", positive("initial_risk", self.initial_risk))
        for field in ("start", "target"):
            given = getattr(self, field)
            if callable(given):
                stated.profile(given, self.covariance.eigenvalues, field)
            elif given is not None:
                d = self.covariance.check_expansion()
                object.__setattr__(self, field, vector(field, given, d))
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

    @property
    def spread_evenly(self) -> bool:
        """Whether δ(0) is the default start."""
        return self.start is None and self.target is None

    @property
    def is_profile(self) -> bool:
        """Whether δ(0) is a function of the eigenvalue."""
        return callable(self.start if self.start is not None else self.target)

    def energies(self) -> np.ndarray:
        """V_j(0) of each distinct eigenvalue, shape (m,)."""
        law = self.covariance
        if self.spread_evenly:
            return law.shares * (self.initial_risk / law.mean_eigenvalue)
        if self.is_profile:
            return 0.5 * law.multiplicities * self._profile() ** 2
        return self._on_modes(self._opening(), self._opening())

    def target_moments(self) -> tuple[np.ndarray, np.ndarray]:
        """½ δ(0)·θ* and ½ |θ*|² in the eigenspace of each distinct eigenvalue, (m,) each."""
        if self.target is None:
            return -self.energies(), self.energies()
        law = self.covariance
        if callable(self.target) and self.is_profile:
            aim, start = stated.profile(self.target, law.eigenvalues), self._profile()
            return 0.5 * law.multiplicities * start * aim, 0.5 * law.multiplicities * aim**2
        aim = self.target_vector()
        return self._on_modes(self.delta(), aim), self._on_modes(aim, aim)

    def delta(self) -> np.ndarray:
        """δ(0) in the coordinates of the algorithm, shape (d,); finite d only."""
        law = self.covariance
        d = law.check_expansion()
        if self.spread_evenly:
            component = np.sqrt(2 * self.energies() / law.multiplicities)
            signs = 1.0 if law.eigenvectors is None else self._signs(d)
            return self._expanded(component, signs)
        return self._expanded(self._profile()) if self.is_profile else self._opening()

    def target_vector(self) -> np.ndarray:
        """θ* in the coordinates of the algorithm, shape (d,); finite d only."""
        if self.target is None:
            return read_only(-self.delta())
        if callable(self.target):
            return self._expanded(stated.profile(self.target, self.covariance.eigenvalues))
        return self.target

    def _opening(self) -> np.ndarray:
        """δ(0) as a vector that was given."""
        return -self.target if self.start is None else self.start  # type: ignore[operator,return-value]

    def _expanded(self, component: np.ndarray, signs: np.ndarray | float = 1.0) -> np.ndarray:
        """The vector with a component along each eigendirection."""
        law = self.covariance
        d = law.check_expansion()
        if law.eigenvectors is not None:
            return read_only(law.eigenvectors @ (component * signs))
        spread = np.repeat(component, law.multiplicities)
        # coordinates in which the data do not vary come last and stay where the target is
        return read_only(np.concatenate([spread, np.zeros(d - spread.size)]))

    def _on_modes(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """½ of the product of two vectors in each eigenspace, shape (m,)."""
        law = self.covariance
        if law.eigenvectors is not None:
            return 0.5 * (law.eigenvectors.T @ one) * (law.eigenvectors.T @ other)
        return self._block_sums(0.5 * one * other)

    def _signs(self, d: int) -> np.ndarray:
        return 2.0 * np.random.default_rng(_SIGNS).integers(0, 2, d) - 1.0

    def _profile(self) -> np.ndarray:
        """The user's function at the eigenvalues, shape (m,)."""
        eigenvalues = self.covariance.eigenvalues
        if self.start is None:
            return -stated.profile(self.target, eigenvalues, "target")
        return stated.profile(self.start, eigenvalues)

    def _block_sums(self, values: np.ndarray) -> np.ndarray:
        counts = self.covariance.multiplicities
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        return np.add.reduceat(values[: counts.sum()], starts)


def check_stream(problem: Any) -> None:
    """Refuse what is not streaming least squares.

    Raises
    ------
    InvalidType
    """
    if not isinstance(problem, LeastSquares):
        raise InvalidType("problem", problem, "give a LeastSquares problem")
