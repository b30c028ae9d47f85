r"""Second-order regression at finite size: the exact motion of (z, J).

A displacement d of the parameters moves

.. math:: z'=z+Jd+\tfrac12Q(d,d),\qquad J'=J+Q(d,\cdot),

exactly, for a step of SGD (:math:`d=-gJ^\top P_tz`) and for one of the limiting SDE alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .curvature import Curvature

Array = NDArray[np.float64]

#: |z|²/(2D), λ_max(JJᵀ)/D, u₁ᵀJv₁ with the top mode of the start, and κ|θ|²/D: the part of the
#: sharpness that every direction shares
QUANTITIES = ("loss", "sharpness", "overlap", "isotropic")
#: a run whose |z|² exceeds this many times that of its start has diverged
RUN_AWAY = 1e6


@dataclass
class State:
    """z, J and θ of a run."""

    z: Array
    J: Array
    theta: Array

    def move(self, curvature: Curvature, d: Array) -> None:
        """Displace the parameters by d."""
        bend = curvature.apply(d)
        self.z = self.z + self.J @ d + 0.5 * bend @ d
        self.J = self.J + bend
        self.theta = self.theta + d


class Observer:
    """What is recorded of a state.

    Parameters
    ----------
    G : (D, P) array
        Jacobian of the start.
    kappa : float
    spectrum : bool
        Every eigenvalue of JJᵀ/D too, falling.
    """

    def __init__(self, G: Array, kappa: float, spectrum: bool = False) -> None:
        left, _, right = np.linalg.svd(G, full_matrices=False)
        self._u, self._v, self._kappa = left[:, 0], right[0], kappa
        self._spectrum = spectrum

    def __call__(self, state: State) -> tuple[float, ...]:
        """Return the quantities of ``names_of``."""
        D = state.z.size
        gram = state.J @ state.J.T
        values = np.linalg.eigvalsh(gram)[::-1] / D if self._spectrum else np.zeros(0)
        return (
            float(state.z @ state.z) / (2 * D),
            float(values[0]) if self._spectrum else top_eigenvalue(gram) / D,
            float(self._u @ state.J @ self._v),
            self._kappa * float(state.theta @ state.theta) / D,
            *values.tolist(),
        )


def names_of(data: int, spectrum: bool = False) -> tuple[str, ...]:
    """What an `Observer` returns: ``QUANTITIES``, and "eigenvalue_1" … "eigenvalue_D"."""
    more = range(1, data + 1) if spectrum else ()
    return (*QUANTITIES, *(f"eigenvalue_{k}" for k in more))


def top_eigenvalue(gram: Array) -> float:
    """λ_max of a symmetric matrix."""
    from scipy.linalg import eigvalsh

    n = len(gram)
    return float(eigvalsh(gram, subset_by_index=(n - 1, n - 1))[0])


def walk(
    state: State,
    curvature: Curvature,
    displacement: Callable[[State, int], Array],
    record: NDArray[np.int64],
    observe: Callable[[State], tuple[float, ...]],
) -> tuple[Array, int | None]:
    """Take steps, and record at the step numbers in ``record``.

    Returns
    -------
    values : (quantities, T) array
        NaN from the step on at which the run has run away: it is no number any more.
    diverged : int or None
        That step.
    """
    limit = RUN_AWAY * float(state.z @ state.z)
    first = observe(state)
    values = np.full((len(first), record.size), np.nan)
    values[:, 0] = first
    recorded = 1
    for t in range(int(record[-1])):
        with np.errstate(over="ignore", invalid="ignore"):
            state.move(curvature, displacement(state, t))
        if not float(state.z @ state.z) <= limit:
            return values, t + 1
        if record[recorded] == t + 1:
            values[:, recorded] = observe(state)
            recorded += 1
    return values, None
