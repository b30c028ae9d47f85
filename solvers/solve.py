"""solve: from a problem and a method to the curve of their limit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

from ..theory.core.dispatch import check_method, follow, many, module_of
from ..theory.core.problem import Problem
from ..theory.core.time_grid import grid_size
from ..theory.methods import Method
from .core.curve import Curve
from .core.limits import Limits
from .core.memory import check_fits


@overload
def solve(problem: Problem, method: Method, *args: Any, **options: Any) -> Curve: ...
@overload
def solve(
    problem: Problem, method: Sequence[Method], *args: Any, **options: Any
) -> list[Curve]: ...
def solve(problem: Problem, method: Any, until: float | None = None, **options: Any) -> Any:
    """Solve the limit of a method on a problem.

    Parameters
    ----------
    problem : Problem
    method : Method, or a list of them
    until : float, optional
        Last time: t = k/d for streaming problems, steps for finite data. May be left out where
        ``times`` is given.
    limit : str
        One of those that `limits` names for this problem and method.
    times, points : array_like, int
        Output times, or how many equal steps.
    **options
        ``system``, solved instead of the derived one, and the options of the limit: see `limits`.

    Returns
    -------
    Curve, or a list of one Curve a method

    Raises
    ------
    InvalidInput, NotAvailable, NoLimit, SolveFailed
        Bad input; a limit or an option that this problem does not have; no limit; a failed
        integration.

    Warns
    -----
    ValidityWarning
        The theory is used outside its range: with the size of the expected error. One warning a
        method; remarks on errors of 2 % or less are in ``provenance["remarks"]`` alone.

    Examples
    --------
    >>> import limitlab as ll
    >>> problem = ll.LeastSquares(ll.isotropic(100), ll.NoNoise())
    >>> theory = ll.solve(problem, ll.SGD(0.5), 2, points=3)
    >>> theory.time.tolist(), theory["risk"].round(4).tolist()
    ([0.0, 1.0, 2.0], [1.0, 0.4724, 0.2231])
    """
    several = many(method)
    check_fits("paths", options.get("paths"), grid_size(options))
    if several is not None:
        check_method(several)
        return [solve(problem, one, until, **options) for one in several]
    return follow(__package__, "solve", problem, method, until, **options)


def limits(problem: Problem, method: Method) -> Limits:
    """Return the limits that `solve` has for a problem and a method: words and options by name.

    Parameters
    ----------
    problem : Problem
    method : Method

    Returns
    -------
    dict of Limit
        With ``text`` and ``options``, a dict of Option with ``default`` and ``text``. The first
        limit is the default one, unless the problem decides.

    Raises
    ------
    InvalidInput, InvalidType, NotAvailable
        No problem or no method, or a pair that no theory covers.

    Examples
    --------
    >>> import limitlab as ll
    >>> list(ll.limits(ll.TwoEigenvalueModel(0.01, 0.2), ll.GradientDescent(1.0)))
    ['map', 'averaged', 'flow']
    """
    found: Limits = module_of(__package__, "solve", problem, method).LIMITS
    return found
