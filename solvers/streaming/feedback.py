r"""Mode equations whose rate, and threshold, follow the state.

With :math:`A=\eta\,a(R)` and :math:`B=\eta^2b(R)`,

.. math:: \dot y_i=-\eta\,a\,\lambda_iy_i+\eta^2b\,c_i ,\qquad
   \eta^\star=\frac{a\sum w_i\lambda_iy_i}{2b\sum w_ic_i}

is the rate at which :math:`\sum w_iy_i` falls fastest: the risk for :math:`w=1`, half the squared
distance to the target for :math:`w=1/\lambda` (derived here).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...theory.core.checks import choice
from ...theory.core.errors import SolveFailed
from ..stepping.initial_value import initial_value
from .compress import FEW_MODES, Spectrum, compress

Array = NDArray[np.float64]
#: (t, y, extra state) → η, a, b and the slope of the extra state
Law = Callable[[float, Array, Array], tuple[float, float, float, Array]]

OBJECTIVES = ("risk", "distance")
_NODES = 36
_TOLERANCE = 1e-9
_SAMPLES = 1001


@dataclass(frozen=True, eq=False)
class GreedyRate:
    """η* as a function of the state, for an objective Σ w_i y_i."""

    pull: Array
    push: float

    @classmethod
    def of(cls, spectrum: Spectrum, objective: str) -> GreedyRate:
        """Return the greedy rate for the objective "risk" or "distance"."""
        choice("objective", objective, OBJECTIVES)
        moving = np.where(spectrum.rates > 0, spectrum.rates, np.inf)
        weights = np.ones(moving.size) if objective == "risk" else 1 / moving
        return cls(weights * spectrum.rates, float(weights @ spectrum.sources))

    def __call__(self, y: Array, a: float, b: float) -> float:
        return a * float(self.pull @ y) / (2 * b * self.push)


def small_spectrum(spectrum: Spectrum) -> Spectrum:
    """Return the modes that a path is followed on."""
    return spectrum if spectrum.count <= FEW_MODES else compress(spectrum, _NODES)


def follow(spectrum: Spectrum, until: float, law: Law, extra: Array) -> tuple[Array, Array, Array]:
    """Follow the state from its start.

    Parameters
    ----------
    spectrum : Spectrum
    until : float
    law : callable
        What the state decides.
    extra : (k,) array
        Start of what is integrated beside the modes.

    Returns
    -------
    times (T,), energies (T, m), extra (T, k)
        At times that crowd near the start.

    Raises
    ------
    SolveFailed
    """
    modes = spectrum.count

    def slope(t: float, state: Array) -> Array:
        y = state[:modes]
        eta, a, b, beside = law(t, y, state[modes:])
        slopes = eta * (eta * b * spectrum.sources - a * spectrum.rates * y)
        if not np.isfinite(eta):
            raise SolveFailed("the rate is not a finite number", t, 0.0, float(y.sum()))
        return np.concatenate([slopes, beside])

    times = until * np.linspace(0.0, 1.0, _SAMPLES) ** 2
    start = np.concatenate([spectrum.energies, extra])
    answer = initial_value(
        slope,
        (0.0, until),
        start,
        "LSODA",
        times,
        size=lambda state: float(state[:modes].sum()),
        rtol=_TOLERANCE,
        atol=_TOLERANCE * 1e-6 * float(spectrum.energies.sum()),
    )
    return times, answer.y[:modes].T, answer.y[modes:].T


def knots(times: Array, *schedules: Array, count: int) -> Array:
    """Return at most `count` indices at which the schedules change by equal amounts.

    What is shared out evenly is the way in t/T and in the logarithm of every schedule.
    """
    way = np.diff(times) / times[-1]
    for schedule in schedules:
        turn = np.abs(np.diff(np.log(schedule)))
        way = way + turn / max(turn.sum(), 1e-3)
    travelled = np.concatenate([[0.0], np.cumsum(way)])
    wanted = np.linspace(0.0, travelled[-1], count)
    return np.unique(np.concatenate([np.searchsorted(travelled, wanted[:-1]), [times.size - 1]]))
