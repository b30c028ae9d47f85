"""simulate: the finite algorithm itself, as often as asked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, overload

from ...solvers.core.curve import Curve
from ...solvers.core.memory import check_fits
from ...theory.core.checks import choice
from ...theory.core.dispatch import follow
from ...theory.core.errors import Interrupted
from ...theory.core.problem import Problem
from ...theory.core.time_grid import grid_size
from ...theory.core.warn import warn
from ...theory.methods import Method
from .kept import simulate_kept


@overload
def simulate(problem: Problem, method: Method, *args: Any, **options: Any) -> Curve: ...
@overload
def simulate(
    problem: Problem, method: Sequence[Method], *args: Any, **options: Any
) -> list[Curve]: ...
def simulate(
    problem: Problem,
    method: Any,
    until: float | None = None,
    *,
    on_interrupt: str = "raise",
    store: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Any:
    """Run the algorithm at finite size and record what it does.

    Parameters
    ----------
    problem : Problem
    method : Method, or a list of them for streaming problems
    until : float, optional
        Last time: t = k/d for streaming problems, steps for finite data. May be left out where
        ``times`` is given.
    runs : int
        Independent runs. Run k draws from (entropy, spawn_key + (k,)), whatever else runs.
    seed : int or SeedSequence, optional
    times, points, workers, progress
        As in `solve`; threads change no bit of the result.
    on_interrupt : {"raise", "return"}
        After Ctrl-C: raise `Interrupted`, a KeyboardInterrupt whose ``partial`` is the curve of the
        finished runs, or return that curve with a warning.
    store : path-like, optional
        A folder that keeps the runs: the call sees to it that as many as asked for exist, does the
        missing ones, and goes on where a killed one stopped. It belongs to one problem, method,
        seed and grid; another number of runs is no other study.
    **options
        What the family takes beside: see the function ``simulate`` of its folder.

    Returns
    -------
    Curve, or a list of one Curve a method
        Kind "simulation": mean, spread and every run.

    Raises
    ------
    Interrupted
        Ctrl-C.
    InvalidInput, NotAvailable, SolveFailed
        Bad input; what this problem does not have; a run that diverged; more runs than memory; a
        store that belongs to something else (with the field), or that another process writes to.

    Warns
    -----
    ValidityWarning
        Steps too coarse for the limit; very many steps; finite data of which runs diverged;
        interrupted by Ctrl-C where the finished runs are returned.

    Examples
    --------
    >>> import limitlab as ll
    >>> problem = ll.LeastSquares(ll.isotropic(1000), ll.NoNoise())
    >>> runs = ll.simulate(problem, ll.SGD(0.5), 0.01, points=3, runs=4, seed=1)
    >>> runs.runs, runs.steps.tolist()
    (4, [0, 5, 10])
    """
    choice("on_interrupt", on_interrupt, ("raise", "return"))
    check_fits("runs", options.get("runs"), grid_size(options))
    try:
        if store is not None:
            return simulate_kept(store, problem, method, until, options)
        return follow(__package__, "simulate", problem, method, until, **options)
    except Interrupted as stop:
        if on_interrupt == "raise" or not stop.partial:
            raise
        warn(f"interrupted: the curve holds the {stop.done} finished of {stop.runs} runs")
        return stop.partial
