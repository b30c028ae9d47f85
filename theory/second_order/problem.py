r"""Second-order regression on D examples with P parameters.

.. math:: z(\theta)=z_0+G\theta+\tfrac12Q(\theta,\theta),\qquad J(\theta)=G+Q(\theta,\cdot),
          \qquad L=\frac{|z|^2}{2D},\qquad\theta_0=0,

with one symmetric Gaussian (GOE) matrix :math:`Q_a` of off-diagonal variance q for every example.
Model of arXiv 2210.04860 and 2404.19261.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from ..core.by_content import ByContent
from ..core.checks import SIXTH, array, count, number, read_only, vector, within_size
from ..core.errors import InvalidInput, InvalidType
from ..core.problem import Problem

#: round-off that a Gram matrix may show, and the two ways to give one curvature
_ROUND_OFF, _SAME = 1e-10, 1e-12


@dataclass(frozen=True, eq=False, init=False)
class QuadraticRegression(Problem, ByContent):
    """Regression with a model that is quadratic in its parameters.

    Step size rate (batch prefactor g = rate/batch), time in steps; sharpness = λ_max(JJᵀ)/D, so
    that the edge of stability is rate·sharpness = 2.

    Parameters
    ----------
    data, parameters : int
        D and P.
    curvature : float, optional
        κ = q P >= 0, with q the variance of the off-diagonal entries of each Q_a. One of
        `curvature`, `q` and `kappa_tilde` is needed.
    jacobian : (D, P) or (D, D) array_like, optional
        G; or, for D < P, the Gram matrix Θ₀ = G Gᵀ, as by `gram`. For D = P it is always G. By
        default independent normals of variance 1/P, drawn from `seed`.
    residual : (D,) array_like, optional
        z₀. By default uniform on the sphere |z₀|² = D, drawn from `seed`.
    q, kappa_tilde : float, optional, keyword only
        The curvature by the variance q itself, or by κ̃ = q P D = κ D, in which the proportional
        limit is written.
    gram : (D, D) array_like, optional, keyword only
        Θ₀ in place of G, for D < P: G is its square root with zeros behind; the law of Q does not
        distinguish one root from another.
    seed : int, keyword only
        Of the default G and z₀.

    Raises
    ------
    InvalidInput
        Wrong shapes; a Gram matrix that is not symmetric, not positive semidefinite, or D >= P;
        no curvature, or several that differ; entries beyond 1e100, of a Jacobian beyond 1e50.

    Examples
    --------
    >>> import limitlab as ll
    >>> problem = ll.QuadraticRegression(data=2, parameters=50, curvature=0.3,
    ...                               jacobian=[[2, 0.5], [0.5, 1]], residual=[1, -0.5])
    >>> problem.gram.tolist(), problem.kappa_tilde
    ([[2.0, 0.5], [0.5, 1.0]], 0.6)
    """

    family: ClassVar[str] = "second_order"
    drawn: ClassVar[bool] = True

    data: int
    parameters: int
    curvature: float
    jacobian: Any
    residual: Any
    seed: int

    def __init__(
        self,
        data: int,
        parameters: int,
        curvature: float | None = None,
        jacobian: Any = None,
        residual: Any = None,
        *,
        q: float | None = None,
        kappa_tilde: float | None = None,
        gram: Any = None,
        seed: int = 0,
    ) -> None:
        D, P = count("data", data), count("parameters", parameters)
        if isinstance(seed, bool) or not isinstance(seed, int):
            raise InvalidType("seed", seed, "give a whole number >= 0")
        fixed: dict[str, Any] = {
            "data": D,
            "parameters": P,
            "curvature": _strength(D, P, curvature=curvature, q=q, kappa_tilde=kappa_tilde),
            "jacobian": _start(D, P, jacobian, gram),
            "residual": None if residual is None else _residual(residual, D),
            "seed": count("seed", seed, 0),
        }
        for field, value in fixed.items():
            object.__setattr__(self, field, value)

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


def _strength(D: int, P: int, **given: float | None) -> float:
    """κ, from any of the names that it was given by."""
    units = {"curvature": 1.0, "q": float(P), "kappa_tilde": 1.0 / D}
    named = {name: value for name, value in given.items() if value is not None}
    if not named:
        remedy = "give one of curvature = κ, q = κ/P and kappa_tilde = κ D"
        raise InvalidInput("curvature", None, remedy)
    found = {name: number(name, value) * units[name] for name, value in named.items()}
    for name, kappa in found.items():
        if kappa < 0:
            raise InvalidInput(name, named[name], "give κ = q P >= 0")
    values = list(found.values())
    if max(values) - min(values) > _SAME * max(values):
        listed = ", ".join(f"{kappa:.6g} by {name}" for name, kappa in found.items())
        remedy = f"κ = q P = κ̃/D is {listed}; give one of them"
        raise InvalidInput(", ".join(found), tuple(named.values()), remedy)
    return values[0]


def _residual(values: Any, D: int) -> np.ndarray:
    return within_size("residual", vector("residual", values, D))


def _start(D: int, P: int, jacobian: Any, gram: Any) -> np.ndarray | None:
    """G (D, P) or Θ₀ (D, D), checked; None where it is to be drawn."""
    if gram is not None:
        if jacobian is not None:
            raise InvalidInput("gram", gram, "jacobian is given too; give one of them")
        return _checked_gram("gram", within_size("gram", array("gram", gram, 2)), D, P)
    if jacobian is None:
        return None
    given = array("jacobian", jacobian, 2)
    if given.shape == (D, P):
        return within_size("jacobian", given, SIXTH)
    return _checked_gram("jacobian", within_size("jacobian", given), D, P)


def _checked_gram(field: str, given: np.ndarray, D: int, P: int) -> np.ndarray:
    if given.shape != (D, D):
        shapes = f"Θ₀ = G Gᵀ ({D}, {D})" if field == "gram" else f"G ({D}, {P}) or Θ₀ ({D}, {D})"
        raise InvalidInput(field, given, f"has shape {given.shape}; give {shapes}")
    if D >= P:
        raise InvalidInput(field, given, "a Gram matrix needs D < P; give jacobian = G")
    if np.abs(given - given.T).max() > _ROUND_OFF * np.abs(given).max():
        raise InvalidInput(field, given, "this Θ₀ is not symmetric")
    lowest = np.linalg.eigvalsh(given)[0]
    if lowest < -_ROUND_OFF * np.trace(given) / D:
        remedy = f"this Θ₀ has the eigenvalue {lowest:.3g}; give a positive semidefinite one"
        raise InvalidInput(field, given, remedy)
    return given
