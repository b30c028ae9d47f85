"""The edge of stability of SAM, and the 2-cycle of the normalised one: numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.checks import number, positive, reals
from ...theory.core.errors import InvalidInput
from ...theory.sam import edge as derived

Array = NDArray[np.float64]


def sam_edge(rate: Any, radius: Any, gradient: Any = None) -> Any:
    """Return the sharpness at which SAM loses its stability: rate · s (1 + radius · s) = 2.

    Every minimum to which SAM converges is below it; 2/rate is that of gradient descent.

    Parameters
    ----------
    rate : float or array_like
        > 0.
    radius : float or array_like
        >= 0.
    gradient : float or array_like, optional
        |∇L| > 0, for normalised SAM: its reach is radius/|∇L|.

    Returns
    -------
    float or array

    Raises
    ------
    InvalidInput
        A rate that is not positive; a negative radius; a gradient of 0.

    Examples
    --------
    >>> import limitlab as ll
    >>> round(ll.sam_edge(0.5, 0.1), 7)
    3.0622577
    """
    formula = derived.edge().functions[str(derived.critical)]
    return _number(formula(eta=_positive("rate", rate), rho=_reach(radius, gradient)))


def sam_product(rate: Any, radius: Any, sharpness: Any, gradient: Any = None) -> Any:
    """Return rate · s (1 + radius · s), which is 2 at the edge; normalised where |∇L| is given."""
    formula = derived.edge().functions[str(derived.product)]
    s = np.asarray(sharpness, dtype=float)
    return _number(formula(eta=_positive("rate", rate), rho=_reach(radius, gradient), s=s))


def sam_cycle(rate: float, radius: float, sharpness: float) -> tuple[float, float]:
    """Return the distance from the minimum, and |∇L|, of the 2-cycle of normalised SAM.

    On a quadratic of this sharpness; normalised SAM never comes to rest.

    Raises
    ------
    InvalidInput
        rate · sharpness >= 2: beyond the edge of gradient descent there is no cycle.

    Examples
    --------
    >>> import limitlab as ll
    >>> round(ll.sam_cycle(0.5, 0.1, 1.0)[0], 9)
    0.033333333
    """
    numbers = {
        "eta": positive("rate", rate),
        "rho": float(_reach(number("radius", radius), None)),
        "s": positive("sharpness", sharpness),
    }
    if numbers["eta"] * numbers["s"] >= 2:
        raise InvalidInput("sharpness", sharpness, "give rate · sharpness < 2: no cycle beyond it")
    f = derived.edge().functions
    return float(f[str(derived.cycle)](**numbers)), float(f[str(derived.cycle_gradient)](**numbers))


def _reach(radius: Any, gradient: Any) -> Array:
    given = _numbers("radius", radius)
    if np.any(given < 0):
        raise InvalidInput("radius", radius, "give numbers >= 0")
    return given if gradient is None else given / _positive("gradient", gradient)


def _positive(field: str, values: Any) -> Array:
    given = _numbers(field, values)
    if np.any(given <= 0):
        raise InvalidInput(field, values, "give numbers > 0")
    return given


def _numbers(field: str, values: Any) -> Array:
    given = reals(field, values, "give a number, or an array of numbers")
    if given.size == 0:
        raise InvalidInput(field, values, "is empty; give at least one value")
    if not np.all(np.isfinite(given)):
        raise InvalidInput(field, values, "give finite numbers")
    return given


def _number(values: Any) -> Any:
    return float(values) if np.ndim(values) == 0 else values
