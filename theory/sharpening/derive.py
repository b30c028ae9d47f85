"""derive for the problems on finite data."""

from __future__ import annotations

from typing import Any

from ..checks import choice
from .derivation import Derivation
from .fixed_data import fixed_data_derivation
from .linear_derivation import linear_theory
from .proportional import proportional_derivation
from .quadratic_sde import quadratic_sde
from .sampling import batches
from .two_eigenvalues_derivation import two_eigenvalue_theory


def derive_linear(problem: Any, method: Any) -> Derivation:
    """Derive the second-moment theory of a LinearModel; the same for every value of the numbers.

    Parameters
    ----------
    problem : LinearModel
    method : GradientDescent or SGD

    Returns
    -------
    Derivation
    """
    return linear_theory(batches(method, problem.data).sampling)


QUADRATIC = {
    "fixed-data": fixed_data_derivation,
    "proportional": proportional_derivation,
    "flow": fixed_data_derivation,
    "sde": quadratic_sde,
}


def derive_quadratic(problem: Any, method: Any, *, limit: str = "fixed-data") -> Derivation:
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
    return QUADRATIC[choice("limit", limit, tuple(QUADRATIC))]()


def derive_two_eigenvalues(problem: Any, method: Any) -> Derivation:
    """Derive the motion of a TwoEigenvalueModel; the same for every value of the numbers.

    Parameters
    ----------
    problem : TwoEigenvalueModel
    method : GradientDescent

    Returns
    -------
    Derivation
        The full and the closed map, gradient flow, the average over two steps, and the end.
    """
    batches(method, 1)
    return two_eigenvalue_theory()
