"""From a problem to the paths of its limiting SDE: which modes, which steps, which solver.

Many modes are compressed as for the ODE. On Gauss nodes the SDE has the same risk in law to
leading order (derived here): with λ, A and B given, the noise that reaches R at time t has the
variance ∫ [D Σ λ_j² e^(−2λ_j Γ) y_j + E (Σ λ_j e^(−λ_j Γ) y_j)² + …] ds/d, and y_j itself is linear
in y_j(0) and c_j, so that only integrals of smooth functions of λ against the two measures enter:
those that the nodes reproduce. A node of weight c stands for n = c d/λ² coordinates, whole or not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.errors import InvalidInput
from ...theory.streaming.modes import sign_geometry
from ...theory.streaming.votes import voters
from .coefficients import Coefficients
from .compress import FEW_MODES, Spectrum, binned, compress
from .noise_table import NO_NOISE_TABLE, noise_table, shortened
from .ode import integrate, relative_gap
from .sde import CHECKED, PUBLISHED, EnergySde, energy_paths, step_errors
from .sde_dense import DenseModes, DenseSde, dense_paths
from .sde_steps import FASTEST, substeps

Array = NDArray[np.float64]

#: tolerance of the risk on few nodes; its gap to the ODE may be ten times that
_COMPRESSION = 1e-6
#: Gauss rules (nodes a measure, power of λ) in the order in which they are tried
_RULES = ((12, 1.0), (16, 1.0), (24, 1.0), (24, 0.5), (24, 0.25), (36, 0.0), (54, 0.0))


def sde_risk(
    problem: Any,
    method: Any,
    coefficients: Coefficients,
    noisy: Coefficients,
    solution: tuple[Array, Array],
    *,
    exact: bool,
    step: float | None,
    paths: int,
    **options: Any,
) -> tuple[Array, dict[str, Array]]:
    """Return the risk of every path of the SDE, and what the step costs in accuracy.

    Parameters
    ----------
    coefficients, noisy : Coefficients
        Of the ODE; for the exact diffusion the source of the latter holds the four parts of the
        noise.
    solution : (T,) array, (T,) array
        Times and risk of the ODE.
    exact : bool
        The one-step covariance; otherwise the published diffusion.
    step : float or None
        Largest step.

    Raises
    ------
    InvalidInput
        A step too long for the exact diffusion, with the longest one that is not.
    """
    grid, risk = solution
    if not exact:
        noisy = replace(coefficients, source=coefficients.source + PUBLISHED)
    fastest = _fastest(coefficients, binned(problem, method), grid, risk) if exact else 0.0
    if step is not None and step * fastest > FASTEST:
        raise InvalidInput("step", step, f"give at most {FASTEST / fastest:.3g} here")
    counts = substeps(grid, risk, step, fastest=fastest, shortest=1.0 / problem.dimension)
    walk = _walk(problem, method, coefficients, noisy, solution, exact)
    found = walk(grid, counts, paths=paths, **options)
    again = walk(grid, counts, paths=min(paths, CHECKED), coarse=True, **options)
    return found, step_errors(found, again)


def _walk(
    problem: Any,
    method: Any,
    coefficients: Coefficients,
    noisy: Coefficients,
    solution: tuple[Array, Array],
    exact: bool,
) -> Callable[..., Array]:
    """Return the function that walks the paths of this problem's SDE."""
    grid, risk = solution
    table = coefficients.table(10.0 * max(float(risk.max()), 1e-3), float(grid[-1]), always=True)
    coordinatewise, law = method.acts_on == "coordinate", problem.covariance
    rates = coefficients.rates(grid)
    fastest = int(np.argmax(rates))
    at = float(grid[fastest]), float(rates[fastest])
    noise = noise_table(noisy, table, *at) if exact else NO_NOISE_TABLE
    tables, dimension = (shortened(table), shortened(noise)), float(problem.dimension)
    if coordinatewise and not law.is_diagonal:
        modes = DenseModes.of(sign_geometry(law, voters(method)), problem.delta())
        dense = DenseSde(noisy, modes, tables)
        return lambda *args, **options: dense_paths(dense, *args, **options)
    nodes = _nodes(coefficients, binned(problem, method), grid, risk, table)
    sde = EnergySde(noisy, nodes, dimension, exact and coordinatewise, tables)
    return lambda *args, **options: energy_paths(sde, *args, **options)


def _nodes(
    coefficients: Coefficients, spectrum: Spectrum, grid: Array, risk: Array, table: Array
) -> Spectrum:
    """Return few modes with the ODE's curve of the risk, or all of them where that takes many."""
    if spectrum.count <= FEW_MODES:
        return spectrum
    for rule in _RULES:
        nodes = compress(spectrum, *rule)
        found = integrate(coefficients, nodes, grid, _COMPRESSION, table=table)
        if relative_gap(found, risk).max() <= 10 * _COMPRESSION:
            return nodes
    return spectrum


def _fastest(coefficients: Coefficients, spectrum: Spectrum, grid: Array, risk: Array) -> float:
    """Return the largest relaxation rate A λ/2 along the ODE's solution."""
    decays = [coefficients.at(risk[k], grid[k])[0] for k in range(grid.size)]
    return 0.5 * float(np.max(decays)) * float(np.max(spectrum.rates))
