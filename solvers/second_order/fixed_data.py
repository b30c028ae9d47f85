"""T1, solved: second-order regression at P → ∞ with D fixed, for given masks.

The equations and the code that runs are those of :mod:`limitlab.theory.second_order.fixed_data`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.recursion import Recursion, Recursions
from ...theory.second_order.fixed_data import fixed_data_derivation
from ..core.compile import load, writable
from .motion import top_eigenvalue

Array = NDArray[np.float64]

#: the recursion stops where |z|² exceeds this many times that of the start
RUN_AWAY = 1e3


@dataclass(frozen=True, eq=False)
class FixedData:
    """The solution for one sequence of masks.

    Attributes
    ----------
    arrays : dict
        Of the recursion, by name: z, u (D × n), R, C (n × n), the loss L.
    kappa : float
    stopped : int or None
        Step at which |z|² had run away; nothing is known from there on.
    reading : Recursion
        Gives the kernel at one time.
    """

    arrays: dict[str, Array]
    kappa: float
    stopped: int | None
    reading: Recursion
    _kernels: dict[int, tuple[Array, float]] = field(default_factory=dict, repr=False)

    def kernel(self, t: int) -> tuple[Array, float]:
        """Return Θ(t), (D, D), and the overlap u₁ᵀJ_t v₁ with the top mode of the start."""
        if t not in self._kernels:
            self._kernels[t] = self._kernel(t)
        return self._kernels[t]

    def _kernel(self, t: int) -> tuple[Array, float]:
        D = self.arrays["z_0"].size
        values, vectors = np.linalg.eigh(self.arrays["Theta_0"])
        top = float(np.sqrt(max(values[-1], 0.0)))
        if top == 0:  # without a Jacobian θ does not move, and there is none to come
            return np.zeros((D, D)), 0.0
        own: dict[str, Any] = {name: np.zeros((D, t)) for name in ("mu", "y", "rho", "w")}
        own |= {"Theta": np.zeros((D, D)), "shat": np.zeros(t + 1), "U": writable(vectors[:, -1])}
        arrays = _in_order(self.reading, self.arrays | own)
        module = load(self.reading.source, "stepping/recursion")
        overlap = module.advance(t, np.array([self.kappa, top]), arrays)
        return own["Theta"], float(overlap)

    def observe(self, t: int) -> tuple[float, ...]:
        """Return loss, sharpness, overlap and the isotropic part κ|θ|²/D at step t; NaN where it
        has run away."""
        if self.stopped is not None and t >= self.stopped:
            return (np.nan,) * 4
        theta, overlap = self.kernel(t)
        D = len(theta)
        isotropic = self.kappa * float(self.arrays["C"][t, t]) / D
        return float(self.arrays["L"][t]), top_eigenvalue(theta) / D, overlap, isotropic


def solve_fixed_data(
    problem: Any, rates: Array, masks: Array, system: Recursions | None = None
) -> FixedData:
    """Solve the recursion for given masks.

    Parameters
    ----------
    problem : QuadraticRegression
        Only Θ₀, z₀ and κ enter.
    rates : (n,) array
        Batch prefactor g_t of each step.
    masks : (n, D) array
    system : Recursions, optional
        Solved instead of the derived one.
    """
    program, reading = (system or fixed_data_derivation()).programs
    n, D = masks.shape
    rows = n + 2
    shapes: dict[str, tuple[int, ...]] = {name: (D, rows) for name in "zux"} | {"L": (rows,)}
    shapes |= {name: (rows, rows) for name in ("R", "C", "omega", "f")}
    arrays: dict[str, Any] = {name: np.zeros(shape) for name, shape in shapes.items()}
    arrays["R"][0, 0] = 1.0
    arrays |= {"Theta_0": writable(problem.gram), "z_0": writable(problem.z0)}
    idle = np.zeros((D, 1))
    arrays |= {"g": np.append(rates, 0.0), "m": writable(np.hstack([masks.T, idle]))}
    ceiling = RUN_AWAY * float(problem.z0 @ problem.z0) / (2 * D)
    module = load(program.source, "stepping/recursion")
    reached = module.evolve(n, ceiling, np.array([problem.kappa]), _in_order(program, arrays))
    return FixedData(arrays, problem.kappa, None if reached > n else int(reached), reading)


def _in_order(program: Recursion, arrays: dict[str, Array]) -> tuple[Array, ...]:
    return tuple(arrays[str(base)] for base in program.arrays)
