"""derive for LinearModel."""

from __future__ import annotations

from typing import Any

from ..core.derivation import Derivation
from ..methods.sampling import batches
from .derivation import linear_theory


def derive(problem: Any, method: Any) -> Derivation:
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
