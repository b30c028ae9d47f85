"""derive for tuners: on SharpnessToy, TwoCurvatures and QuadraticRegression."""

from __future__ import annotations

from typing import Any

from ..core.checks import choice
from ..core.errors import InvalidType, NotAvailable
from ..methods.base import Method
from ..methods.polyak import Polyak
from ..methods.sampling import batches_of
from ..second_order.problem import QuadraticRegression
from .averages import averaged_theory, slow_theory
from .maps import closed_pair, toy_map
from .problem import SharpnessToy, TwoCurvatures
from .regression import recursion

LIMITS = ("map", "averaged", "slow")


def derive(
    problem: SharpnessToy | TwoCurvatures | QuadraticRegression,
    method: Method,
    *,
    limit: str = "map",
) -> Any:
    """Derive how a tuner moves; the same for every value of the numbers.

    Parameters
    ----------
    problem : SharpnessToy, TwoCurvatures or QuadraticRegression
    method : GradientDescent, CDAT, Armijo, Polyak, OnEdge or another Tuner
        On QuadraticRegression gradient descent has a theory of its own.
    limit : {"map", "averaged", "slow"}
        The exact map; the average over two steps at a constant rate; the slow law of the
        sharpness. The last two belong to SharpnessToy.

    Returns
    -------
    Map or Derivation

    Raises
    ------
    NotAvailable
        Another method; a limit that the pair does not have; Polyak without a minimum.
    """
    choice("limit", limit, LIMITS)
    if isinstance(problem, QuadraticRegression):
        if limit != "map":
            raise NotAvailable("limit", limit, 'second-order regression has limit="map"')
        return recursion(method, not batches_of(method, problem.data).full)
    check(problem, method)
    if isinstance(problem, TwoCurvatures):
        if limit != "map":
            raise NotAvailable("limit", limit, 'two curvatures have limit="map"')
        return closed_pair(method)
    if limit == "map":
        bounded, noisy = problem.bounded is not None, problem.noise > 0
        return toy_map(method, bounded, noisy, True, problem.per_step)
    return (averaged_theory if limit == "averaged" else slow_theory)(problem, method)


def check(problem: Any, method: Any) -> None:
    """Refuse on a toy a tuner that needs a minimum where there is none, and idle batches."""
    if not isinstance(problem, (SharpnessToy, TwoCurvatures)):
        raise InvalidType("problem", problem, "give a SharpnessToy or TwoCurvatures")
    if not isinstance(method, Method):
        raise InvalidType("method", method, "give a method such as CDAT(2.0)")
    sampling = getattr(method, "sampling", None)
    if sampling is not None:
        raise NotAvailable("sampling", sampling, "belongs to finite data; leave it out")
    noisy = getattr(problem, "noise", 0.0) > 0
    if (method.batch or 1) > 1 and not noisy:
        raise NotAvailable("batch", method.batch, "without noise= a batch changes nothing; use 1")
    unbounded = not isinstance(problem, TwoCurvatures) and problem.bounded is None
    if isinstance(method, Polyak) and unbounded:
        remedy = "the loss has no minimum; give bounded="
        raise NotAvailable("problem", problem, remedy)
