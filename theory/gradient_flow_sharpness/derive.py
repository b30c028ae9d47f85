"""derive for the networks whose gradient flow is known to its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core.checks import choice
from ..core.errors import NotAvailable
from ..methods.base import Method
from ..methods.gradient_descent import GradientDescent
from ..methods.sampling import batches
from . import maps
from .normal_form import normal_form
from .problem import DiagonalLinearNetwork, ScalarNetwork

SCALAR: dict[str, Callable[[], Any]] = {
    "map": maps.scalar_squares,
    "quasi-static": maps.quasi_static,
    "normal-form": normal_form,
    "flow": maps.scalar_velocity,
}
DIAGONAL: dict[str, Callable[[], Any]] = {
    "map": maps.diagonal_squares,
    "flow": maps.diagonal_velocity,
}


def derive(
    problem: ScalarNetwork | DiagonalLinearNetwork, method: Method, *, limit: str = "map"
) -> Any:
    """Derive gradient descent on a network whose gradient flow is known to its end.

    Parameters
    ----------
    problem : ScalarNetwork or DiagonalLinearNetwork
    method : GradientDescent
    limit : str
        "map": closed in the squares of the weights; "flow": what the states become is their
        velocity. Of a ScalarNetwork also "quasi-static", the step projected back to its flow
        curve, and "normal-form", a Derivation, near the edge.

    Returns
    -------
    Map, or Derivation
    """
    check_method(method)
    known = SCALAR if isinstance(problem, ScalarNetwork) else DIAGONAL
    if limit in SCALAR and limit not in known:
        remedy = f"a {type(problem).__name__} has {' and '.join(known)}"
        raise NotAvailable("limit", limit, remedy)
    return known[choice("limit", limit, tuple(known))]()


def check_method(method: Method) -> None:
    """Refuse what is not gradient descent without momentum at a constant rate."""
    drawn = batches(method, 1)
    if drawn.momentum:
        raise NotAvailable("momentum", drawn.momentum, "it is derived without momentum; use 0")
    if not isinstance(method, GradientDescent):
        raise NotAvailable("method", method, "give GradientDescent(rate): every step sees all data")
    if getattr(method.rate, "free_symbols", None):
        raise NotAvailable("rate", method.rate, "the theory has one rate; give a number")
