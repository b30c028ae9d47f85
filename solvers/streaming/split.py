r"""signSGD from localised starts: the mean path followed coordinate by coordinate.

The risk ODE linearises the mean of a sign in ρ_i, the correlation of x_i with ⟨x, δ⟩. Where some
ρ_i is not small the mean path μ is followed exactly and only the fluctuations around it as modes:

    dμ_i/dt = −η E s_i,   df_i/dt = −2ηg λ_i f_i + (η²/2d) (q_i − λ_i (w_iᵀ E s)²),
    R = ½ μᵀKμ + Σ f_i,

q_i − λ_i (w_iᵀ E s)² being the diagonal of the one-step covariance K_σ − E s E sᵀ (derived here,
after arXiv 2411.12135). E s_i is exact for one sample and any noise, for means and votes of such
signs, and for the sign of a batch mean under Gaussian noise; under other noise that one is right to
first order in ρ_i and saturates as if the residuals were Gaussian.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.errors import NotAvailable
from ...theory.streaming.modes import sign_geometry
from ...theory.streaming.votes import voters
from ..core.compile import load, writable
from ..stepping.failure import finished
from .coefficients import Coefficients

Array = NDArray[np.float64]

_MOST_STEPS = 50_000
_NO_MATRIX = np.empty((0, 0))


@dataclass(frozen=True, eq=False)
class Coordinates:
    """What the split equations see of a problem; equal coordinates are one entry.

    Attributes
    ----------
    path : (n,) array
        μ(0).
    rates, sources : (n,) arrays
        λ_i, and c_i = q_i/d summed over the equal ones.
    variances, counts : (n,) arrays
        K_ii, and how many coordinates are alike.
    covariance, left : (d, d) arrays
        K and, as rows, the left vectors w_i; (0, 0) where K is diagonal.
    dimension : float
    """

    path: Array
    rates: Array
    sources: Array
    variances: Array
    counts: Array
    covariance: Array
    left: Array
    dimension: float

    @classmethod
    def of(cls, problem: Any, votes: int = 1) -> Coordinates:
        """Return the coordinates of a problem of finite d, for votes of `votes` signs."""
        if math.isinf(problem.dimension):
            remedy = "a spectral density has no coordinates, hence no localised start"
            raise NotAvailable("correction", "split", remedy)
        dense = problem.covariance.matrix is not None
        return cls._dense(problem, votes) if dense else cls._diagonal(problem)

    @classmethod
    def _diagonal(cls, problem: Any) -> Coordinates:
        variances, sizes, counts = _groups(problem)
        d = float(problem.dimension)
        arrays = (sizes, np.sqrt(variances), variances * counts / d, variances, counts)
        path, rates, sources, scales, counts = (writable(a) for a in arrays)
        return cls(path, rates, sources, scales, counts, _NO_MATRIX, _NO_MATRIX, d)

    @classmethod
    def _dense(cls, problem: Any, votes: int) -> Coordinates:
        law, d = problem.covariance, float(problem.dimension)
        seen = sign_geometry(law, votes)
        arrays = (problem.delta(), seen.rates, seen.sources / d, seen.scales, law.matrix)
        path, rates, sources, scales, matrix = (writable(a) for a in arrays)
        left = writable(seen.left.T)
        return cls(path, rates, sources, scales, np.ones(path.size), matrix, left, d)


def _groups(problem: Any) -> tuple[Array, Array, Array]:
    """Return variance, |δ_i(0)| and number of each kind of coordinate of a diagonal problem."""
    law = problem.covariance
    if problem.spread_evenly or problem.is_profile:
        sizes = np.sqrt(2 * problem.energies() / law.multiplicities)
        return law.eigenvalues, sizes, law.multiplicities.astype(float)
    pairs = np.stack([law.expanded(), np.abs(problem.delta())], axis=1)
    pairs, counts = np.unique(pairs[pairs[:, 0] > 0], axis=0, return_counts=True)
    return pairs[:, 0], pairs[:, 1], counts.astype(float)


def split_risk(
    problem: Any,
    method: Any,
    coefficients: Coefficients,
    times: Array,
    rtol: float = 1e-8,
) -> Array:
    """Return the risk of signSGD by the split equations.

    Parameters
    ----------
    problem : LeastSquares
        Of finite d. O(d) a step where K is diagonal (less where coordinates are alike), else O(d²).
    method : Method
        Acts on coordinates.
    coefficients : Coefficients
        Of its system.
    times : (T,) array
        Increasing, from 0.

    Raises
    ------
    NotAvailable
        A method that does not act on coordinates; d = ∞.
    SolveFailed
        The integration could not be finished.
    """
    if method.acts_on != "coordinate":
        remedy = "splits the limit of methods that act on coordinates (SignSGD); leave it out"
        raise NotAvailable("correction", "split", remedy)
    seen = Coordinates.of(problem, voters(method))
    geometry = (seen.rates, seen.sources, seen.variances, seen.counts, seen.covariance, seen.left)
    table = coefficients.table(10.0 * max(problem.risk, 1e-3), float(times[-1]))
    landed, rows = coefficients.landing(writable(times))
    risk, report = load(coefficients.source, "streaming/split").integrate(
        seen.path,
        landed,
        (*geometry, seen.dimension),
        coefficients.law,
        table,
        _saturation(method),
        rtol,
        _MOST_STEPS,
    )
    return np.maximum(finished(risk, report), 0.0)[rows]


def _saturation(method: Any) -> tuple[bool, int]:
    """Whether one sample's sign enters by its exact mean, and n of S_n (0: none)."""
    if method.batch == 1 or method.pool == "each":
        return True, 0
    return (True, method.batch + 1) if method.pool == "both" else (False, method.batch)
