"""The Volterra equation of the risk: a second road to the curve of the ODE.

With G = ∫ A and the measures of the start and of the noise, F(x) = Σ y_i(0) e^(−λ_i x) and
𝒦(x) = Σ c_i e^(−λ_i x),

    R(t) = F(G(t)) + ∫ 𝒦(G(t) − G(s)) B(R(s), s) ds

(SGD and clipped SGD: A = 2ημ, B = η²N/2; arXiv 2406.11733, rederived). A and B are the generated
ones, so the equation holds for every rule that has an ODE. The scheme has order 2 with even powers
of the step in its error; Richardson's extrapolation removes them one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from types import ModuleType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...theory.core.errors import SolveFailed
from ..core.chebyshev import NO_TABLE
from ..core.compile import load, writable
from ..stepping.adaptive import NOT_A_NUMBER
from ..stepping.failure import REASONS, finished
from .coefficients import Coefficients
from .compress import Spectrum
from .ode import OdeAnswer, compress_for, relative_gap

Array = NDArray[np.float64]

#: order of the scheme in the step, before extrapolation; its error has even powers only
ORDER = 2

_MESH_TOLERANCE = 1e-4
_MESH_STEPS = 50_000
_LEVELS = 11
_DIFFERENCE = 1e-3
_DIFFERENCE_LEVEL = 3
_NONE = np.zeros(0)


@dataclass(frozen=True, eq=False)
class VolterraAnswer:
    """A solution of the Volterra equation.

    Parameters
    ----------
    risk, covered : (T,) arrays
        R and G = ∫ A.
    recalled : (T, n) array
        ∫ e^(−λ (G(t) − G(s))) B ds for the rates λ that were asked for.
    error_estimate : (T,) array
        Relative change in the last extrapolation, an upper estimate.
    """

    risk: Array
    covered: Array
    recalled: Array
    error_estimate: Array


def forcing(spectrum: Spectrum, x: ArrayLike) -> Array:
    """Return F(x) = Σ y_i(0) e^(−λ_i x): what is left of the start."""
    return np.exp(-np.multiply.outer(x, spectrum.rates)) @ spectrum.energies


def memory(spectrum: Spectrum, x: ArrayLike) -> Array:
    """Return 𝒦(x) = Σ c_i e^(−λ_i x): what is left of earlier noise."""
    return np.exp(-np.multiply.outer(x, spectrum.rates)) @ spectrum.sources


@dataclass(frozen=True, eq=False)
class Equation:
    """One Volterra equation, on output times.

    Parameters
    ----------
    coefficients : Coefficients
    spectrum : Spectrum
        Taken as it is, without compression.
    times : (T,) array
        Increasing; the first one is the start.
    factors : (float, float)
        Factors on A and B.
    table : array
        `Coefficients.table`.
    """

    coefficients: Coefficients
    spectrum: Spectrum
    times: Array
    factors: tuple[float, float] = (1.0, 1.0)
    table: Array = field(default_factory=NO_TABLE.copy)

    @cached_property
    def _module(self) -> ModuleType:
        return load(self.coefficients.source, "streaming/volterra")

    @cached_property
    def _modes(self) -> tuple[Array, ...]:
        fields = (self.spectrum.rates, self.spectrum.energies, self.spectrum.sources)
        return tuple(writable(array) for array in fields)

    @cached_property
    def _rules(self) -> tuple[tuple[Array, ...], Array, Array]:
        return self.coefficients.law, self.table, np.array(self.factors, dtype=float)

    def mesh(self, tolerance: float = _MESH_TOLERANCE) -> Array:
        """Return a mesh through the output times and the breaks of the schedules, on each step of
        which halving changes the risk by less than `tolerance`.

        Raises
        ------
        SolveFailed
            Not-a-number, unbounded growth, step underflow or too many steps.
        """
        landed, _ = self.coefficients.landing(writable(self.times))
        arguments = (self._modes, landed, self._rules, tolerance, _MESH_STEPS)
        return finished(*self._module.choose_mesh(*arguments))

    def march(
        self, mesh: ArrayLike, pieces: int = 1, passive: Array = _NONE
    ) -> tuple[Array, Array, Array]:
        """Solve once, with `pieces` equal steps on every interval of a mesh: order `ORDER`.

        Returns
        -------
        risk, covered : (T,) arrays
        recalled : (T, n) array
            For the rates λ in `passive`, which do not enter the risk.
        """
        mesh = writable(mesh)
        out = self._module.march(
            self._modes, writable(passive), mesh, pieces, writable(self.times), self._rules
        )
        if not np.all(np.isfinite(out[0])):
            last = int(np.argmax(~np.isfinite(out[0]))) - 1
            step = float(np.max(np.diff(mesh))) / pieces
            where = float(self.times[last]), step, float(out[0][last])
            raise SolveFailed(REASONS[NOT_A_NUMBER], *where)
        return out

    def levels(self, mesh: Array, passive: Array = _NONE) -> Iterator[Array]:
        """Yield ever better solutions, columns (risk, covered, recalled …), each with half the step
        of the one before and one more power of the step removed."""
        row: list[Array] = []
        for level in range(_LEVELS):
            found = [np.column_stack(self.march(mesh, 2**level, passive))]
            for order, older in enumerate(row, start=1):
                found.append(found[-1] + (found[-1] - older) / (2.0 ** (ORDER * order) - 1.0))
            row = found
            yield np.maximum(row[-1], 0.0)

    def solve(self, rtol: float = 1e-8, passive: Array = _NONE) -> VolterraAnswer:
        """Solve until halving the step once more changes nothing by more than `rtol`."""
        solutions = self.levels(self.mesh(), passive)
        best = next(solutions)
        for newer in solutions:
            gap, best = relative_gap(newer, best).max(axis=1), newer
            if gap.max() <= rtol:
                break
        return VolterraAnswer(best[:, 0], best[:, 1], best[:, 2:], gap)


def equation(coefficients: Coefficients, spectrum: Spectrum, times: Array) -> Equation:
    """Return an equation whose coefficients are read from a table where that pays."""
    largest = 10.0 * max(float(np.sum(spectrum.energies)), 1e-3)
    table = coefficients.table(largest, float(times[-1]))
    return Equation(coefficients, spectrum, times, table=table)


def compressed(full: Equation, rtol: float) -> tuple[Equation, Array]:
    """Return an equation with a spectrum small enough to be cheap, and the error of that."""

    def run(modes: Spectrum) -> Array:
        return replace(full, spectrum=modes).solve(rtol).risk

    small, _, error = compress_for(full.spectrum, full.times, rtol, run)
    return replace(full, spectrum=small), error


def solve_volterra(
    coefficients: Coefficients, spectrum: Spectrum, times: Array, rtol: float = 1e-8
) -> OdeAnswer:
    """Solve the Volterra equation with its error estimate and its sensitivities.

    Parameters
    ----------
    coefficients : Coefficients
    spectrum : Spectrum
        Any number of modes.
    times : (T,) array
        Increasing, from the start.
    rtol : float
        Relative tolerance of the extrapolation and of the compression.
    """
    small, compression = compressed(equation(coefficients, spectrum, times), rtol)
    answer = small.solve(rtol)
    errors = compression + answer.error_estimate

    def slopes() -> list[Array]:
        return [_sensitivity(small, column) for column in range(2)]

    return OdeAnswer(answer.risk, lambda: errors, slopes, small.spectrum.count)


def _sensitivity(small: Equation, column: int) -> Array:
    """Return the derivative of the risk in the logarithm of one coefficient (central difference, on
    one mesh and at one level, so that errors of the scheme cancel)."""
    mesh, ends = small.mesh(), []
    for exponent in (_DIFFERENCE, -_DIFFERENCE):
        factors = tuple(np.exp(exponent * np.eye(2)[column]).tolist())
        solutions = replace(small, factors=factors).levels(mesh)
        ends.append(next(islice(solutions, _DIFFERENCE_LEVEL, None))[:, 0])
    return (ends[0] - ends[1]) / (2 * _DIFFERENCE)
