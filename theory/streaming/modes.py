r"""Modes: the numbers of a problem that the risk equation of a method needs.

All streaming methods share :math:`\dot y_i=-A\lambda_iy_i+Bc_i`, :math:`R=\sum_iy_i`.
Methods that act on the residual or on the gradient norm have the eigenvalues of K, with
:math:`y_j=\lambda_jV_j` and :math:`c_j=\lambda_j^2n_j/d` (arXiv 2406.11733, rederived).
Coordinatewise methods have those of :math:`S=D^{-1/4}KD^{-1/4}`, with left vectors :math:`w_i`,
:math:`y_i=\tfrac12\lambda_i(w_i^\top\delta)^2` and
:math:`c_i=\lambda_i\,w_i^\top K_\sigma w_i/d` (arXiv 2411.12135, rederived).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from ..core.checks import read_only
from ..covariance import Covariance
from .problem import LeastSquares, check_stream
from .votes import vote_covariance, voters


@dataclass(frozen=True, eq=False)
class Modes:
    """Decay rates λ_i, energies y_i(0) and sources c_i = q_i/d, each of shape (m,).

    Modes that the data do not excite (λ_i = 0) are left out: there y_i = c_i = 0.
    """

    rates: np.ndarray
    energies: np.ndarray
    sources: np.ndarray
    dimension: int | float

    @property
    def risk(self) -> float:
        """R(0), the sum of the energies."""
        return float(self.energies.sum())

    @cached_property
    def largest_rate(self) -> float:
        """Largest λ_i."""
        return float(self.rates.max())

    @cached_property
    def mean_rate(self) -> float:
        """Σ c_i/λ_i: tr K/d, or tr D^½/d for a method that acts on coordinates."""
        return float(np.sum(self.sources / self.rates))


def modes(problem: LeastSquares, method: Any) -> Modes:
    """The modes of `problem` under a `method`, by how its rule acts.

    Diagonal covariances cost O(m) whatever d is; dense ones one eigendecomposition, kept.
    """
    check_stream(problem)
    return modes_of(problem, method.acts_on == "coordinate", voters(method))


@lru_cache(maxsize=4)
def modes_of(problem: LeastSquares, coordinatewise: bool, votes: int = 1) -> Modes:
    """The modes of `problem` under signs (votes of `votes` signs) or not; the last few are kept."""
    numbers = _coordinate_modes(problem, votes) if coordinatewise else _residual_modes(problem)
    active = numbers[0] > 0
    rates, energies, sources = (
        read_only(np.ascontiguousarray(part[active], dtype=np.float64)) for part in numbers
    )
    return Modes(rates, energies, sources, problem.dimension)


Triple = tuple[np.ndarray, np.ndarray, np.ndarray]


def _residual_modes(problem: LeastSquares) -> Triple:
    spectrum = problem.covariance.eigenvalues
    return spectrum, spectrum * problem.energies(), spectrum**2 * problem.covariance.shares


def _coordinate_modes(problem: LeastSquares, votes: int) -> Triple:
    law = problem.covariance
    if law.is_diagonal:
        variances = law.eigenvalues
        return np.sqrt(variances), variances * problem.energies(), variances * law.shares
    geometry = sign_geometry(law, votes)
    energies = 0.5 * geometry.rates * (geometry.left.T @ problem.delta()) ** 2
    return geometry.rates, energies, geometry.sources / law.dimension


@dataclass(frozen=True, eq=False)
class SignGeometry:
    """What coordinatewise sign methods see of a dense K.

    Attributes
    ----------
    scales : numpy.ndarray, shape (d,)
        The diagonal of D, K_ii.
    correlation, sign_covariance : numpy.ndarray, shape (d, d)
        C = D^(-1/2) K D^(-1/2) and K_σ = (2/π) arcsin C, the covariance of sign(x).
    rates : numpy.ndarray, shape (d,)
        Eigenvalues λ_i of S = D^(-1/4) K D^(-1/4), increasing; those of D^(-1/2) K too.
    right, left : numpy.ndarray, shape (d, d)
        Columns u_i = D^(-1/4) s_i and w_i = D^(1/4) s_i with s_i the eigenvectors of S.
    """

    scales: np.ndarray
    correlation: np.ndarray
    sign_covariance: np.ndarray
    rates: np.ndarray
    right: np.ndarray
    left: np.ndarray

    @cached_property
    def noise_shares(self) -> np.ndarray:
        """A_ii = w_iᵀ K_σ w_i, shape (d,)."""
        return np.einsum("ji,ji->i", self.left, self.sign_covariance @ self.left)

    @property
    def sources(self) -> np.ndarray:
        """q_i = λ_i A_ii, shape (d,)."""
        return self.rates * self.noise_shares

    @cached_property
    def common_correlation(self) -> float:
        """Largest eigenvalue of C over d; above 0.1 the spread of a run is of order one."""
        return float(np.linalg.eigvalsh(self.correlation)[-1]) / self.scales.size


@lru_cache(maxsize=4)
def sign_geometry(covariance: Covariance, votes: int = 1) -> SignGeometry:
    """The geometry of signs, or of majority votes, of a dense covariance; the last few are kept."""
    matrix = np.diag(covariance.diagonal) if covariance.matrix is None else covariance.matrix
    scales = np.diag(matrix).copy()
    root = scales**0.25
    values, vectors = np.linalg.eigh(matrix / np.outer(root, root))
    floor = 4 * np.finfo(float).eps * values.size * values[-1]
    spread = np.sqrt(scales)
    # rounding may push a perfect correlation past one, where arcsin has no value
    correlation = np.clip(matrix / np.outer(spread, spread), -1.0, 1.0)
    np.fill_diagonal(correlation, 1.0)
    parts = (
        scales,
        correlation,
        vote_covariance((2 / math.pi) * np.arcsin(correlation), votes),
        np.where(values > floor, values, 0.0),
        vectors / root[:, None],
        vectors * root[:, None],
    )
    return SignGeometry(*(read_only(part) for part in parts))


def max_rho_squared(problem: LeastSquares) -> float:
    r"""Largest :math:`\rho_i^2=(K\delta)_i^2/(2RK_{ii})` of the start, the measure of localisation.

    The theory of coordinatewise methods needs it small; 0 at d = ∞.
    """
    return float(np.max(_rho_squared(problem)[0]))


def weighted_rho_squared(problem: LeastSquares) -> float:
    r"""Mean :math:`\rho_i^2` of the start, weighted by the share :math:`\rho_i^2\sqrt{K_{ii}}` that
    a coordinate has in the decay of the risk under signs; 0 at d = ∞."""
    squares, variances, counts = _rho_squared(problem)
    weights = counts * squares * np.sqrt(variances)
    total = float(weights.sum())
    return float(weights @ squares) / total if total > 0 else 0.0


def _rho_squared(problem: LeastSquares) -> Triple:
    """ρ_i² and K_ii of the start, and how many coordinates are alike."""
    law, power = problem.covariance, 2 * problem.risk
    nothing = np.zeros(1), np.ones(1), np.ones(1)
    if math.isinf(problem.dimension) or power == 0:
        return nothing
    if law.matrix is not None:
        squares = (law.matrix @ problem.delta()) ** 2 / law.diagonal
        return squares / power, law.diagonal, np.ones(squares.size)
    if problem.spread_evenly or problem.is_profile:
        squares = law.eigenvalues * 2 * problem.energies() / law.multiplicities
        return squares / power, law.eigenvalues, law.multiplicities
    variances = law.expanded()
    return variances * problem.delta() ** 2 / power, variances, np.ones(variances.size)


def common_correlation(covariance: Covariance) -> float:
    """Largest eigenvalue of C over d; above 0.1 the spread of a sign run is of order one."""
    if covariance.is_diagonal:
        return 1 / covariance.dimension
    return sign_geometry(covariance).common_correlation


def preconditioned_intrinsic_dimension(covariance: Covariance) -> float:
    """tr(S) over the largest eigenvalue of S = D^(-1/4) K D^(-1/4), where tr S = tr D^(1/2)."""
    if covariance.is_diagonal:
        roots = np.sqrt(covariance.eigenvalues)
        mean = float(covariance.shares @ roots)
        return covariance.dimension * mean / math.sqrt(covariance.norm)
    geometry = sign_geometry(covariance)
    return float(np.sqrt(geometry.scales).sum() / geometry.rates[-1])
