r"""The diagonal closure by its Volterra equation, and in continuous time.

.. math:: \mathcal L_t=F_t+\sum_{s<t}k_{t-1-s}\mathcal L_s,\qquad
          F_t=\sum_ia_i^tp_i(0),\quad k_r=\sum_ib_ia_i^r

is the closed recursion :math:`p_i'=a_ip_i+b_i\mathcal L` solved for the sum; in flow time
:math:`\tau=\eta t` the recursion is :math:`\dot p_i=(p_i'-p_i)/\eta`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.errors import SolveFailed
from ...theory.core.warn import warn
from ...theory.methods.sampling import Batches
from ..stepping.initial_value import initial_value
from .moments import constants

Array = NDArray[np.float64]

#: relative rounding error of the Volterra sum from which a curve comes with a warning
LARGEST_ROUNDING = 1e-8
_CURE = 'limit="closure" is the same without'
#: relative tolerance of the ODE
RTOL = 1e-10


def volterra(
    problem: Any, batches: Batches, functions: Mapping[str, Any], rate: float, steps: int
) -> Array:
    """Σ_i p_i at the steps 0, 1, …, `steps`, for a constant rate without momentum.

    Warns
    -----
    ValidityWarning
        Some a_i < −1: the terms of the sum grow although the sum may not, and cancel.

    Raises
    ------
    SolveFailed
        The sum, or its terms, exceed what a float can hold: with the step.
    """
    values = {**constants(problem, batches), "eta": rate, "lambda_i": problem.eigenvalues}
    a, b = functions["a_i"](**values), functions["b_i"](**values)
    with np.errstate(over="ignore", invalid="ignore"):
        powers = np.vstack([np.ones_like(a), np.tile(a, (steps, 1))]).cumprod(axis=0)
        forcing, kernel = powers @ problem.energies, powers @ b
        total = np.empty(steps + 1)
        for t in range(steps + 1):
            total[t] = forcing[t] + kernel[:t][::-1] @ total[:t]
            if not math.isfinite(total[t]):
                raise SolveFailed("the Volterra sum diverged", float(t), 1.0, total[t - 1])
    _warn_of_rounding(np.abs(powers).max(axis=1), total)
    return total


def _warn_of_rounding(terms: Array, total: Array) -> None:
    """`terms` are the largest of |a_i|^t, with which the terms of the sum grow."""
    eps, tiny = np.finfo(float).eps, np.finfo(float).tiny
    with np.errstate(over="ignore"):
        lost = eps * terms * total[0] / np.maximum(total, tiny)
    worst = int(lost.argmax())
    said = f"terms of the Volterra sum grow by {terms[worst]:.2g} and cancel"
    if lost[worst] >= 1:
        raise SolveFailed(f"{said} to nothing; {_CURE}", float(worst), 1.0, total[worst])
    if lost[worst] > LARGEST_ROUNDING:
        said += f": expect a relative rounding error of about {lost[worst]:.1g} at step {worst}"
        warn(f"{said}; {_CURE}")


def flow(
    problem: Any, batches: Batches, functions: Mapping[str, Any], rate: float, times: Array
) -> Array:
    """p_i at flow times τ = η t, shape (T, modes): the closure with infinitesimal steps."""
    values = {**constants(problem, batches), "eta": rate, "lambda_i": problem.eigenvalues}

    def change(_: float, p: Array) -> Array:
        return np.asarray(functions["flow"](M_ij=p, L=p.sum(), **values))

    start = problem.energies
    floor = RTOL * 1e-6 * max(float(start.sum()), 1e-300)
    span = (0.0, float(times[-1]))
    found = initial_value(change, span, start, times=times, size=np.sum, rtol=RTOL, atol=floor)
    return np.asarray(found.y.T)
