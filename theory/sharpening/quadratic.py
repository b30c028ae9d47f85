r"""Second-order regression on D examples with P parameters.

.. math:: z(\theta)=z_0+G\theta+\tfrac12Q(\theta,\theta),\qquad J(\theta)=G+Q(\theta,\cdot),
          \qquad L=\frac{|z|^2}{2D},\qquad\theta_0=0,

with one symmetric Gaussian (GOE) matrix :math:`Q_a` of off-diagonal variance q for every example.
Model of arXiv 2210.04860 and 2404.19261.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..checks import array, count, number, read_only, vector
from ..content import ByContent
from ..errors import InvalidInput, InvalidType

#: round-off that a Gram matrix may show
_ROUND_OFF = 1e-10


@dataclass(frozen=True, eq=False)
class QuadraticRegression(ByContent):
    """Regression with a model that is quadratic in its parameters.

    Step size rate (batch prefactor g = rate/batch), time in steps; sharpness = λ_max(JJᵀ)/D, so
    that the edge of stability is rate·sharpness = 2.

    Parameters
    ----------
    data, parameters : int
        D and P.
    curvature : float
        κ = q P >= 0, with q the variance of the off-diagonal entries of each Q_a. The
        proportional limit is written in κ̃ = q P D = κ D.
    jacobian : (D, P) or (D, D) array_like, optional
        G, or the Gram matrix Θ₀ = G Gᵀ (then D < P, and G is its square root with zeros behind;
        the law of Q does not distinguish one root from another). By default independent
        normals of variance 1/P, drawn from `seed`.
    residual : (D,) array_like, optional
        z₀. By default uniform on the sphere |z₀|² = D, drawn from `seed`.
    seed : int, keyword only
        Of the default G and z₀.

    Raises
    ------
    InvalidInput
        Wrong shapes; a Gram matrix that is not symmetric, not positive semidefinite, or D >= P.

    Examples
    --------
    >>> problem = QuadraticRegression(data=2, parameters=50, curvature=0.3,
    ...                               jacobian=[[2, 0.5], [0.5, 1]], residual=[1, -0.5])
    >>> problem.gram.tolist(), problem.kappa_tilde
    ([[2.0, 0.5], [0.5, 1.0]], 0.6)
    """

    data: int
    parameters: int
    curvature: float
    jacobian: Any = None
    residual: Any = None
    _: KW_ONLY
    seed: int = 0

    def __post_init__(self) -> None:
        D, P = count("data", self.data), count("parameters", self.parameters)
        kappa = number("curvature", self.curvature)
        if kappa < 0:
            raise InvalidInput("curvature", self.curvature, "give κ = q P >= 0")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int):
            raise InvalidType("seed", self.seed, "give a whole number >= 0")
        count("seed", self.seed, 0)
        fixed: dict[str, Any] = {"data": D, "parameters": P, "curvature": kappa}
        if self.jacobian is not None:
            fixed["jacobian"] = self._checked_jacobian(D, P)
        if self.residual is not None:
            fixed["residual"] = vector("residual", self.residual, D)
        for field, value in fixed.items():
            object.__setattr__(self, field, value)

    def _checked_jacobian(self, D: int, P: int) -> np.ndarray:
        given = array("jacobian", self.jacobian, 2)
        if given.shape == (D, P):
            return given
        if given.shape != (D, D):
            remedy = f"has shape {given.shape}; give G ({D}, {P}) or Θ₀ = G Gᵀ ({D}, {D})"
            raise InvalidInput("jacobian", self.jacobian, remedy)
        if D >= P:
            raise InvalidInput("jacobian", self.jacobian, "a Gram matrix needs D < P; give G")
        if np.abs(given - given.T).max() > _ROUND_OFF * np.abs(given).max():
            raise InvalidInput("jacobian", self.jacobian, "this Θ₀ is not symmetric")
        lowest = np.linalg.eigvalsh(given)[0]
        if lowest < -_ROUND_OFF * np.trace(given) / D:
            remedy = f"this Θ₀ has the eigenvalue {lowest:.3g}; give a positive semidefinite one"
            raise InvalidInput("jacobian", self.jacobian, remedy)
        return given

    @property
    def kappa(self) -> float:
        """κ = q P, the strength of sharpening at fixed D."""
        return self.curvature

    @property
    def q(self) -> float:
        """Variance of the off-diagonal entries of each Q_a."""
        return self.curvature / self.parameters

    @property
    def kappa_tilde(self) -> float:
        """κ̃ = q P D, the strength of sharpening in the proportional limit."""
        return self.curvature * self.data

    @property
    def is_random(self) -> bool:
        """Whether both G and z₀ are the default random ones."""
        return self.jacobian is None and self.residual is None

    @cached_property
    def G(self) -> np.ndarray:
        """Jacobian at the start, (D, P)."""
        D, P = self.data, self.parameters
        if self.jacobian is None:
            return read_only(self._normals(0, (D, P)) / np.sqrt(P))
        if self.jacobian.shape == (D, P):
            return self.jacobian
        values, vectors = np.linalg.eigh(self.jacobian)
        root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
        return read_only(np.hstack([root, np.zeros((D, P - D))]))

    @cached_property
    def z0(self) -> np.ndarray:
        """Residual at the start, (D,)."""
        if self.residual is not None:
            return self.residual
        direction = self._normals(1, (self.data,))
        return read_only(direction * np.sqrt(self.data) / np.linalg.norm(direction))

    @cached_property
    def gram(self) -> np.ndarray:
        """Θ₀ = G Gᵀ, (D, D)."""
        given = self.jacobian
        is_gram = given is not None and given.shape != (self.data, self.parameters)
        return given if is_gram else read_only(self.G @ self.G.T)

    @property
    def jacobian_variance(self) -> float:
        """ã = tr Θ₀/D in the mean over the law of the default G; of the given one otherwise."""
        return 1.0 if self.jacobian is None else float(np.trace(self.gram)) / self.data

    @property
    def residual_variance(self) -> float:
        """σ² = |z₀|²/D."""
        return float(self.z0 @ self.z0) / self.data

    def _normals(self, part: int, shape: tuple[int, ...]) -> np.ndarray:
        key = np.random.SeedSequence(self.seed, spawn_key=(part,))
        return np.random.default_rng(key).standard_normal(shape)
