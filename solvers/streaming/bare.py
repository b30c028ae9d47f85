"""The mean alone, for callers that ask for thousands of curves: the limit="ode" of `solve` without
its diagnostics, announced error and warnings."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.streaming.derive import bind, derive
from .coefficients import Coefficients
from .compress import FEW_MODES, bin_spectrum, binned, compress
from .ode import integrate

Array = NDArray[np.float64]

#: nodes kept of each measure; `solve` finds out how many are needed, and here a few digits do
_NODES = 24
_RTOL = 1e-7


def bare_curve(problem: Any, method: Any, times: Array) -> dict[str, Array]:
    """Return "risk", and "loss" where the noise has a variance, at increasing times from 0.

    Raises
    ------
    SolveFailed
    """
    system = derive(problem, method)
    coefficients = Coefficients.of(system.source, bind(system, problem, method))
    spectrum = binned(problem, method)
    if spectrum.count > FEW_MODES:
        spectrum = compress(bin_spectrum(spectrum), _NODES)
    table = coefficients.table(10.0 * max(problem.risk, 1e-3), float(times[-1]))
    risk = integrate(coefficients, spectrum, times, _RTOL, table=table)
    variance = float(problem.noise.variance)
    return {"risk": risk} | ({"loss": risk + 0.5 * variance} if math.isfinite(variance) else {})
