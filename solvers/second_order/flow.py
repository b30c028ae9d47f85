r"""Gradient flow of second-order regression at P → ∞ with D fixed: T1 with vanishing steps.

With full batches and steps :math:`\Delta\tau\to0` the recursion of T1 becomes

.. math:: z(\tau)=z_0-\int_0^\tau R(\tau,s)[\Theta_0+\kappa C(\tau,s)]z_s\,ds

and its companions for R and C. It is the Euler scheme of order 1 for them, and its error has all
powers of the step, which extrapolation removes one by one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.errors import SolveFailed
from ...theory.core.recursion import Recursions
from .fixed_data import FixedData, solve_fixed_data
from .motion import top_eigenvalue

Array = NDArray[np.float64]

#: order of the scheme in the step, before extrapolation
ORDER = 1
#: first steps times λ_max(Θ₀); halvings after which it gives up
_FIRST, _LEVELS = 0.25, 6


def solve_flow(
    problem: Any, times: Array, rtol: float, system: Recursions | None = None
) -> tuple[Array, float, int | None]:
    """Solve the flow.

    Parameters
    ----------
    times : (T,) array
        Flow times τ.
    rtol : float
        Halvings go on until the relative change by the last extrapolation is below it.
    system : Recursions, optional
        That of T1, solved instead of the derived one.

    Returns
    -------
    values : (4, T) array
        Loss, sharpness, overlap and isotropic part.
    error : float
        Relative change by the last extrapolation.
    stopped : int or None
        Index of the first time at which |z|² had run away.
    """
    fastest = max(top_eigenvalue(problem.gram), 1e-12)
    first = np.ceil(np.diff(times) * fastest / _FIRST).astype(int)
    rows: list[Array] = []
    error = np.inf
    for level in range(_LEVELS):
        euler, stopped = _euler(problem, times, np.maximum(first, 1) * 2**level, system)
        if stopped is not None:
            return euler, error, stopped
        row = [euler]
        for k, coarser in enumerate(rows[-1] if rows else (), start=1):
            row.append(row[-1] + (row[-1] - coarser) / (2.0**k - 1.0))
        rows.append(row)  # type: ignore[arg-type]
        if level:
            scale = np.abs(row[-1]).max(axis=1, keepdims=True) + 1e-300
            error = float(np.max(np.abs(row[-1] - row[-2]) / scale))
            if error <= rtol:
                return row[-1], error, None
    raise SolveFailed(f"flow: relative change {error:.2g} above rtol", float(times[-1]), 0.0, error)


def _euler(
    problem: Any, times: Array, steps: NDArray[np.int64], system: Recursions | None
) -> tuple[Array, int | None]:
    """The four quantities at the output times, with so many equal steps between them."""
    lengths = np.repeat(np.diff(times) / steps, steps)
    solution = solve_fixed_data(problem, lengths, np.ones((lengths.size, problem.data)), system)
    places = np.concatenate([[0], np.cumsum(steps)])
    values = np.array([solution.observe(int(t)) for t in places]).T
    return values, _first_lost(solution, places)


def _first_lost(solution: FixedData, places: NDArray[np.int64]) -> int | None:
    if solution.stopped is None:
        return None
    return int(np.searchsorted(places, solution.stopped))
