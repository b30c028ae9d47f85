r"""Both parts of the Hessian of one unit at given order parameters.

In the span of w and w* the Hessian is a matrix of two rows; in each of the other
:math:`d-2` directions it is :math:`c_1`, and its Gauss–Newton part is :math:`\gamma`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.errors import InvalidType
from ...theory.core.numeric import numeric
from ...theory.hessian.problem import SingleIndex
from ...theory.hessian.step import Q, R, T, loss_of

Array = NDArray[np.float64]


@dataclass(frozen=True)
class HessianParts:
    """Loss, gradient and Hessian of one unit.

    Attributes
    ----------
    loss : float
    gradient : (2,) array
        On w and on w*.
    hessian, gauss_newton, neglected : float
        Curvature of a direction outside the span: traces per dimension as d → ∞. The third is the
        difference of the first two.
    span, span_gauss_newton : (2, 2) arrays
        What the matrices make of w and of w* (columns), on w and on w* (rows).
    """

    loss: float
    gradient: Array
    hessian: float
    gauss_newton: float
    span: Array
    span_gauss_newton: Array

    @property
    def neglected(self) -> float:
        return self.hessian - self.gauss_newton

    @property
    def eigenvalues(self) -> Array:
        """Of the whole Hessian in the span, ascending."""
        return np.sort(np.linalg.eigvals(self.span).real)


def evaluated(problem: SingleIndex, expression: Any) -> float:
    """An expression in Q, R, T and the symbols of the activation, as a number."""
    symbols = problem.activation.symbols
    function = numeric((Q, R, T, *symbols), expression)
    with np.errstate(divide="ignore", invalid="ignore"):
        order = (np.float64(x) for x in (*problem.order, problem.teacher))
        return float(function(*order, *symbols.values()))


def hessian_parts(problem: SingleIndex) -> HessianParts:
    """Return loss, gradient and Hessian of one unit at the start of a problem.

    Parameters
    ----------
    problem : SingleIndex

    Returns
    -------
    HessianParts

    Raises
    ------
    InvalidType
        Another problem.

    Examples
    --------
    >>> import limitlab as ll
    >>> found = ll.hessian_parts(ll.SingleIndex(100, norm=0.8, overlap=0.3))
    >>> round(found.loss, 6), round(found.neglected, 6)
    (0.226059, -0.086724)
    """
    if not isinstance(problem, SingleIndex):
        raise InvalidType("problem", problem, "give a SingleIndex")
    loss = loss_of(problem.activation)
    columns = [
        [[evaluated(problem, x) for x in loss.hessian_times(v, part)] for v in ((1, 0), (0, 1))]
        for part in ("full", "gauss-newton")
    ]
    span, span_gauss_newton = (np.array(c).T for c in columns)
    gradient = np.array([evaluated(problem, c) for c in loss.gradient])
    return HessianParts(
        evaluated(problem, loss.value),
        gradient,
        float(gradient[0]),
        evaluated(problem, loss.gauss_newton),
        span,
        span_gauss_newton,
    )
