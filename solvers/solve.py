"""solve: from a problem and a method to the curve of their limit."""

from __future__ import annotations

from typing import Any

from ..theory.core.dispatch import follow
from .core.curve import Curve


def solve(problem: Any, method: Any, until: float | None = None, **options: Any) -> Curve:
    """Solve the limit of a method on a problem.

    Parameters
    ----------
    problem : LeastSquares, LinearModel, QuadraticRegression or TwoEigenvalueModel
    method : Method
    until : float, optional
        Last time: t = k/d for streaming problems, steps for finite data. May be left out where
        ``times`` is given.
    limit : str
        LeastSquares: "ode" (default), "fluctuations", "sde", "volterra", "exact".
        LinearModel: "exact" (default up to 300 residuals), "closure", "volterra", "ode", "sde".
        QuadraticRegression: "fixed-data" (default), "proportional", "flow", "sde".
        TwoEigenvalueModel: "map" (default), "averaged", "flow".
    times, points : array_like, int
        Output times, or how many equal steps.
    **options
        What the family takes beside: see the function ``solve`` of its folder.

    Returns
    -------
    Curve

    Raises
    ------
    InvalidInput, NotAvailable, NoLimit, SolveFailed
        Bad input; a limit or an option that this problem does not have; no limit; a failed
        integration.

    Warns
    -----
    ValidityWarning
        The theory is used outside its range: with the size of the expected error.
    """
    return follow(__package__, "solve", problem, method, until, **options)
