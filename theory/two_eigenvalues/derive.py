"""derive for TwoEigenvalueModel."""

from __future__ import annotations

from ..core.derivation import Derivation
from ..methods.base import Method
from ..methods.sampling import batches
from .derivation import two_eigenvalue_theory
from .problem import TwoEigenvalueModel


def derive(problem: TwoEigenvalueModel, method: Method) -> Derivation:
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
