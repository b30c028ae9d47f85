"""How fast the finite-dimensional runs approach the limit as d grows.

The theory predicts |mean − limit| of order 1/d and a standard deviation of one run of order
d^(−1/2). Both are measured over dimensions and fitted by a power law with an interval.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...solvers.solve import solve
from ...theory.core.errors import InvalidInput, ValidityWarning
from ...theory.methods.base import Method
from ..agreement.compare import interpolate
from ..simulate import simulate
from .power_law import Convergence, fit_slope

if TYPE_CHECKING:
    from ...solvers.core.curve import Curve

RESAMPLES = 200
TIMES = 17


def convergence(
    problem_of_d: Callable[[int], Any],
    method: Method,
    dimensions: Sequence[int] = (16, 32, 64, 128, 256, 512),
    until: float = 4.0,
    runs: int = 2000,
    seed: int = 0,
) -> Convergence:
    """Measure the slopes in d of the bias of the mean and of the spread of one run.

    Parameters
    ----------
    problem_of_d : callable
        Maps a dimension to a problem, e.g. ``lambda d: LeastSquares(isotropic(d), Gaussian(.5))``.
    method : Method
    dimensions : sequence of int
        At least three, increasing.
    until : float
        Horizon in units of t = k/d.
    runs : int
        Runs at each dimension; the bias falls below the noise of the mean where they are few.
    seed : int

    Raises
    ------
    InvalidInput
        Fewer than three dimensions, or not increasing; fewer than 20 runs.

    Examples
    --------
    >>> import limitlab as ll
    >>> def problem_of(d):
    ...     return ll.LeastSquares(ll.isotropic(d), ll.Gaussian(0.5))
    >>> found = ll.convergence(problem_of, ll.SGD(0.5), dimensions=(4, 8, 16), until=0.5, runs=20)
    >>> found.dimensions.tolist(), found.spread.shape
    ([4, 8, 16], (3,))
    """
    sizes = np.asarray(dimensions)
    if sizes.ndim != 1 or sizes.size < 3 or np.any(np.diff(sizes) <= 0) or sizes[0] < 1:
        raise InvalidInput("dimensions", dimensions, "give at least three increasing dimensions")
    if runs < 20:
        raise InvalidInput("runs", runs, "give at least 20 runs at each dimension")
    rows = [
        _distance(*_ensemble(problem_of_d(int(d)), method, until, runs, seed, int(d)))
        for d in sizes
    ]
    bias, bias_error, spread, spread_error = np.array(rows).T
    return Convergence(
        sizes,
        bias,
        bias_error,
        spread,
        spread_error,
        fit_slope(sizes, bias, bias_error),
        fit_slope(sizes, spread, spread_error),
        getattr(method, "label", type(method).__name__),
    )


def _ensemble(
    problem: Any, method: Any, until: float, runs: int, seed: int, d: int
) -> tuple[Curve, Curve]:
    times = np.linspace(0.0, until, TIMES)
    stream = np.random.SeedSequence(seed, spawn_key=(d,))
    with warnings.catch_warnings():
        # small d is the point here, so the announced error is not news
        warnings.simplefilter("ignore", ValidityWarning)
        theory = solve(problem, method, until, times=times)
        return theory, simulate(problem, method, until, times=times, runs=runs, seed=stream)


def _distance(theory: Curve, runs: Curve) -> tuple[float, float, float, float]:
    """Relative bias and spread of `runs`, each followed by its standard error."""
    line = interpolate(theory.time, theory["risk"], runs.time[1:])
    relative = runs.sample("risk")[:, 1:] / line - 1
    per_run = relative.mean(axis=1)
    draws = np.random.default_rng(0).integers(0, len(relative), (RESAMPLES, len(relative)))
    spreads = [_rms_spread(relative[rows]) for rows in draws]
    error = per_run.std(ddof=1) / np.sqrt(len(per_run))
    return per_run.mean(), error, _rms_spread(relative), float(np.std(spreads, ddof=1))


def _rms_spread(relative: np.ndarray) -> float:
    return float(np.sqrt(np.mean(relative.var(axis=0, ddof=1))))
