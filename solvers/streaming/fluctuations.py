"""The spread of one run around the limit: the linear-noise covariance of the mode energies.

Σ̇ = JΣ + ΣJᵀ + G/d with Σ(0) = 0 and sd R = (Σ_ij Σ_ij)^½ (derived here). Var R is linear in the
same two measures as R: it is ∫ vᵀ G v with the adjoint v_i = v(λ_i), a smooth function of λ, so
that Gauss nodes of the measures give it as they give R, and the cost does not depend on m.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.errors import SolveFailed
from ...theory.streaming.modes import SignGeometry, sign_geometry
from ...theory.streaming.votes import voters
from ..core.chebyshev import NO_TABLE
from ..core.compile import load, writable
from ..stepping.failure import finished, is_stiff
from .coefficients import Coefficients
from .compress import Spectrum, binned
from .ode import compress_for, relative_gap

Array = NDArray[np.float64]

#: factors on D, E, F and H: the one-step covariance, and the papers' second moment of the step
DIFFUSIONS = {"exact": np.ones(4), "published": np.array([1.0, 0.0, 0.0, 0.0])}
_EXPLICIT_STEPS = 1_500
_IMPLICIT_STEPS = 20_000
#: A λ h at which an explicit step is about to become unstable for Σ
_STABLE = 1.6
#: with a state of d² numbers the spread is solved no finer than this
_DENSE_RTOL = 1e-6
_DENSE_STEPS = 10_000
_INDEPENDENT = np.empty((0, 0))
#: a variance below this may be 0 at the next time
_UNDERFLOWN = 1e-250


@dataclass(frozen=True, eq=False)
class Spread:
    """Fluctuations of the risk of one run.

    Parameters
    ----------
    variance : (T,) array
        d Var R, which does not depend on d.
    error_estimate : (T,) array
        Relative error of its root, from compression and step control, an upper estimate.
    nodes : int
        Number of modes that were integrated.
    """

    variance: Array
    error_estimate: Array
    nodes: int

    def std(self, dimension: float) -> Array:
        """Return the standard deviation of the risk of one run at dimension d."""
        return np.sqrt(self.variance / dimension)


def solve_fluctuations(
    problem: Any,
    method: Any,
    coefficients: Coefficients,
    times: Array,
    *,
    rtol: float = 1e-8,
    diffusion: str = "exact",
) -> Spread:
    """Solve the linear-noise equations.

    Parameters
    ----------
    problem : LeastSquares
    method : Method
    coefficients : Coefficients
        Of a system with a covariance.
    times : (T,) array
        Increasing, from the start.
    rtol : float
        Relative tolerance of the risk; Var R gets ten times it, since the spread is off by O(1/d)
        anyway.
    diffusion : {"exact", "published"}
        All of the one-step covariance, or its first term only.

    Raises
    ------
    SolveFailed
        Not-a-number, unbounded growth, step underflow or too many steps; a band of no width.
    """
    spread = _solved(problem, method, coefficients, times, min(10 * rtol, 1e-2), diffusion)
    _refuse_no_width(spread.variance, coefficients, times, problem.risk)
    return spread


def _refuse_no_width(
    variance: Array, coefficients: Coefficients, times: Array, risk: float
) -> None:
    """Refuse a band of no width where runs start and move, and nothing has underflowed."""
    moved = np.maximum.accumulate(coefficients.rates(times)) > 0
    before = np.append([np.inf, np.inf], variance[1:-1])[: times.size]
    lost = (variance <= 0) & moved & (times > times[0]) & (before > _UNDERFLOWN)
    if risk > 0 and lost.any():
        where = int(np.argmax(lost))
        reason = "the variance of the risk is not positive: the covariance of one step is none"
        raise SolveFailed(reason, float(times[where]), 0.0, risk)


def _solved(
    problem: Any, method: Any, coefficients: Coefficients, times: Array, rtol: float, diffusion: str
) -> Spread:
    largest = 10.0 * max(problem.risk, 1e-3)
    rules = (coefficients.law, coefficients.table(largest, float(times[-1])), np.ones(2))
    kept = DIFFUSIONS[diffusion]
    if method.acts_on == "coordinate" and not problem.covariance.is_diagonal:
        geometry = sign_geometry(problem.covariance, voters(method))
        return dense_spread(geometry, problem.delta(), coefficients, times, rules, kept, rtol)

    def run(modes: Spectrum, tolerance: float = rtol) -> Array:
        return variance_of(coefficients, modes, times, tolerance, rules=rules, kept=kept)

    small, variance, compression = compress_for(binned(problem, method), times, rtol, run)
    stepping = relative_gap(variance, run(small, min(20 * rtol, 1e-2)))
    return Spread(variance, 0.5 * (compression + stepping), small.count)


def variance_of(
    coefficients: Coefficients,
    modes: Spectrum,
    times: Array,
    rtol: float = 1e-8,
    *,
    rules: tuple[Any, ...] | None = None,
    kept: Array = DIFFUSIONS["exact"],
) -> Array:
    """Return d Var R at each time, for independent modes as they are.

    Parameters
    ----------
    rules : tuple, optional
        Arrays of the coefficients, their table, and factors on A and B.
    kept : (4,) array
        Factors on D, E, F and H.
    """
    if times.size == 1:
        return np.zeros(1)
    arrays = (writable(modes.rates), writable(modes.sources), np.ones(modes.count))
    rules = rules or (coefficients.law, NO_TABLE, np.ones(2))
    start = np.concatenate([modes.energies, np.zeros(modes.count**2)])
    stiff = _is_stiff(coefficients, modes.energies.sum(), modes.rates, times, _EXPLICIT_STEPS)
    limits = 0 if stiff else _EXPLICIT_STEPS, rtol
    return _integrated(coefficients, start, (*arrays, _INDEPENDENT), times, rules, kept, limits)


def _integrated(
    coefficients: Coefficients,
    start: Array,
    modes: tuple[Array, ...],
    times: Array,
    rules: tuple[Any, ...],
    kept: Array,
    limits: tuple[int, float],
) -> Array:
    """Return d Var R by explicit steps, or by implicit ones where that takes too many.

    Parameters
    ----------
    limits : (int, float)
        Most explicit steps, 0 where they are known to be too few, and the tolerance.
    """
    most, rtol = limits
    landed, rows = coefficients.landing(writable(times))
    tail, stiff = (landed, rules, kept, rtol), most == 0
    if not stiff:
        explicit = load(coefficients.source, "streaming/fluctuations")
        answer, report = explicit.integrate(start.copy(), modes, *tail, most)
        stiff = is_stiff(report)
    if stiff:
        implicit = load(coefficients.source, "streaming/fluctuations_implicit")
        answer, report = implicit.integrate_both(start.copy(), modes, *tail, _IMPLICIT_STEPS)
    return np.maximum(finished(answer, report)[1], 0.0)[rows]


def _is_stiff(
    coefficients: Coefficients, risk: float, rates: Array, times: Array, steps: int
) -> bool:
    """Whether stability alone, with A as at the start, takes too many explicit steps."""
    drift, _ = coefficients.at(risk, float(times[0]))
    turns = float(drift) * float(rates.max()) * float(times[-1] - times[0])
    return turns > _STABLE * steps


def dense_spread(
    geometry: SignGeometry,
    delta: Array,
    coefficients: Coefficients,
    times: Array,
    rules: tuple[Any, ...],
    kept: Array,
    rtol: float,
) -> Spread:
    """Solve for signs with any K, the state being the moments Y_ij = w_iᵀδ w_jᵀδ and Σ.

    The cost is O(d²) an explicit step, O(d³) an implicit one. Parameters as in `variance_of`.
    """
    d = geometry.rates.size
    along = geometry.left.T @ delta
    mixing = geometry.left.T @ geometry.sign_covariance @ geometry.left
    moments = d * np.multiply.outer(along, along).ravel()
    rates = writable(geometry.rates)
    numbers = (rates, writable(geometry.sources / d), 0.5 * rates / d, np.ascontiguousarray(mixing))
    risk = 0.5 * float(along**2 @ geometry.rates)
    stiff = _is_stiff(coefficients, risk, rates, times, _DENSE_STEPS)
    start = np.concatenate([moments, np.zeros(d * d)])

    def run(tolerance: float) -> Array:
        limits = 0 if stiff else _DENSE_STEPS, tolerance
        return _integrated(coefficients, start, numbers, times, rules, kept, limits)

    tolerance = max(rtol, _DENSE_RTOL)
    variance = run(tolerance)
    return Spread(variance, 0.5 * relative_gap(variance, run(min(20 * tolerance, 1e-2))), d)
