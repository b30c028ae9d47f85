"""derive for EquilibriumNetwork."""

from __future__ import annotations

from typing import Any

from ..core.checks import choice
from ..core.derivation import Derivation
from ..core.errors import InvalidType, NotAvailable
from ..methods.base import Method
from ..methods.fixed_point import FixedPointIteration
from .problem import EquilibriumNetwork
from .site import site_theory
from .transforms import linear_theory

LIMITS = ("two-time", "linear")


def derive(problem: EquilibriumNetwork, method: Method, *, limit: str = "two-time") -> Derivation:
    """Derive the effective site of a random equilibrium network; the same for every number.

    Parameters
    ----------
    problem : EquilibriumNetwork
    method : FixedPointIteration
    limit : {"two-time", "linear"}
        The site, static and in time; or the moments of a linear network from the resolvent.

    Returns
    -------
    Derivation
    """
    choice("limit", limit, LIMITS)
    check(problem, method)
    if limit == "linear":
        return linear_theory(problem.kind)
    return site_theory(problem.kind, problem.activation)


def check(problem: Any, method: Any) -> None:
    """Refuse what is no iteration."""
    if not isinstance(problem, EquilibriumNetwork):
        raise InvalidType("problem", problem, "give an EquilibriumNetwork")
    if not isinstance(method, FixedPointIteration):
        raise NotAvailable("method", method, "an equilibrium network has FixedPointIteration(rate)")
