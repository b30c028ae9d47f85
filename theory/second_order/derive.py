"""derive for QuadraticRegression."""

from __future__ import annotations

from typing import Any

from ..core.checks import choice
from ..core.derivation import Derivation
from ..methods.sampling import batches
from .fixed_data import fixed_data_derivation
from .proportional import proportional_derivation
from .sde import quadratic_sde

DERIVATIONS = {
    "fixed-data": fixed_data_derivation,
    "proportional": proportional_derivation,
    "flow": fixed_data_derivation,
    "sde": quadratic_sde,
}


def derive(problem: Any, method: Any, *, limit: str = "fixed-data") -> Derivation:
    """Derive a limit of second-order regression; the same for every value of the numbers.

    Parameters
    ----------
    problem : QuadraticRegression
    method : GradientDescent or SGD
    limit : {"fixed-data", "proportional", "flow", "sde"}
        The flow is "fixed-data" with vanishing steps.

    Returns
    -------
    Derivation
        The first two steps, averaged over the curvature, are in ``early_time``.
    """
    batches(method, problem.data)
    return DERIVATIONS[choice("limit", limit, tuple(DERIVATIONS))]()
