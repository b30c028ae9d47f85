"""The exact mean risk of unclipped SGD at finite dimension.

A constant rate makes every step the same linear map v ← (1 + E) v of v = (y, 1): its powers come
from squaring, E ← 2E + E², which loses no digit to the 1 that is never added. A schedule is walked
step by step. The risk needs only the two measures of the spectrum, so many modes are compressed as
for the ODE. Derived here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core import symbols
from ...theory.core.errors import InvalidInput, NotAvailable, SolveFailed
from ...theory.core.symbolic import numbers
from ...theory.streaming.exact_mean import MeanRecursion, derive_exact_mean
from ...theory.streaming.modes import modes
from ..core.compile import load, writable
from .compress import Spectrum, binned
from .ode import compress_for

Array = NDArray[np.float64]
Steps = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ExactMean:
    """The mean over runs at step numbers.

    Attributes
    ----------
    steps : (T,) int array
    risk : (T,) array
        E R after so many steps.
    error_estimate : (T,) array
        Relative error from the compression of the spectrum; 0 where nothing is compressed.
    """

    steps: Steps
    risk: Array
    error_estimate: Array


def exact_mean(problem: Any, method: Any, times: Array, rtol: float = 1e-8) -> ExactMean:
    """Return the exact mean risk of unclipped SGD, any batch and schedule.

    Parameters
    ----------
    problem : LeastSquares
        Of finite d.
    method : Method
        Linear rule.
    times : (T,) array
        Increasing from 0; rounded to whole steps, each once.
    rtol : float
        Relative tolerance of the compression.

    Raises
    ------
    NotAvailable
        Another rule, or d = ∞.
    NoLimit
        Noise of infinite variance.
    SolveFailed
        The mean is not a finite number: the rate is beyond stability.
    """
    recursion, steps = derive_exact_mean(problem, method), whole_steps(problem, times)
    walk = partial(_risk, recursion, _values(recursion, problem, method), problem.dimension, steps)
    with np.errstate(over="ignore", invalid="ignore"):
        _, risk, error = compress_for(
            binned(problem, method), steps / problem.dimension, rtol, walk
        )
    _check(risk, steps, problem.dimension)
    return ExactMean(steps, risk, error)


def exact_fields(problem: Any, method: Any, times: Array) -> dict[str, Array]:
    """Return the fields `modes` and `mode_rates` of a Curve: every mode, walked step by step."""
    recursion, steps = derive_exact_mean(problem, method), whole_steps(problem, times)
    found = modes(problem, method)
    spectrum = Spectrum(found.rates, found.energies, found.sources)
    p = _values(recursion, problem, method)
    energies = _walked(recursion, p, problem.dimension, steps, spectrum)
    return {"modes": energies, "mode_rates": found.rates}


def whole_steps(problem: Any, times: Array) -> Steps:
    """Return the step numbers nearest to t d, each once.

    Raises
    ------
    NotAvailable
        d = ∞: a step has no size.
    InvalidInput
        The last time is below half a step.
    """
    if math.isinf(problem.dimension):
        remedy = 'the exact mean needs a finite dimension; at d = ∞ there is limit="ode"'
        raise NotAvailable("limit", "exact", remedy)
    steps = np.unique(np.rint(times * problem.dimension).astype(np.int64))
    if steps[-1] == 0:
        remedy = f"the last time is below one step, 1/d = {1 / problem.dimension:.3g}"
        raise InvalidInput("until", float(times[-1]), remedy)
    return steps


def _values(recursion: MeanRecursion, problem: Any, method: Any) -> Array:
    return numbers(recursion.parameters, {"method": method, "noise": problem.noise})


def _risk(
    recursion: MeanRecursion, p: Array, dimension: float, steps: Steps, spectrum: Spectrum
) -> Array:
    walk = _walked if recursion.rate.has(symbols.t) else _powered
    return walk(recursion, p, dimension, steps, spectrum).sum(axis=1)


def _walked(
    recursion: MeanRecursion, p: Array, dimension: float, steps: Steps, spectrum: Spectrum
) -> Array:
    """Return the energies after walking every step."""
    parts = (writable(a) for a in (spectrum.rates, spectrum.energies, spectrum.sources))
    kernels = load(recursion.source, "streaming/exact_mean")
    return kernels.march(*parts, steps, float(dimension), p)


def _powered(
    recursion: MeanRecursion, p: Array, dimension: float, steps: Steps, spectrum: Spectrum
) -> Array:
    """Return the energies at a constant rate, by the binary digits of the step counts."""
    kernels = load(recursion.source, "streaming/exact_mean")
    parts = kernels.one_step(writable(spectrum.rates), 0, float(dimension), p)
    m, gaps = spectrum.count, np.diff(steps, prepend=0)
    change = np.zeros((m + 1, m + 1))
    change[:m, :m] = np.diag(parts[0]) + parts[1] * spectrum.sources[:, None]
    change[:m, m] = parts[2] * spectrum.sources
    powers = [change]
    while 2 ** len(powers) <= gaps.max():
        powers.append(2 * powers[-1] + powers[-1] @ powers[-1])
    state, out = np.append(spectrum.energies, 1.0), np.empty((steps.size, m))
    for record, gap in enumerate(gaps.tolist()):
        for k in range(gap.bit_length()):
            if gap >> k & 1:
                state = state + powers[k] @ state
        out[record] = state[:m]
    return out


def _check(risk: Array, steps: Steps, dimension: float) -> None:
    broken = ~np.isfinite(risk)
    if broken.any():
        where = int(np.argmax(broken))
        before = float(risk[where - 1]) if where else math.inf
        reason = "the mean risk is not a finite number: the rate is beyond mean-square stability"
        raise SolveFailed(reason, steps[where] / dimension, 1 / dimension, before)
