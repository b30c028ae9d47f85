"""From a problem to the paths of its limiting SDE: which modes, which steps, which solver."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..theory.modes import modes, sign_geometry
from .coefficients import NO_TABLE, Coefficients
from .compile import load, writable
from .sde import SdeModes, diagonal_paths, substeps
from .sde_dense import DenseModes, dense_paths

Array = NDArray[np.float64]


def _fastest(coefficients: Coefficients, rates: Array, grid: Array, risk: Array) -> float:
    """Return the largest relaxation rate A λ/2 along the ODE's solution."""
    read = load(coefficients.source, "sde").coefficients_of
    numbers = (coefficients.law, NO_TABLE, np.ones(2))
    decays = [read(writable(risk[k : k + 1]), grid[k], *numbers)[0][0] for k in range(grid.size)]
    return 0.5 * float(np.max(decays)) * float(np.max(rates))


def sde_risk(
    problem: Any,
    method: Any,
    coefficients: Coefficients,
    solution: tuple[Array, Array],
    *,
    exact: bool,
    step: float | None,
    **options: Any,
) -> Array:
    """Return the risk of every path of the SDE."""
    grid, risk = solution
    found = modes(problem, method)
    fastest = _fastest(coefficients, found.rates, grid, risk) if exact else 0.0
    steps = substeps(grid, risk, step, fastest)
    table = coefficients.table(10.0 * max(float(risk.max()), 1e-3), float(grid[-1]))
    common = {"exact": exact, "table": table, **options}
    law = problem.covariance
    if method.acts_on == "coordinate" and not law.is_diagonal:
        dense = DenseModes.of(sign_geometry(law), problem.delta())
        return dense_paths(coefficients, dense, grid, steps, **common)
    counts = np.asarray(law.multiplicities, dtype=float)[law.eigenvalues > 0]
    arrays = SdeModes(found.energies, found.rates, found.sources, counts, float(problem.dimension))
    return diagonal_paths(coefficients, arrays, grid, steps, **common)
