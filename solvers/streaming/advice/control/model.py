r"""The risk at the horizon as a smooth function of a schedule.

Modes are compressed to Gauss nodes; :math:`\log a` and :math:`\log b`, with
:math:`A=\eta\,a(R,c)` and :math:`B=\eta^2b(R,c)`, are tabulated from the compiled System as cubic
splines in (log R, log c). Good to about 1e-5: it is what an optimiser works on, and every answer
is then solved without it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .....theory.methods import SGD
from ....core.compile import load, writable
from ...compress import Spectrum, binned, compress
from ...moving_threshold import MovingThreshold
from ..clipping.thresholds import typical_residual

Array = NDArray[np.float64]

_STEPS = 384
_NODES = 24
_RISKS, _THRESHOLDS = 160, 96
#: thresholds from and to these multiples of the median of |ℓ|; the largest clips nothing that
#: a double can tell, unless tails are heavy
_LEAST, _MOST = 0.01, 50.0
#: the table reaches this far below the smallest and above the largest risk expected
_BELOW, _ABOVE = 1 / 30, 10.0


@dataclass(frozen=True, eq=False)
class ControlModel:
    """log R(T) and its gradient for rates and thresholds at given knots.

    Parameters
    ----------
    spectrum : Spectrum
        Compressed.
    until : float
        T.
    table, grid : arrays
        As the template ``control`` reads them.
    """

    spectrum: Spectrum
    until: float
    table: Array
    grid: Array

    @classmethod
    def of(cls, problem: Any, until: float, lowest: float, clips: bool) -> ControlModel:
        """Return the model of SGD, or of clipped SGD; `lowest` is a risk near the best at T."""
        risks = np.geomspace(_BELOW * lowest, _ABOVE * problem.risk, _RISKS)
        thresholds = _thresholds(problem, risks) if clips else np.full(4, np.inf)
        table = _spline(MovingThreshold(problem), risks, thresholds)
        spacing = np.log(thresholds[1] / thresholds[0]) if clips else 1.0
        start = math.log(thresholds[0]) if clips else 0.0
        grid = np.array([math.log(risks[0]), math.log(risks[1] / risks[0]), start, spacing])
        return cls(compress(binned(problem, SGD(1.0)), _NODES), until, table, grid)

    @property
    def range(self) -> tuple[float, float]:
        """Smallest and largest log c of the table."""
        return self.grid[2] + self.grid[3], self.grid[2] + self.grid[3] * (self.table.shape[2] - 3)

    def knots(self, pieces: int) -> Array:
        """Times of the knots of a schedule: closer at both ends, where schedules turn."""
        return self.until * stretched(np.linspace(0.0, 1.0, pieces + 1))

    def value(self, log_rates: Array, log_thresholds: Array) -> tuple[float, Array, Array]:
        """Return log R(T) and its derivatives in log η and log c at the knots.

        One knot is a constant; several are joined by straight lines.
        """
        shares = self._shares(log_rates.size)
        rates, thresholds = np.exp(log_rates), np.exp(log_thresholds)
        etas, cs = shares @ rates, shares @ thresholds
        modes = (self.spectrum.energies, self.spectrum.rates, self.spectrum.sources)
        final, in_eta, in_c = load("", "streaming/control").horizon(
            *(writable(part) for part in modes),
            self.table,
            self.grid,
            self._widths,
            etas,
            np.log(cs),
        )
        return final, rates * (shares.T @ in_eta), thresholds * (shares.T @ (in_c / cs))

    @property
    def _widths(self) -> Array:
        return np.diff(self.until * stretched(np.linspace(0.0, 1.0, _STEPS + 1)))

    def _shares(self, count: int) -> Array:
        """Weights of the knots at the middle of every step, (steps, knots)."""
        if count == 1:
            return np.ones((_STEPS, 1))
        ends = self.until * stretched(np.linspace(0.0, 1.0, _STEPS + 1))
        middles, knots = 0.5 * (ends[1:] + ends[:-1]), self.knots(count - 1)
        return np.array([np.interp(middles, knots, unit) for unit in np.eye(count)]).T.copy()


def stretched(s: Array) -> Array:
    """Return places in [0, 1] that are closer at both ends, where schedules turn."""
    return 0.5 * (1 - np.cos(np.pi * s))


def _thresholds(problem: Any, risks: Array) -> Array:
    low, high = typical_residual(MovingThreshold(problem), risks[[0, -1]])
    return np.geomspace(_LEAST * low, _MOST * high, _THRESHOLDS)


def _spline(clipping: MovingThreshold, risks: Array, thresholds: Array) -> Array:
    """Return the spline coefficients of log a and log b on the grid."""
    from scipy.ndimage import spline_filter

    values = np.log(clipping.coefficients(risks[:, None], thresholds[None, :]))
    return np.array([spline_filter(part, order=3, mode="mirror") for part in values])
