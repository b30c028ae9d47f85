r"""Constant rates: the one that stalls at a given risk, and the best one for a horizon.

With A = η a(R) and B = η² b(R) the stationary equation R A = B Σ c_i/λ_i reads
η = R a(R)/(b(R) Σ c_i/λ_i): read from right to left it gives the rate (derived here, after arXiv
2411.12135).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....theory.core.checks import positive
from ....theory.core.dispatch import module_of
from ....theory.core.errors import InvalidInput, SolveFailed
from ....theory.methods.base import Method
from ....theory.schedules.schedule import check_schedules
from ....theory.streaming.derive import bind, derive
from ....theory.streaming.modes import modes
from ....theory.streaming.problem import LeastSquares
from ..coefficients import Coefficients
from ..compress import binned
from ..feedback import small_spectrum
from ..ode import integrate
from ..stationary import stationary

Array = NDArray[np.float64]

_ROOM = __name__.rpartition(".streaming")[0]

#: multiples of the scale of the rate that are tried first, log₁₀
_DECADES = np.linspace(-5.0, 1.5, 40)
SEARCH_RTOL = 1e-7


def rate_for_risk(problem: LeastSquares, method: Method, risk: float) -> float:
    """Return the constant rate at which a method stalls at the risk `risk`.

    Parameters
    ----------
    problem : LeastSquares
    method : Method
        Its rate is not used; what else it has must be constant in time.
    risk : float
        Excess risk, > 0.

    Raises
    ------
    InvalidInput
        No rate makes a stable stationary point there.
    NoLimit, NotAvailable
        As :func:`limitlab.derive`.

    Examples
    --------
    >>> import limitlab as ll
    >>> problem = ll.LeastSquares(ll.isotropic(1000), ll.Gaussian(0.5))
    >>> round(ll.rate_for_risk(problem, ll.SGD(1.0), risk=0.0625), 6)
    0.666667
    """
    target, unit = positive("risk", risk), replace(method, rate=1.0)
    drift, noise = (float(part) for part in _coefficients(problem, unit).at(target))
    rate = target * drift / (noise * modes(problem, unit).mean_rate)
    found = stationary(problem, replace(method, rate=rate)) if rate > 0 else None
    if found is None or not np.any(found.stable & (np.abs(found.roots / target - 1) < 1e-6)):
        remedy = f"{method.label} has no rate at which this risk is stationary and stable"
        raise InvalidInput("risk", risk, remedy)
    return rate


@dataclass(frozen=True)
class BestRate:
    """The multiple of a rate that ends lowest.

    Attributes
    ----------
    rate : float or sympy expression
    risk : float
        Excess risk at the horizon.
    method : Method
        With that rate.
    """

    rate: Any
    risk: float
    method: Any


def best_rate(problem: LeastSquares, method: Method, until: float) -> BestRate:
    """Return the rate with the lowest risk at time `until`, for the limit.

    Parameters
    ----------
    problem : LeastSquares
    method : Method
        A constant rate is replaced by the best constant; of a schedule the best multiple is found.
        Momentum and weight decay stay; an average does not act on the risk.
    until : float
        Horizon, t = k/d.

    Raises
    ------
    SolveFailed
        No rate could be solved for.

    Examples
    --------
    >>> import limitlab as ll
    >>> problem = ll.LeastSquares(ll.isotropic(100), ll.Gaussian(0.5))
    >>> found = ll.best_rate(problem, ll.SGD(0.5), until=1.0)
    >>> round(found.rate, 3)
    0.834
    """
    times = np.array([0.0, positive("until", until)])
    check_schedules(method, float(times[-1]))
    if method.remembered:
        found: BestRate = module_of(_ROOM, "rates", problem, method).best_rate(
            problem, method, float(times[-1])
        )
        return found
    coefficients = _coefficients(problem, method)
    spectrum = small_spectrum(binned(problem, method))

    def end(log_factor: float) -> float:
        factors = (10.0**log_factor, 100.0**log_factor)
        return float(integrate(coefficients, spectrum, times, SEARCH_RTOL, factors=factors)[1])

    return searched(problem, method, end, scale_of(problem, method))


def searched(problem: Any, method: Any, end: Callable[[float], float], scale: float) -> BestRate:
    """Return the best multiple of a rate.

    Parameters
    ----------
    end : callable
        Risk at the horizon of the rate times 10^x; it may raise SolveFailed.
    scale : float
        The multiple around which it is searched.

    Raises
    ------
    SolveFailed
        No rate could be solved for.
    """
    from scipy.optimize import minimize_scalar

    def risk(x: float) -> float:
        try:
            return end(x)
        except SolveFailed:
            return np.inf

    grid = _DECADES + np.log10(scale)
    ends = [risk(x) for x in grid]
    low = int(np.argmin(ends))
    if not np.isfinite(ends[low]):
        raise SolveFailed("no rate of the search could be solved", 0.0, 0.0, problem.risk)
    bounds = grid[max(low - 1, 0)], grid[min(low + 1, grid.size - 1)]
    best = minimize_scalar(risk, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    rate = method.rate * 10.0 ** float(best.x)
    return BestRate(rate, float(best.fun), replace(method, rate=rate))


def _coefficients(problem: Any, method: Any) -> Coefficients:
    system = derive(problem, method)
    return Coefficients.of(system.source, bind(system, problem, method))


def scale_of(problem: Any, method: Any) -> float:
    """Return the multiple of a rate at which descent and noise balance at the start."""
    spectrum = small_spectrum(binned(problem, method))
    drift, noise = (float(x) for x in _coefficients(problem, method).at(max(problem.risk, 1e-300)))
    pull = drift * float(spectrum.rates @ spectrum.energies)
    push = 2 * noise * float(spectrum.sources.sum())
    return pull / push if pull > 0 and push > 0 else 1.0
