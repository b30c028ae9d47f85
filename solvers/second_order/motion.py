r"""Second-order regression at finite size: the exact motion of (z, J).

What a force on the examples moves, for a step of SGD and for one of the limiting SDE alike, is
printed from :mod:`limitlab.theory.second_order.motion`: as array code for any curvature, and
written out in loops (:func:`follow`) for a dense one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.map import Map
from ...theory.second_order.motion import motion
from ..stepping.orbit import orbit
from .curvature import Curvature

Array = NDArray[np.float64]

#: |z|²/(2D), λ_max(JJᵀ)/D, u₁ᵀJv₁ with the top mode of the start, and κ|θ|²/D: the part of the
#: sharpness that every direction shares
QUANTITIES = ("loss", "sharpness", "overlap", "isotropic")
#: a run whose |z|² exceeds this many times that of its start has diverged
RUN_AWAY = 1e6
#: bytes of Jacobians that a compiled run keeps before they are looked at
KEPT = 2**26


Equations = Mapping[str, Callable[..., Any]]


@dataclass
class State:
    """z, J and θ of a run, and the functions of the derivation that moves them."""

    z: Array
    J: Array
    theta: Array
    equations: Equations = field(default_factory=lambda: motion().functions)

    @classmethod
    def start(cls, z: Array, J: Array, equations: Equations | None = None) -> State:
        """A run at θ = 0."""
        own = (np.array(z), np.array(J), np.zeros(J.shape[1]))
        return cls(*own) if equations is None else cls(*own, equations)

    def batch_force(self, prefactor: float, mask: Array) -> Array:
        """The force of a batch on the examples."""
        return self.equations["f"](g=prefactor, m=mask, z=self.z)

    def move(self, curvature: Curvature, force: Array) -> None:
        """Move by a force on the examples."""
        d = self.equations["d"](J=self.J, f=force)
        now = {"z": self.z, "J": self.J, "theta": self.theta, "d": d, "Q_d": curvature.apply(d)}
        names = ("z_next", "J_next", "theta_next")
        self.z, self.J, self.theta = (self.equations[name](**now) for name in names)


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
    force: Callable[[State, int], Array],
    record: NDArray[np.int64],
    observe: Callable[[State], tuple[float, ...]],
) -> tuple[Array, int | None]:
    """Take steps by the forces on the examples, and record at the step numbers in ``record``.

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
            state.move(curvature, force(state, t))
        if not float(state.z @ state.z) <= limit:
            return values, t + 1
        if record[recorded] == t + 1:
            values[:, recorded] = observe(state)
            recorded += 1
    return values, None


def follow(
    program: Map,
    state: State,
    inputs: tuple[Array, Array, Array],
    record: NDArray[np.int64],
    observe: Callable[[State], tuple[float, ...]],
) -> tuple[Array, int | None]:
    """Do what `walk` does for a dense curvature, by a compiled map.

    Parameters
    ----------
    program : Map
        Of z, J and θ (:mod:`limitlab.theory.second_order.written_out`).
    inputs : tuple of arrays
        Q (D, P, P), the masks (n, D) and the batch prefactors (n,).
    """
    limit = RUN_AWAY * float(state.z @ state.z)
    tensor, masks, rates = inputs
    now, rows, begun = (state.z, state.J, state.theta), [observe(state)], int(record[0])
    room = max(1, KEPT // state.J.nbytes)
    for first in range(1, record.size, room):
        piece = np.concatenate([[begun], record[first : first + room]]) - begun
        ahead = (tensor, masks[begun:], rates[begun:])
        found = orbit(program, now, (), piece, ceiling=limit, inputs=ahead)
        states = list(zip(*found.arrays.values(), strict=True))[1:]
        rows += [observe(State(*kept)) for kept in states if not np.isnan(kept[0][0])]
        if found.lost is not None:
            lost = np.full((record.size - len(rows), len(rows[0])), np.nan)
            return np.vstack([rows, lost]).T, begun + found.lost
        now, begun = states[-1], int(record[min(first + room, record.size) - 1])
    return np.array(rows).T, None
