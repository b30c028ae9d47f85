r"""How the risk of one run at one time goes with that at another, in the linear-noise limit.

With :math:`\dot\Sigma=J\Sigma+\Sigma J^\top+G/d` and the propagator :math:`\dot\Phi=J\Phi` of the
band (:mod:`.fluctuations`),

.. math:: \mathrm{Cov}(R(t),R(s))=1^\top\Phi(t,s)\,\Sigma(s)\,1\qquad(t\ge s)

(derived here). The mean is followed by an adaptive solver; along it :math:`\Sigma` and the vectors
:math:`\Phi\Sigma1` are carried by the trapezoidal rule, of second order and stable in any step,
since what weighs the points of a curve need not be known to more than a few digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.errors import NotAvailable
from ...theory.streaming.derive import bind, derive
from ..core.compile import load
from ..stepping.initial_value import initial_value
from .coefficients import Coefficients
from .compress import Spectrum, binned
from .feedback import small_spectrum
from .fluctuations import DIFFUSIONS

Array = NDArray[np.float64]

#: steps between the start and the last time, at least, half of them early
_STEPS = 400
_RTOL = 1e-8


@dataclass(frozen=True, eq=False)
class _Path:
    """The mean and what is linear around it."""

    module: Any
    coefficients: Coefficients
    spectrum: Spectrum
    table: Array

    def mean(self, grid: Array) -> Array:
        """Return the modes at each time, (T, m)."""
        start, law = self.spectrum.energies, self.coefficients.law

        def slope(t: float, y: Array) -> Array:
            risk = max(float(y.sum()), 0.0)
            drift, noise = self.module.scaled_coefficients(risk, t, law, self.table, np.ones(2))
            found: Array = noise * self.spectrum.sources - drift * self.spectrum.rates * y
            return found

        atol = _RTOL * 1e-6 * float(start.sum())
        span = (grid[0], grid[-1])
        answer = initial_value(
            slope, span, start, "LSODA", grid, size=np.sum, rtol=_RTOL, atol=atol
        )
        modes: Array = answer.y.T
        return modes

    def linear(self, t: float, y: Array) -> tuple[Array, Array]:
        """Return J and d G at a time, for the modes y."""
        rates, sources = self.spectrum.rates, self.spectrum.sources
        law, risk = self.coefficients.law, float(y.sum())
        found = self.module.linearised(risk, t, law, self.table, np.ones(2))
        drift, _, drift_slope, noise_slope = found
        flows = rates * y
        gain = noise_slope * sources - drift_slope * flows
        D, E, F, H = self.module.noise_strengths(risk, t, law, DIFFUSIONS["exact"])
        jacobian = np.diag(-drift * rates) + gain[:, None]
        cross = np.outer(sources, flows)
        noise = E * np.outer(flows, flows) + F * (cross + cross.T) + H * np.outer(sources, sources)
        return jacobian, noise + np.diag(D * rates * flows)


def time_covariance(problem: Any, method: Any, times: Array) -> Array:
    """Return d Cov(R(t), R(s)) of one run at each pair of times, (T, T).

    Parameters
    ----------
    problem : LeastSquares
    method : Method
    times : (T,) array
        Increasing, the first one being 0.

    Raises
    ------
    NotAvailable
        Signs under a dense covariance, whose modes are correlated.
    NoLimit
        Noise of infinite fourth moment under a rule that is not bounded.
    """
    if method.acts_on == "coordinate" and not problem.covariance.is_diagonal:
        remedy = "the covariance in time is for independent modes: a diagonal K"
        raise NotAvailable("covariance", problem.covariance, remedy)
    system = derive(problem, method, limit="fluctuations")
    coefficients = Coefficients.of(system.source, bind(system, problem, method))
    spectrum = small_spectrum(binned(problem, method))
    table = coefficients.table(10.0 * max(problem.risk, 1e-3), float(times[-1]))
    module = load(system.source, "streaming/fluctuations")
    path = _Path(module, coefficients, spectrum, table)
    early = times[-1] * np.linspace(0.0, 1.0, _STEPS // 2 + 1) ** 2
    even = np.linspace(0.0, times[-1], _STEPS // 2 + 1)
    grid = np.unique(np.concatenate([times, early, even]))
    return _carried(path, grid, path.mean(grid), times)


def _carried(path: _Path, grid: Array, energies: Array, times: Array) -> Array:
    """Carry Σ and the vectors Φ Σ 1 along a grid that holds the times."""
    size, found = path.spectrum.count, np.zeros((times.size, times.size))
    sigma, vectors = np.zeros((size, size)), np.zeros((size, times.size))
    unit, filled = np.eye(size), 1
    jacobian, noise = path.linear(float(grid[0]), energies[0])
    for k in range(1, grid.size):
        h = grid[k] - grid[k - 1]
        half = unit + 0.5 * h * jacobian
        jacobian_after, noise_after = path.linear(float(grid[k]), energies[k])
        inverse = np.linalg.inv(unit - 0.5 * h * jacobian_after)
        step = inverse @ half
        sigma = step @ (sigma + 0.5 * h * noise) @ step.T + 0.5 * h * noise_after
        vectors = step @ vectors
        jacobian, noise = jacobian_after, noise_after
        if grid[k] == times[filled]:
            vectors[:, filled] = sigma.sum(axis=1)
            row = vectors[:, : filled + 1].sum(axis=0)
            found[filled, : filled + 1] = found[: filled + 1, filled] = row
            filled += 1
            if filled == times.size:
                break
    return found
