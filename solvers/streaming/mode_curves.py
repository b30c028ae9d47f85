"""Every mode's energy, from the solution of the compressed equation.

Once G = ∫ A and B are known along the risk,

    y_i(t) = y_i(0) e^(−λ_i G(t)) + c_i H(λ_i, t),   H(λ, t) = ∫ e^(−λ (G(t) − G(s))) B ds.

H is an entire function of λ: it is solved at Chebyshev points on octaves of λ and interpolated
there, so that a million modes cost a matrix product. Derived here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from ...theory.streaming.modes import modes
from .coefficients import Coefficients
from .compress import Spectrum
from .volterra import compressed, equation

Array = NDArray[np.float64]

#: Chebyshev points on an octave: 5.8^-20 is below round-off
_POINTS = 20
_BLOCK = 65_536


@dataclass(frozen=True, eq=False)
class _Octave:
    """Some modes and the interval of λ that holds them."""

    low: float
    high: float
    members: NDArray[np.int64]

    @property
    def nodes(self) -> Array:
        return self.low + 0.5 * (self.high - self.low) * (1 + chebyshev.chebpts1(_POINTS))

    def interpolate(self, values: Array, rates: Array) -> Array:
        """Return H (k, T) at `rates` (k,) from its values (points, T) at the nodes."""
        series = chebyshev.chebfit(chebyshev.chebpts1(_POINTS), values, _POINTS - 1)
        places = 2 * (rates - self.low) / (self.high - self.low) - 1
        return chebyshev.chebvander(places, _POINTS - 1) @ series


def _octaves(rates: Array, reach: float) -> list[_Octave]:
    """Split the modes: [0, 1/reach] is one interval, since e^(−λ reach) is tame there."""
    first = 1.0 / reach
    index = np.zeros(rates.size, dtype=np.int64)
    above = rates > first
    index[above] = 1 + np.floor(np.log2(rates[above] / first)).astype(np.int64)
    found = []
    for k in np.unique(index):
        low = 0.0 if k == 0 else first * 2.0 ** (k - 1)
        found.append(_Octave(low, first * 2.0**k, np.flatnonzero(index == k)))
    return found


def mode_energies(
    coefficients: Coefficients, spectrum: Spectrum, times: Array, rtol: float = 1e-8
) -> Array:
    """Return y_i at each time.

    Parameters
    ----------
    coefficients : Coefficients
    spectrum : Spectrum
        All modes, any number m of them.
    times : (T,) array
        Increasing, from the start.
    rtol : float
        Relative tolerance on the risk and on H.

    Returns
    -------
    (T, m) array
        Its sum over the modes is the risk; 8 m T bytes.
    """
    small, _ = compressed(equation(coefficients, spectrum, times), rtol)
    covered = small.solve(rtol).covered
    octaves = _octaves(spectrum.rates, max(float(covered.max()), 1e-300))
    points = np.concatenate([octave.nodes for octave in octaves])
    answer = small.solve(rtol, points)
    energies = np.empty((times.size, spectrum.count))
    for k, octave in enumerate(octaves):
        values = answer.recalled[:, k * _POINTS : (k + 1) * _POINTS].T
        for start in range(0, octave.members.size, _BLOCK):
            chosen = octave.members[start : start + _BLOCK]
            rates = spectrum.rates[chosen]
            noise = spectrum.sources[chosen] * octave.interpolate(values, rates).T
            kept = np.exp(-np.multiply.outer(answer.covered, rates))
            energies[:, chosen] = spectrum.energies[chosen] * kept + noise
    return energies


def mode_fields(
    problem: Any, method: Any, coefficients: Coefficients, times: Array, rtol: float
) -> dict[str, Array]:
    """Return the fields `modes` and `mode_rates` of a Curve."""
    found = modes(problem, method)
    spectrum = Spectrum(found.rates, found.energies, found.sources)
    energies = mode_energies(coefficients, spectrum, times, rtol)
    return {"modes": energies, "mode_rates": found.rates}
