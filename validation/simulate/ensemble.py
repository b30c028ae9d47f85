"""simulate: the finite algorithm itself, as often as asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

from ...solvers.curve import Curve
from ...theory.methods import Method
from ...theory.problems import follow

ROADS = {
    "streaming": ".streaming:simulate_streaming",
    "adam": ".adam:simulate_adam",
    "linear": ".sharpening.linear:simulate_linear",
    "quadratic": ".sharpening.quadratic:simulate_quadratic",
    "two_eigenvalues": ".sharpening.two_eigenvalues:simulate_two_eigenvalues",
}


@overload
def simulate(problem: Any, method: Method, *args: Any, **options: Any) -> Curve: ...
@overload
def simulate(problem: Any, method: Sequence[Method], *args: Any, **options: Any) -> list[Curve]: ...
def simulate(problem: Any, method: Any, until: float | None = None, **options: Any) -> Any:
    """Run the algorithm at finite size and record what it does.

    Parameters
    ----------
    problem : LeastSquares, LinearModel, QuadraticRegression or TwoEigenvalueModel
    method : Method, or a list of them for streaming problems
    until : float, optional
        Last time: t = k/d for streaming problems, steps for finite data. May be left out where
        ``times`` is given.
    runs : int
        Independent runs. Run k draws from (entropy, spawn_key + (k,)), whatever else runs.
    seed : int or SeedSequence, optional
    times, points, workers, progress
        As in `solve`; threads change no bit of the result.
    **options
        What the family takes beside: :func:`limitlab.validation.simulate.streaming`
        (``engine``, ``rows``, ``targets``, ``paired``, ``executor``) and, for finite data, the
        functions of :mod:`limitlab.validation.simulate.sharpening`.

    Returns
    -------
    Curve, or a list of one Curve a method
        Kind "simulation": mean, spread and every run.

    Raises
    ------
    InvalidInput, NotAvailable, SolveFailed
        Bad input; what this problem does not have; a run that diverged.

    Warns
    -----
    ValidityWarning
        Steps too coarse for the limit; very many steps; interrupted by Ctrl-C, in which case
        the finished runs are returned.
    """
    return follow(ROADS, __package__, problem, method, until, **options)
