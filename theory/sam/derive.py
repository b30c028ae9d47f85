"""derive for SAM."""

from __future__ import annotations

from typing import Any

from ..core.checks import choice
from ..core.errors import NotAvailable
from ..methods.sam import SAM
from ..methods.sampling import batches_of
from ..second_order.problem import QuadraticRegression
from ..two_eigenvalues.problem import TwoEigenvalueModel
from . import regression, sde, two_eigenvalues

LIMITS = ("map", "flow", "sde")


def derive(
    problem: QuadraticRegression | TwoEigenvalueModel, method: SAM, *, limit: str = "map"
) -> Any:
    """Derive the motion under SAM; the same for every value of the numbers.

    Parameters
    ----------
    problem : QuadraticRegression or TwoEigenvalueModel
    method : SAM
    limit : {"map", "flow", "sde"}

    Returns
    -------
    Map, or Derivation
        The exact map of (z, J) for any curvature Q, or that of (z, T); the flow is the first
        order in the step size: what its states become is their velocity. The SDE, of batches on
        second-order regression, is a step of a path. Edge and 2-cycle are in ``edge``, the first
        step averaged over Q in ``early_time``.
    """
    if choice("limit", limit, LIMITS) == "sde":
        return _noisy(problem, method)
    flowing = limit == "flow"
    if isinstance(problem, TwoEigenvalueModel):
        batches_of(method, 1)
        if not flowing:
            return two_eigenvalues.closed_map(method.normalised)
        if method.normalised:
            raise NotAvailable("normalised", True, 'use limit="map": the flow is derived without')
        return two_eigenvalues.flow()
    batched = not batches_of(method, problem.data).full
    if not flowing:
        return regression.recursion(batched, method.normalised)
    if batched:
        raise NotAvailable("batch", method.batch, 'the limit "flow" is of all data; leave it out')
    return regression.velocity(method.normalised)


def _noisy(problem: QuadraticRegression | TwoEigenvalueModel, method: SAM) -> Any:
    if isinstance(problem, TwoEigenvalueModel):
        raise NotAvailable("limit", "sde", 'one example has no batches; use limit="map"')
    if batches_of(method, problem.data).full:
        raise NotAvailable("batch", method.batch, 'the SDE is of batches; use limit="flow"')
    if method.normalised:
        raise NotAvailable("normalised", True, 'use limit="map": the SDE is derived without')
    return sde.paths()
