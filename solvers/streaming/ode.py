"""The risk ODE, dy_i/dt = −A(R, t) λ_i y_i + B(R, t) c_i with R = Σ y_i, and its own error.

The spectrum is compressed first; the explicit solver does the work, and an implicit one takes over
where it meets stiffness. Every failure is a `SolveFailed` that says where.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...theory.core.errors import SolveFailed
from ..core.chebyshev import NO_TABLE
from ..core.compile import load, writable
from ..stepping.failure import STIFF, finished
from .coefficients import Coefficients
from .compress import FEW_MODES, Spectrum, bin_spectrum, compress

Array = NDArray[np.float64]

_EXPLICIT_STEPS = 50_000
_IMPLICIT_STEPS = 200_000
#: step and tolerance of the central differences that give the sensitivities, to about 1 %
_DIFFERENCE = 0.02
_DIFFERENCE_RTOL = 1e-6
#: Gauss rules (nodes a measure, power) in the order in which they are tried: the longer the
#: horizon, the smaller the power of λ in which a rule must be exact
_RULES = ((16, 1.0), (24, 1.0), (24, 0.5), (24, 0.25), (36, 0.0), (54, 0.0), (81, 0.0))


@dataclass(frozen=True, eq=False)
class OdeAnswer:
    """A risk curve and what is known about its errors, which is computed when it is asked for.

    Parameters
    ----------
    risk : (T,) array
    error : callable
        Gives `error_estimate`.
    slopes : callable
        Gives both sensitivities; NaN, for not known, where a solution beside this one fails.
    nodes : int
        Number of modes that were integrated.
    """

    risk: Array
    error: Callable[[], Array]
    slopes: Callable[[], Sequence[Array]]
    nodes: int

    @cached_property
    def error_estimate(self) -> Array:
        """Relative error from compression and step control, an upper estimate; inf where the
        second solution that tells fails."""
        try:
            return self.error()
        except SolveFailed:
            return np.full_like(self.risk, np.inf)

    @property
    def drift_sensitivity(self) -> Array:
        """∂R/∂log A."""
        return self._sensitivities[0]

    @property
    def noise_sensitivity(self) -> Array:
        """∂R/∂log B."""
        return self._sensitivities[1]

    @cached_property
    def _sensitivities(self) -> Sequence[Array]:
        try:
            return self.slopes()
        except SolveFailed:
            return (np.full_like(self.risk, np.nan),) * 2


def integrate(
    coefficients: Coefficients,
    spectrum: Spectrum,
    times: Array,
    rtol: float = 1e-8,
    *,
    factors: tuple[float, float] = (1.0, 1.0),
    table: Array = NO_TABLE,
) -> Array:
    """Return the risk at each time.

    Parameters
    ----------
    coefficients : Coefficients
    spectrum : Spectrum
        Integrated as it is, without compression.
    times : (T,) array
        Increasing; the first one is the start.
    rtol : float
        Relative tolerance of one step on R and on each node that matters.
    factors : (float, float)
        Factors on A and B.
    table : array
        `Coefficients.table`.

    Raises
    ------
    SolveFailed
        Not-a-number, unbounded growth, step underflow or too many steps, with time, step and risk.
    """
    cells = Cells(coefficients.p[None], np.array([factors], dtype=float), np.full(1, rtol))
    risks, reports = integrate_cells(coefficients, spectrum, times, cells, table)
    return settled(risks[0], reports[0])


@dataclass(frozen=True, eq=False)
class Cells:
    """What differs between solutions on one spectrum.

    Attributes
    ----------
    p : (cells, n) array
        Parameter values.
    factors : (cells, 2) array
        Factors on A and B.
    rtols : (cells,) array
    """

    p: Array
    factors: Array
    rtols: Array


def integrate_cells(
    coefficients: Coefficients, spectrum: Spectrum, times: Array, cells: Cells, table: Array
) -> tuple[Array, Array]:
    """Return the risk of each cell, (cells, T), and how its integration ended.

    What a cell gives does not depend on the others. One that is stiff goes on with the implicit
    solver.
    """
    modes = tuple(writable(a) for a in (spectrum.rates, spectrum.energies, spectrum.sources))
    times, rows = coefficients.landing(writable(times))
    explicit = load(coefficients.source, "streaming/ode")
    mixture = coefficients.law[1:]
    risks, reports = explicit.integrate_cells(
        *modes,
        times,
        writable(cells.p),
        *mixture,
        table,
        cells.factors,
        cells.rtols,
        _EXPLICIT_STEPS,
    )
    if times.size > 1:
        for k in (k for k, status in enumerate(reports[:, 0].tolist()) if status in STIFF):
            implicit = load(coefficients.source, "streaming/implicit")
            law = (writable(cells.p[k]), *mixture)
            risk, report = implicit.integrate(
                *modes, times, law, table, cells.factors[k], cells.rtols[k], _IMPLICIT_STEPS
            )
            risks[k], reports[k] = np.nan, report
            risks[k, : risk.size] = risk
    return risks[:, rows], reports


def settled(risk: Array, report: Array) -> Array:
    """Return the risk of a cell, never below 0.

    Raises
    ------
    SolveFailed
    """
    status, *where = report
    return np.maximum(finished(risk, (int(status), *where)), 0.0)


def relative_gap(first: Array, second: Array) -> Array:
    """Return |first − second| over the larger of the two, elementwise."""
    return np.abs(first - second) / np.maximum(np.maximum(first, second), 1e-300)


def compress_for(
    spectrum: Spectrum, times: Array, rtol: float, run: Callable[..., Array]
) -> tuple[Spectrum, Array, Array]:
    """Return a spectrum small enough to be cheap, its risk, and the error of the compression.

    Rules are tried until two in a row agree to the tolerance.
    """
    if spectrum.count <= FEW_MODES:
        return spectrum, run(spectrum), np.zeros(times.size)
    spectrum = bin_spectrum(spectrum)
    previous = run(compress(spectrum, *_RULES[0]))
    for rule in _RULES[1:]:
        small = compress(spectrum, *rule)
        risk = run(small)
        gap = relative_gap(risk, previous)
        if gap.max() <= 3 * rtol:
            break
        previous = risk
    return small, risk, gap


def solve_ode(
    coefficients: Coefficients, spectrum: Spectrum, times: Array, rtol: float = 1e-8
) -> OdeAnswer:
    """Solve the risk ODE with its error estimate and its sensitivities.

    Parameters
    ----------
    coefficients : Coefficients
    spectrum : Spectrum
        Any number of modes.
    times : (T,) array
        Increasing, from the start.
    rtol : float
        Relative tolerance; the error of R stays within 50 times it.
    """
    largest = 10.0 * max(float(np.sum(spectrum.energies)), 1e-3)
    table = coefficients.table(largest, float(times[-1]))

    def run(modes: Spectrum, tolerance: float = rtol) -> Array:
        return integrate(coefficients, modes, times, tolerance, table=table)

    small, risk, compression = compress_for(spectrum, times, rtol, run)

    def error() -> Array:
        stepping = relative_gap(risk, run(small, min(20 * rtol, 1e-2)))
        # two solutions may cross by chance: what was once apart counts from there on
        estimate: Array = np.maximum.accumulate(compression + stepping)
        return estimate

    def slopes() -> tuple[Array, Array]:
        drift, noise = sensitivities(coefficients, small, times, coefficients.p[None], table)
        return drift[0], noise[0]

    return OdeAnswer(risk, error, slopes, small.count)


def sensitivities(
    coefficients: Coefficients, spectrum: Spectrum, times: Array, p: Array, table: Array
) -> tuple[Array, Array]:
    """Return ∂R/∂log A and ∂R/∂log B, (cells, T) each, by central differences.

    Raises
    ------
    SolveFailed
        One of the solutions beside a cell's fails.
    """
    shift = np.exp([_DIFFERENCE, -_DIFFERENCE])
    factors = np.ones((4, 2))
    factors[:2, 0], factors[2:, 1] = shift, shift
    cells = Cells(
        np.repeat(p, 4, axis=0),
        np.tile(factors, (len(p), 1)),
        np.full(4 * len(p), _DIFFERENCE_RTOL),
    )
    found = zip(*integrate_cells(coefficients, spectrum, times, cells, table), strict=True)
    risks = np.array([settled(*pair) for pair in found]).reshape(len(p), 2, 2, times.size)
    drift, noise = np.moveaxis((risks[:, :, 0] - risks[:, :, 1]) / (2 * _DIFFERENCE), 1, 0)
    return drift, noise


def finest(spectrum: Spectrum) -> Spectrum:
    """Return the compressed spectrum of the last rule that is tried."""
    if spectrum.count <= FEW_MODES:
        return spectrum
    return compress(bin_spectrum(spectrum), *_RULES[-1])
