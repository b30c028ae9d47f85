"""derive for InterpolatingMinimum."""

from __future__ import annotations

from typing import Any

from ..core.derivation import Derivation
from ..core.errors import NotAvailable
from ..methods.base import Method
from ..methods.sampling import batches
from .derivation import stability_theory
from .problem import InterpolatingMinimum


def derive(problem: InterpolatingMinimum, method: Method) -> Derivation:
    """Derive the second moment of SGD at an interpolating minimum; the same for every number.

    Parameters
    ----------
    problem : InterpolatingMinimum
    method : GradientDescent or SGD
        Without momentum.

    Returns
    -------
    Derivation
        The coefficients of the second moment, the edge of groups, and for Bernoulli batches the
        sufficient condition for instability.
    """
    return stability_theory(drawn(method, problem.data).sampling)


def drawn(method: Any, data: int) -> Any:
    """How a method draws its batches; momentum is refused.

    Raises
    ------
    NotAvailable
        Neither gradient descent nor SGD; momentum.
    """
    found = batches(method, data)
    if found.momentum:
        raise NotAvailable("momentum", found.momentum, "derived without momentum; use 0")
    return found
