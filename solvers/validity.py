"""Warnings of a theory about itself: how large the error is expected to be, and how that is
known."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from ..theory.errors import ValidityWarning
from ..theory.modes import max_rho_squared
from ..theory.schedule import evaluate
from .finite_size import FiniteSize, is_linear

#: announced relative error of the mean above which a curve comes with a warning
LARGEST_SILENT_ERROR = 0.02
_SMALL_DIMENSION = 50
_LOCALISED = 0.05


def stability_limit(problem: Any) -> float:
    """Return the rate at which unclipped SGD stops being stable, 2 d/tr K."""
    return 2.0 / problem.covariance.mean_eigenvalue


def remarks(problem: Any, method: Any, times: np.ndarray, announced: FiniteSize) -> list[str]:
    """Return what a user should know before trusting the curve (sentences; none if all is well)."""
    found = [_about_size(problem, times, announced)]
    if is_linear(method):
        found.append(_about_stability(problem, method, times))
    if method.acts_on == "coordinate":
        found.append(_about_localisation(problem))
    return [text for text in found if text]


def warn(texts: list[str]) -> None:
    """Issue each remark as a ValidityWarning that points at the caller of `solve`."""
    for text in texts:
        warnings.warn(text, ValidityWarning, stacklevel=3)


def _about_size(problem: Any, times: np.ndarray, announced: FiniteSize) -> str:
    if math.isinf(problem.dimension):
        return ""
    worst = int(np.argmax(announced.relative))
    error = float(announced.relative[worst])
    known = f"{100 * error:.2g} % of the mean risk at t = {times[worst]:.3g} ({announced.origin})"
    small = []
    for name, value in (
        ("d", problem.dimension),
        ("tr K/‖K‖", problem.covariance.intrinsic_dimension),
    ):
        if value < _SMALL_DIMENSION:
            small.append(f"{name} = {value:.3g}")
    if error <= LARGEST_SILENT_ERROR and problem.dimension >= _SMALL_DIMENSION:
        return ""
    reason = f" (small dimension: {', '.join(small)})" if small else ""
    return f"the limit is expected to be off by about {known}{reason}"


def _about_stability(problem: Any, method: Any, times: np.ndarray) -> str:
    rate = float(np.max(evaluate(method.rate, np.linspace(0.0, times[-1], 401))))
    limit = stability_limit(problem)
    if rate < limit:
        return ""
    return (
        f"rate = {rate:.4g} reaches the stability limit 2 d/tr K = {limit:.4g}: the risk of "
        "unclipped SGD grows without bound; lower the rate or clip"
    )


def _about_localisation(problem: Any) -> str:
    share = max_rho_squared(problem)
    if share <= _LOCALISED:
        return ""
    return (
        f"the start is localised: max ρ_i² = {share:.3g} (a delocalised start has about 1/d); the "
        "limit of coordinate-wise methods is then off by an amount of order one that does not "
        "shrink with d"
    )
