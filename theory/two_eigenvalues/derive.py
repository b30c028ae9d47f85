"""derive for TwoEigenvalueModel."""

from __future__ import annotations

from typing import Any

from ..core.derivation import Derivation
from ..methods.sampling import batches
from .derivation import two_eigenvalue_theory


def derive(problem: Any, method: Any) -> Derivation:
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
