r"""Where weight noise, and the penalties that truncate it, put one unit.

On the aligned line :math:`w=rw_*` with the squared length :math:`s^2=\sigma^2d` of the noise:

.. math:: \ell(r^2T+s^2,rT),\qquad \ell+\tfrac{s^2}2\,\mathbb E\,\Omega,\qquad
          \ell+\tfrac{s^2}2\,\mathbb E\,\varphi'^2 .

The trace of the Hessian is the derivative of the first in :math:`s^2` at 0, and no more: as the
penalty grows its minimum drops towards 0, where the noise itself shrinks r mildly. Derived here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.checks import choice, number, positive
from ...theory.core.errors import InvalidInput
from ...theory.core.numeric import numeric
from ...theory.hessian.step import Q, R, T, loss_of
from ...theory.methods.weight_noise import OBJECTIVES

Array = NDArray[np.float64]

#: spacing and end of the grid of r on which minima are told apart
_SPACING, _LARGEST = 1e-3, 1.2
#: r of the best minimum below which the unit is lost
_COLLAPSED = 0.5


@dataclass(frozen=True)
class PenalisedMinima:
    """The local minima of an objective on w = r w*.

    Attributes
    ----------
    positions : (n,) array
        r, the best first; 0 where the objective falls towards the end of the line.
    values : (n,) array
        The objective there.
    """

    positions: Array
    values: Array

    @property
    def best(self) -> float:
        """r of the lowest minimum."""
        return float(self.positions[0])

    @property
    def collapsed(self) -> bool:
        """Whether the lowest minimum has lost half of the unit: r < 0.5."""
        return self.best < _COLLAPSED


def penalised_minima(
    activation: Any, variance: float, objective: str = "exact", *, teacher: float = 1.0
) -> PenalisedMinima:
    """Return every local minimum of a noisy or penalised loss on w = r w*, 0 <= r <= 1.2.

    Parameters
    ----------
    activation : GELU or ReLU
    variance : float
        s² = σ²d >= 0.
    objective : {"exact", "hessian", "gauss-newton"}
        The noisy loss, or the loss with a penalty on a trace.
    teacher : float
        T > 0.

    Returns
    -------
    PenalisedMinima

    Raises
    ------
    InvalidInput, InvalidType
        A negative variance; a teacher that is not positive; another objective.
    NotAvailable
        An activation without a kernel in closed form.

    Examples
    --------
    >>> import limitlab as ll
    >>> found = ll.penalised_minima(ll.GELU(), 0.2)
    >>> 0.9 < found.best < 1, found.collapsed
    (True, False)
    """
    from scipy.optimize import minimize_scalar

    s2, size = number("variance", variance), positive("teacher", teacher)
    if s2 < 0:
        raise InvalidInput("variance", variance, "give a number >= 0")
    at = _objective(activation, s2, choice("objective", objective, OBJECTIVES), size)
    grid = np.arange(_SPACING, _LARGEST + _SPACING / 2, _SPACING)
    values = at(grid)
    inner = np.flatnonzero((values[1:-1] < values[:-2]) & (values[1:-1] <= values[2:])) + 1
    found = []
    for place in inner:
        low, high = grid[place - 1], grid[place + 1]
        end = minimize_scalar(at, bounds=(low, high), method="bounded", options={"xatol": 1e-10})
        found.append((float(end.fun), float(end.x)))
    if values[0] <= values[1]:
        found.append((float(values[0]), 0.0))
    values, positions = np.array(sorted(found)).T
    return PenalisedMinima(positions, values)


def _objective(activation: Any, s2: float, objective: str, size: float) -> Any:
    """The objective as a function of r."""
    loss, symbols = loss_of(activation), activation.symbols
    form = loss.value
    if objective != "exact":
        trace = loss.gradient[0] if objective == "hessian" else loss.gauss_newton
        form = form + s2 / 2 * trace
    function = numeric((Q, R, T, *symbols), form)
    shift = s2 if objective == "exact" else 0.0

    def at(r: Any) -> Any:
        return function(r**2 * size + shift, r * size, size, *symbols.values())

    return at
