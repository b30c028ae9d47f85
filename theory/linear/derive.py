"""derive for LinearModel."""

from __future__ import annotations

from ..core.derivation import Derivation
from ..methods.base import Method
from ..methods.sampling import batches
from .derivation import linear_theory
from .problem import LinearModel


def derive(problem: LinearModel, method: Method) -> Derivation:
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
