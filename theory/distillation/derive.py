"""derive for BlockwiseDistillation."""

from __future__ import annotations

from typing import Any

from ..core.errors import InvalidType, NotAvailable
from ..methods.base import Method
from ..methods.gradient_descent import GradientDescent
from ..methods.sgd import SGD
from .closed import closed_theory
from .matrices import matrix_theory
from .modes import mode_theory
from .problem import BlockwiseDistillation

POPULATION = ("flow", "map", "closed", "matrices")
LIMITS = (*POPULATION, "sde")


def derive(problem: BlockwiseDistillation, method: Method, *, limit: str | None = None) -> Any:
    """Derive how a deep linear student learns; the same for every value of the numbers.

    Parameters
    ----------
    problem : BlockwiseDistillation
    method : GradientDescent or SGD
    limit : str, optional
        "flow" (the default of descent) and "map": the strengths of the layers, mode by mode;
        "closed": courses and plateaus in closed form; "matrices": any start; "sde" (SGD, and its
        default): the matrices with the noise of batches.

    Returns
    -------
    Map, or Derivation

    Raises
    ------
    NotAvailable
        Another method, momentum, a schedule; batches without "sde", and "sde" without batches.
    """
    limit = check(problem, method, limit)
    if limit in ("flow", "map"):
        return mode_theory(problem.blocks, limit)
    return closed_theory() if limit == "closed" else matrix_theory()


def check(problem: Any, method: Method, limit: str | None = None) -> str:
    """Refuse what has no theory here, and return the limit."""
    if not isinstance(problem, BlockwiseDistillation):
        raise InvalidType("problem", problem, "give a BlockwiseDistillation")
    if not isinstance(method, GradientDescent | SGD):
        remedy = "give GradientDescent(rate) or SGD(rate, batch=b)"
        raise NotAvailable("method", method, remedy)
    if getattr(method.rate, "free_symbols", None):
        raise NotAvailable("rate", method.rate, "the theory has one rate; give a number")
    for field in method.remembered:
        raise NotAvailable(field, getattr(method, field), "it is derived without; leave it out")
    drawn = isinstance(method, SGD)
    if not drawn and method.batch > 1:
        raise NotAvailable("batch", method.batch, "descends on the population; use SGD")
    if isinstance(method, SGD) and method.sampling is not None:
        raise NotAvailable("sampling", method.sampling, "every sample is fresh; leave it out")
    if limit is None:
        return "sde" if drawn else POPULATION[0]
    if limit not in LIMITS:
        raise NotAvailable("limit", limit, f"use one of {', '.join(LIMITS)}")
    if drawn != (limit == "sde"):
        remedy = (
            'batches have limit="sde"; take GradientDescent(rate) for the population'
            if drawn
            else f"descent on the population draws nothing; use {', '.join(POPULATION)}, or SGD"
        )
        raise NotAvailable("limit", limit, remedy)
    return limit


def check_aligned(problem: BlockwiseDistillation, limit: str) -> None:
    """Refuse modes of a student that does not start in the frames of the teacher."""
    if not problem.aligned:
        remedy = (
            f'is not diagonal in the frames of the teacher, so that its modes mix: limit="{limit}" '
            'has no meaning; use limit="matrices", or SGD with "sde"'
        )
        raise NotAvailable("start", problem.start, remedy)
