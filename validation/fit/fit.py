r"""The inverse problem: the numbers of a theory from an observed loss curve.

.. math:: \min_\vartheta\ r^\top C_\vartheta^{-1}r,\qquad
          r=\log y-\log R_\vartheta+\tfrac12\operatorname{diag}C_\vartheta

by `scipy.optimize.least_squares` on the solved curve, the covariance C of the points being that of
the theory's own band (:mod:`.errors`) at the last estimate, until the estimate no longer moves. The
logarithm, since a run fluctuates about in proportion to its risk; curves with values that are not
positive are fitted as they are.
Intervals are those of the normal law with covariance :math:`(J^\top C^{-1}J)^{-1}`, of a positive
number in its logarithm; where the profile of the sum stays flat, they are said to mean nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from ...solvers.core.curve import Curve
from ...solvers.solve import solve
from ...theory.core.checks import between
from ...theory.core.dispatch import family
from ...theory.core.errors import InvalidInput, InvalidType, SolveFailed
from ...theory.core.problem import Problem
from ...theory.core.warn import warn
from ...theory.methods.base import Method
from ..agreement.compare import main_quantity
from .errors import SOLVERS, Errors, checked_errors
from .parameters import Free, free_numbers, moved
from .profile import remarks_of
from .result import Fit

#: rounds in which the weights follow the estimate, and the shift, in standard errors, that ends it
_ROUNDS = 8
_STILL = 0.02
_STEP = 1e-4
#: a residual where the theory cannot be solved, large against any other
_REFUSED = 1e6
#: standard deviations above its mean from which a sum of squares is strange
_STRANGE = 2.5
#: the first weights: relative errors of one size at all points
_FIRST = 0.1


def fit(
    observed: Curve,
    problem: Problem,
    method: Method,
    free: Sequence[str],
    *,
    quantity: str | None = None,
    limit: str | None = None,
    errors: Any = "band",
    level: float = 0.95,
) -> Fit:
    """Estimate numbers of a problem and a method from an observed curve.

    Parameters
    ----------
    observed : Curve
        From `simulate`, or a user's own runs: ``Curve.from_runs(time, values)``; time t = k/d for
        streams.
    problem, method
        The theory; the values of what is free are where the fit starts.
    free : sequence of str
        Names such as "rate", "threshold", "initial_risk", "noise.scale", "covariance.exponent". A
        schedule's name stands for a factor on it.
    quantity : str, optional
        Of both curves; "risk" where `observed` has it, else "loss".
    limit : str, optional
        As of `solve`; ``"exact"`` for unclipped SGD in few dimensions.
    errors : "band", "runs" or array
        The covariance of the points: from the theory's band at this d (with what it announces for
        its mean), from the runs (at least twice as many as points), or as stated: standard errors
        (T,) or a covariance (T, T).
    level : float
        Of the intervals.

    Returns
    -------
    Fit
        ``estimates``, ``intervals``, ``covariance``, ``curve``, ``summary()``, ``profile(name)``.

    Raises
    ------
    InvalidInput, InvalidType
        A name that the pair does not have; fewer points than names; bad errors.
    NotAvailable
        No band in time for this pair.
    SolveFailed
        The theory could not be solved where the fit starts.

    Warns
    -----
    ValidityWarning
        A number that the curve does not tell; a curve that the theory does not describe.

    Examples
    --------
    >>> import limitlab as ll
    >>> problem = ll.LeastSquares(ll.isotropic(10_000), ll.Gaussian(0.5))
    >>> observed = ll.solve(problem, ll.SGD(0.5), 2, points=6)
    >>> found = ll.fit(observed, problem, ll.SGD(0.4), ["rate"])
    >>> round(found.estimates["rate"], 3)
    0.5
    """
    if not isinstance(observed, Curve):
        raise InvalidType(
            "observed", observed, "give a Curve, such as Curve.from_runs(time, values)"
        )
    quantity = quantity or main_quantity(observed)
    level = between("level", level, 0.5, 0.9999)
    family(problem, method)  # refuses what is no problem, and no method
    names = free_numbers(problem, method, free)
    keep = (observed.time > 0) & np.isfinite(observed[quantity])
    if keep.sum() <= len(names):
        remedy = f"give more than {len(names)} times after 0"
        raise InvalidInput("observed", observed, f"has {int(keep.sum())} points; {remedy}")
    spread = checked_errors(observed, quantity, keep, errors)
    work = Work(observed, problem, method, names, quantity, limit, spread)
    result = work.result(work.estimate(), level)
    result = replace(result, remarks=tuple(remarks_of(result)))
    for remark in result.remarks:
        warn(remark)
    return result


@dataclass(frozen=True, eq=False)
class Weights:
    """A root of the covariance of the points, and by how much a logarithm is low on average."""

    root: np.ndarray
    bias: np.ndarray

    @classmethod
    def of(cls, covariance: np.ndarray, bias: np.ndarray) -> Weights:
        """Return the weights of a covariance."""
        return cls(np.linalg.cholesky(covariance), bias)


@dataclass(frozen=True, eq=False)
class Settled:
    """Coordinates, the weights of the points there, and the least squares between them."""

    places: np.ndarray
    weights: Weights
    model: Any

    @property
    def likelihood(self) -> float:
        """Log-likelihood of the normal law, up to a constant."""
        return float(-self.model.cost - np.sum(np.log(np.diag(self.weights.root))))


@dataclass(frozen=True, eq=False)
class Work:
    """A checked call of `fit`."""

    observed: Curve
    problem: Any
    method: Any
    free: tuple[Free, ...]
    quantity: str
    limit: str | None
    errors: Errors

    def pair(self, places: np.ndarray) -> tuple[Any, Any]:
        """The problem and the method at coordinates of the free numbers."""
        values = {f.name: f.at(place) for f, place in zip(self.free, places, strict=True)}
        return moved(self.problem, self.method, values)

    def theory(self, places: np.ndarray, **options: Any) -> Any:
        """The curve at coordinates, at the observed times and at 0 before them."""
        chosen = {} if self.limit is None else {"limit": self.limit}
        times = self.grid
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            curve = solve(*self.pair(places), times=times, **{**chosen, **options})
        if curve.time.size != times.size:
            remedy = "this limit is at whole steps k/d; give observed times that are"
            raise InvalidInput("observed", self.observed, remedy)
        return curve

    @cached_property
    def grid(self) -> np.ndarray:
        """The observed times, and 0 before them."""
        times = self.observed.time
        return times if times[0] == 0 else np.concatenate([[0.0], times])

    def bare(self, places: np.ndarray) -> np.ndarray:
        """The values of the quantity at coordinates, quickly where the family can."""
        pair = self.pair(places)
        quick = f"{SOLVERS}.{family(*pair)}.bare"
        if self.limit not in (None, "ode") or find_spec(quick) is None:
            found = self.theory(places)[self.quantity]
        else:
            found = import_module(quick).bare_curve(*pair, self.grid)[self.quantity]
        return np.asarray(found[-self.observed.time.size :])

    @cached_property
    def logarithmic(self) -> bool:
        """Whether the logarithms are compared."""
        return bool(np.all(self.observed[self.quantity][self.errors.keep] > 0))

    def residuals(self, places: np.ndarray, weights: Weights) -> np.ndarray:
        """The whitened distance of the observed points; large where there is no theory."""
        from scipy.linalg import solve_triangular

        keep = self.errors.keep
        seen = self.observed[self.quantity][keep]
        try:
            line = self.bare(places)[keep]
        except (SolveFailed, InvalidInput):
            return np.full(seen.size, _REFUSED)
        if self.logarithmic:
            gap = np.log(np.maximum(line, 1e-300) / seen) - weights.bias
        else:
            gap = line - seen
        if not np.all(np.isfinite(gap)):
            return np.full(gap.size, _REFUSED)
        found: np.ndarray = solve_triangular(weights.root, gap, lower=True)
        return np.clip(found, -_REFUSED, _REFUSED)

    def best(self, start: np.ndarray, weights: Weights, fixed: int | None = None) -> Any:
        """Least squares from a start; one coordinate may be held."""
        from scipy.optimize import least_squares

        moving = np.arange(start.size) != (-1 if fixed is None else fixed)

        def gap(some: np.ndarray) -> np.ndarray:
            places = start.copy()
            places[moving] = some
            return self.residuals(places, weights)

        return least_squares(gap, start[moving], diff_step=_STEP, xtol=1e-8, ftol=1e-10)

    def weights(self, places: np.ndarray) -> Weights:
        """The weights of the points, of their logarithms where these are compared."""
        theory = self.theory(places)
        covariance = self.errors.covariance(*self.pair(places), theory)
        if not self.logarithmic:
            return Weights.of(covariance, np.zeros(len(covariance)))
        values = theory[self.quantity][-self.observed.time.size :][self.errors.keep]
        relative = covariance / np.outer(values, values)
        return Weights.of(relative, 0.5 * np.diag(relative))

    def estimate(self) -> Settled:
        """The coordinates, the weights of the points there, and the last least squares.

        Weights that follow the estimate may settle at a wrong one; where the curve seems strange
        they start at the user's numbers too, and what is likelier is kept.
        """
        start = np.array([f.place(f.value) for f in self.free])
        given = self.weights(start)  # what cannot be solved at the start is the user's to know
        values = self.observed[self.quantity][self.errors.keep]
        first = np.full(values.size, _FIRST) if self.logarithmic else _FIRST * np.abs(values)
        plain = Weights.of(np.diag(first**2), np.zeros(values.size))
        found = self.settled(start, plain)
        if 2 * found.model.cost <= values.size + _STRANGE * np.sqrt(2 * values.size):
            return found
        return max(found, self.settled(start, given), key=lambda one: one.likelihood)

    def settled(self, places: np.ndarray, weights: Weights) -> Settled:
        """Least squares and their weights in turn, until the estimate no longer moves."""
        for round_ in range(_ROUNDS):
            found = self.best(places, weights)
            shift, places = found.x - places, found.x
            wide = np.sqrt(np.diag(np.linalg.pinv(found.jac.T @ found.jac)))
            if round_ > 0 and np.all(np.abs(shift) <= _STILL * wide):
                break
            weights = self.weights(places)
        return Settled(places, weights, found)

    def result(self, settled: Settled, level: float) -> Fit:
        """Estimates with intervals, and the curve there."""
        from scipy.special import ndtri
        from scipy.stats import chi2

        places, weights, found = settled.places, settled.weights, settled.model
        information = found.jac.T @ found.jac
        inner = np.linalg.pinv(information, hermitian=True)
        width = float(ndtri(0.5 + 0.5 * level)) * np.sqrt(np.diag(inner))
        estimates = {f.name: f.at(x) for f, x in zip(self.free, places, strict=True)}
        intervals = {
            f.name: (f.at(x - w), f.at(x + w))
            for f, x, w in zip(self.free, places, width, strict=True)
        }
        slopes = np.array([f.slope(estimates[f.name]) for f in self.free])
        square, dof = float(2 * found.cost), int(self.errors.keep.sum()) - len(self.free)
        problem, method = self.pair(places)
        return Fit(
            estimates=estimates,
            intervals=intervals,
            covariance=inner * np.outer(slopes, slopes),
            curve=self.theory(places),
            observed=self.observed,
            problem=problem,
            method=method,
            quantity=self.quantity,
            level=level,
            chi_square=square,
            freedom=dof,
            p_value=float(chi2.sf(square, dof)),
            weights=weights,
            places=places,
            inner=inner,
            work=self,
        )
