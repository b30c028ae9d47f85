"""derive for QuadraticRegression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core.checks import choice
from ..core.system import System
from ..methods.base import Method
from ..methods.sampling import batches
from .fixed_data import fixed_data_derivation
from .problem import QuadraticRegression
from .proportional import proportional_derivation
from .sde import quadratic_sde

DERIVATIONS: dict[str, Callable[[], Any]] = {
    "fixed-data": fixed_data_derivation,
    "proportional": proportional_derivation,
    "flow": fixed_data_derivation,
    "sde": quadratic_sde,
}


def derive(problem: QuadraticRegression, method: Method, *, limit: str = "fixed-data") -> System:
    """Derive a limit of second-order regression; the same for every value of the numbers.

    Parameters
    ----------
    problem : QuadraticRegression
    method : GradientDescent or SGD
    limit : {"fixed-data", "proportional", "flow", "sde"}
        The flow is "fixed-data" with vanishing steps.

    Returns
    -------
    System
        `Recursions`, for the SDE a `Derivation`. The first two steps, averaged over the curvature,
        are in ``early_time``.
    """
    batches(method, problem.data)
    return derivation(limit)


def derivation(limit: str) -> Any:
    """Return the derivation of a limit, which knows neither problem nor method."""
    return DERIVATIONS[choice("limit", limit, tuple(DERIVATIONS))]()
