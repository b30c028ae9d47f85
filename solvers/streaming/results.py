"""From solved numbers to a Curve: quantities, diagnostics and provenance."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.checks import read_only
from ...theory.core.once import once
from ...theory.core.version import VERSION
from ..core.curve import Curve
from ..core.later import Later
from .finite_size import standard_errors_meaningful
from .fluctuations import Spread
from .ode import OdeAnswer

Array = NDArray[np.float64]


def provenance_of(problem: Any, method: Any, limit: str, remarks: Sequence[str]) -> dict[str, Any]:
    return _stated(problem, method) | {"limit": limit, "remarks": list(remarks)}


@once
def _stated(problem: Any, method: Any) -> dict[str, Any]:
    meaningful, reason = standard_errors_meaningful(problem, method)
    dimension = problem.dimension
    return {
        "source": "solve",
        "version": VERSION,
        "problem": {
            "covariance": repr(problem.covariance),
            "dimension": None if math.isinf(dimension) else int(dimension),
            "noise": problem.noise.label,
            "start": "default" if problem.start is None else "given",
            "initial_risk": float(problem.risk),
        },
        "method": repr(method),
        "references": list(method.references),
    } | ({} if meaningful else {reason: True})


def loss_floor(problem: Any) -> float | None:
    variance = float(problem.noise.variance)
    return 0.5 * variance if math.isfinite(variance) else None


def _steps(problem: Any, grid: Array) -> NDArray[np.int64] | None:
    return (
        None
        if math.isinf(problem.dimension)
        else np.rint(grid * problem.dimension).astype(np.int64)
    )


def ode_curve(
    problem: Any,
    method: Any,
    grid: Array,
    answer: OdeAnswer,
    announced: Array,
    provenance: dict[str, Any],
    mode_fields: dict[str, Any],
) -> Curve:
    floor = loss_floor(problem)
    loss = {} if floor is None else {"loss": answer.risk + floor}
    diagnostics: dict[str, Array | Callable[[], Array]] = {
        "finite_size": read_only(np.array(announced, dtype=float)),
        "error_estimate": lambda: answer.error_estimate,
        "drift_sensitivity": lambda: answer.drift_sensitivity,
        "noise_sensitivity": lambda: answer.noise_sensitivity,
    }
    return Curve(
        grid,
        {"risk": answer.risk} | loss,
        diagnostics=Later(diagnostics),
        steps=_steps(problem, grid),
        label=f"{method.label}, limit",
        provenance=provenance,
        **mode_fields,
    )


def with_spread(curve: Curve, spread: Spread, dimension: float, diffusion: str) -> Curve:
    """Return a curve with the linear-noise spread of one run; σ²/2 has none, so risk and loss have
    the same."""
    noise = {"diffusion": diffusion, "covariance_modes": spread.nodes}
    return replace(
        curve,
        spread=dict.fromkeys(curve.values, spread.std(dimension)),
        diagnostics={**curve.diagnostics, "spread_error_estimate": spread.error_estimate},
        label=f"{curve.label}, {diffusion} noise",
        provenance={**curve.provenance, **noise},
    )


def ensemble_curve(
    problem: Any,
    method: Any,
    grid: Array,
    risk: Array,
    announced: Array,
    provenance: dict[str, Any],
    errors: dict[str, Array],
) -> Curve:
    floor = loss_floor(problem)
    samples = {"risk": risk} | ({} if floor is None else {"loss": risk + floor})
    return Curve(
        grid,
        {name: array.mean(axis=0) for name, array in samples.items()},
        {name: array.std(axis=0, ddof=1) for name, array in samples.items()},
        samples,
        {"finite_size": announced} | errors,
        steps=_steps(problem, grid),
        label=f"{method.label}, {provenance['diffusion']} SDE",
        provenance=provenance,
    )
