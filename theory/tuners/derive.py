"""derive for SharpnessToy and TwoCurvatures."""

from __future__ import annotations

from typing import Any

from ..core.checks import choice
from ..core.errors import InvalidType, NotAvailable
from ..methods.base import Method
from ..methods.polyak import Polyak
from .averages import averaged_theory, slow_theory
from .maps import closed_pair, toy_map
from .problem import SharpnessToy, TwoCurvatures

LIMITS = ("map", "averaged", "slow")


def derive(problem: SharpnessToy | TwoCurvatures, method: Method, *, limit: str = "map") -> Any:
    """Derive how a tuner moves; the same for every value of the numbers.

    Parameters
    ----------
    problem : SharpnessToy or TwoCurvatures
    method : GradientDescent, CDAT, Armijo, Polyak, OnEdge or another Tuner
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
    check(problem, method)
    if isinstance(problem, TwoCurvatures):
        if limit != "map":
            raise NotAvailable("limit", limit, 'two curvatures have limit="map"')
        return closed_pair(method)
    if limit == "map":
        return toy_map(method, problem.bounded is not None, problem.noise > 0, True)
    return (averaged_theory if limit == "averaged" else slow_theory)(problem, method)


def check(problem: Any, method: Any) -> None:
    """Refuse a tuner that needs a minimum where there is none, and a batch without noise."""
    if not isinstance(problem, (SharpnessToy, TwoCurvatures)):
        raise InvalidType("problem", problem, "give a SharpnessToy or TwoCurvatures")
    if not isinstance(method, Method):
        raise InvalidType("method", method, "give a method such as CDAT(2.0)")
    noisy = getattr(problem, "noise", 0.0) > 0
    if method.batch > 1 and not noisy:
        raise NotAvailable("batch", method.batch, "without noise= a batch changes nothing; use 1")
    unbounded = not isinstance(problem, TwoCurvatures) and problem.bounded is None
    if isinstance(method, Polyak) and unbounded:
        remedy = "the loss has no minimum; give bounded="
        raise NotAvailable("problem", problem, remedy)
