"""derive: from a problem and a method to the symbolic system of their limit."""

from __future__ import annotations

from typing import Any

from .core.dispatch import follow
from .core.errors import InvalidType
from .core.problem import Problem
from .methods.base import Method


def derive(problem: Problem, method: Method, **options: Any) -> Any:
    r"""Derive the limit of ``method`` on ``problem``.

    Parameters
    ----------
    problem : Problem
    method : Method

    Returns
    -------
    System
        Symbolic; the same for every value of the numbers (of the same sign). For finite data the
        derivation of that model, with the same ``latex()``, ``explain()`` and ``steps``.

    Raises
    ------
    NoLimit
        Noise of infinite variance under a rule that is not bounded.
    NotAvailable
        A limit that this problem and method do not have.

    Examples
    --------
    >>> import limitlab as ll
    >>> system = ll.derive(ll.LeastSquares(ll.isotropic(100), ll.Gaussian(0.5)), ll.SGD(0.5))
    >>> print(system.latex().partition(" = ")[0])
    \dot{y}_{i}
    """
    if isinstance(method, list | tuple):
        raise InvalidType("method", method, "derive one method at a time")
    return follow(__package__, "derive", problem, method, **options)
