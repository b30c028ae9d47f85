"""derive for QuadraticNetwork."""

from __future__ import annotations

from typing import Any

from ..core.checks import choice
from ..core.derivation import Derivation
from ..core.errors import InvalidType, NotAvailable
from ..methods.base import Method
from ..methods.gradient_descent import GradientDescent
from ..methods.sgd import SGD
from ..methods.speed_limited import SpeedLimited
from .early import early_theory
from .flow import closed_theory, flow_theory
from .problem import QuadraticNetwork

LIMITS = ("flow", "map", "closed", "early")


def derive(problem: QuadraticNetwork, method: Method, *, limit: str = "flow") -> Derivation:
    """Derive how a quadratic network learns; the same for every value of the numbers.

    Parameters
    ----------
    problem : QuadraticNetwork
    method : GradientDescent, SGD or SpeedLimited
    limit : {"flow", "map", "closed", "early"}
        The matrix flow, the same field a step of descent at a time, its closed form for A = S = 1,
        and the alignment at t → 0⁺ of `early_alignment`.

    Returns
    -------
    Derivation
    """
    choice("limit", limit, LIMITS)
    check(problem, method)
    if limit == "early":
        return early_theory()
    if limit == "closed":
        check_closed(problem)
        return closed_theory()
    return flow_theory(problem.centred)


def check(problem: Any, method: Method) -> None:
    """Refuse what is not descent at a constant rate without momentum."""
    if not isinstance(problem, QuadraticNetwork):
        raise InvalidType("problem", problem, "give a QuadraticNetwork")
    if not isinstance(method, GradientDescent | SGD | SpeedLimited):
        remedy = "give GradientDescent(rate), SGD(rate, batch=b) or SpeedLimited(rate)"
        raise NotAvailable("method", method, remedy)
    if getattr(method.rate, "free_symbols", None):
        raise NotAvailable("rate", method.rate, "the theory has one rate; give a number")
    if isinstance(method, SGD) and method.momentum:
        raise NotAvailable("momentum", method.momentum, "it is derived without momentum; use 0")
    if isinstance(method, SGD) and method.sampling is not None:
        raise NotAvailable("sampling", method.sampling, "every sample is fresh; leave it out")
    if isinstance(method, GradientDescent) and method.batch > 1:
        raise NotAvailable("batch", method.batch, "descends on the population; leave it out")


def check_closed(problem: QuadraticNetwork) -> None:
    """Refuse the closed form outside A = S = 1 and a frozen readout."""
    plain = problem.inputs.ndim == 1 and bool((problem.inputs == 1).all())
    if not plain:
        raise NotAvailable("inputs", problem.inputs, 'limit="closed" needs S = 1; leave inputs out')
    if not (problem.readouts == 1).all():
        raise NotAvailable("readout", problem.readout, 'limit="closed" needs readout="ones"')
    if problem.train_readout:
        raise NotAvailable("train_readout", True, 'limit="closed" needs a frozen readout')
    if not problem.centred:
        raise NotAvailable("centred", False, 'limit="closed" needs centred outputs')
