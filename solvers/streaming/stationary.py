"""Stationary risk at a constant rate.

Each mode balances at y_i = B c_i/(A λ_i), so that R A(R) = B(R) Σ c_i/λ_i: one equation for one
number. All its roots are found on a logarithmic grid; noise with atoms can have several (arXiv
2411.12135 and 2406.11733, rederived).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.dispatch import module_of
from ...theory.core.errors import NotAvailable
from ...theory.methods.base import Method
from ...theory.streaming.derive import bind, derive
from ...theory.streaming.modes import modes
from ...theory.streaming.problem import LeastSquares
from .coefficients import Coefficients

Array = NDArray[np.float64]

_ROOM = __name__.rpartition(".streaming")[0]
_LOWEST, _HIGHEST, _POINTS = 1e-18, 1e12, 1201


@dataclass(frozen=True, eq=False)
class StationaryRisk:
    """Every risk at which the mode equations stand still.

    Parameters
    ----------
    roots : (n,) array
        Increasing; empty where the risk grows for ever.
    stable : (n,) bool array
        Whether a nearby risk returns to the root.
    """

    roots: Array
    stable: NDArray[np.bool_]


def stationary(problem: LeastSquares, method: Method, *, system: Any = None) -> StationaryRisk:
    """Return all stationary risks of a method at constant rate.

    Parameters
    ----------
    problem : LeastSquares
    method : Method
        Its hyper-parameters must be numbers.
    system : System, optional
        Instead of the derived one.

    Raises
    ------
    NotAvailable
        The rate or another coefficient depends on time.

    Examples
    --------
    >>> import limitlab as ll
    >>> problem = ll.LeastSquares(ll.isotropic(100), ll.Gaussian(0.5))
    >>> found = ll.stationary(problem, ll.SGD(0.5))
    >>> found.roots.round(9).tolist(), found.stable.tolist()
    ([0.041666667], [True])
    """
    if method.remembered:
        own = module_of(_ROOM, "rest", problem, method).stationary
        found: StationaryRisk = own(problem, method, system=system)
        return found
    system = system or derive(problem, method)
    coefficients = Coefficients.of(system.source, bind(system, problem, method))
    grid = np.geomspace(1e-6, 1e2, 5)
    if not np.array_equal(coefficients.at(grid, 0.0), coefficients.at(grid, 1.2345)):
        raise NotAvailable(
            "rate",
            method.rate,
            "a stationary risk needs hyper-parameters that are constant in time",
        )
    spectrum = modes(problem, method)
    return balance(coefficients, float(np.sum(spectrum.sources / spectrum.rates)))


def balance(coefficients: Coefficients, load: float) -> StationaryRisk:
    """Return the roots of R A(R) = B(R)·load, with load = Σ c_i/λ_i."""

    def excess(x: Any) -> Any:
        """Return log of decay over source: positive where the risk falls."""
        drift, noise = coefficients.at(np.exp(np.atleast_1d(x)))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(drift) + np.atleast_1d(x) - np.log(noise) - np.log(load)

    return roots_of(excess, vanishes=_vanishes_at_zero(coefficients))


def roots_of(excess: Callable[[Any], Array], *, vanishes: bool) -> StationaryRisk:
    """Return the roots of a function of log R that is positive where the risk falls.

    Parameters
    ----------
    excess : callable
    vanishes : bool
        Whether 0 is a root too.
    """
    from scipy.optimize import brentq

    grid = np.linspace(np.log(_LOWEST), np.log(_HIGHEST), _POINTS)
    values = excess(grid)
    values = np.where(
        np.isnan(values), -np.inf, values
    )  # both coefficients underflow: nothing pulls the risk down
    roots, stable = [], []
    if vanishes:
        roots.append(0.0)
        stable.append(bool(values[0] > 0))
    for k in np.flatnonzero((values[1:] > 0) != (values[:-1] > 0)):
        left, right = grid[k], grid[k + 1]
        root = brentq(
            lambda x: np.nan_to_num(excess(x)[0], nan=-1e300), left, right, xtol=1e-14, rtol=1e-14
        )
        roots.append(float(np.exp(root)))
        stable.append(bool(values[k + 1] > values[k]))
    return StationaryRisk(np.array(roots), np.array(stable, dtype=bool))


def _vanishes_at_zero(coefficients: Coefficients) -> bool:
    noise = coefficients.at(np.array([1e-20, 1e-12]))[1]
    return bool(noise[0] <= 1e-6 * noise[1])
