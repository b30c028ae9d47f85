"""sweep: a plane of problems and methods in one call."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Any

import numpy as np

from ...solvers.core.memory import check_fits
from ...solvers.core.runner import Crew
from ...theory.core.checks import choice, ensemble_size
from ...theory.core.dispatch import check_method, family
from ...theory.core.errors import Interrupted, InvalidInput, InvalidType
from ...theory.core.problem import Problem
from ...theory.core.time_grid import grid_size
from ...theory.core.warn import warn
from ...theory.methods import Method
from .axes import plane as plane_of
from .conduct import Study
from .result import Sweep


def sweep(
    problem: Problem,
    method: Method,
    over: Mapping[Any, Any],
    until: float | None = None,
    *,
    runs: int | None = None,
    seed: int | np.random.SeedSequence | None = None,
    store: str | os.PathLike[str] | None = None,
    shard: str | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
    progress: bool | None = None,
    on_interrupt: str = "return",
    **options: Any,
) -> Sweep:
    """Solve the limit, and simulate it where runs are asked for, in every cell of a plane.

    Parameters
    ----------
    problem : Problem
    method : Method
    over : dict
        Fields of the problem and the method by dotted paths, such as ``"rate"``, ``"threshold"``,
        ``"noise.scale"``, ``"covariance"``, and for each the values: a list, or a dict of names and
        values for laws, covariances and whole objects (``"method"`` and ``"problem"`` are paths
        too). A tuple of paths takes rows of values that go together.
    until : float, optional
        Last time, as of `solve`.
    runs : int, optional
        Simulated runs of each cell; by default none.
    seed : int or SeedSequence, optional
        Of the runs: run k of every cell draws from (entropy, spawn_key + (k,)).
    store : path-like, optional
        A folder that keeps what is finished. The same call goes on where a killed one stopped, and
        a call for more runs adds them. Another sweep is refused with the field that differs.
    shard : str, optional
        "i/n": do the i-th of n parts only, in a part of the store of its own; the call without
        ``shard`` takes what the parts have done.
    workers : int, optional
        Threads; by default one a processor that this process may use.
    executor : concurrent.futures.Executor or dask Client, optional
        Used in place of threads. No bit of the result depends on who computes it.
    progress : bool, optional
        A bar with the remaining time; None: on a terminal.
    on_interrupt : {"return", "raise"}
        After Ctrl-C: return what is done, with the rest marked "missing" and a warning; or raise
        `Interrupted` with it.
    **options
        ``limit``, ``times``, ``points`` and the options of the limit, as of `solve`. The risk ODE
        of streams is solved for many cells in one go, to ``rtol=1e-5`` unless it is given.

    Returns
    -------
    Sweep
        An xarray Dataset. A cell that diverges, fails or has no limit is marked in ``status`` with
        its ``reason``, and stops nothing.

    Raises
    ------
    InvalidInput, InvalidType
        A field that nothing has; a store that belongs to something else or is in use; more cells
        than memory.

    Examples
    --------
    >>> import limitlab as ll
    >>> problem = ll.LeastSquares(ll.isotropic(500), noise=ll.Gaussian(0.5))
    >>> plane = ll.sweep(problem, ll.SGD(0.5), {"rate": [0.25, 0.5, 1.0]}, until=8, points=9)
    >>> float(plane.best("risk").rate)
    0.5
    """
    if not isinstance(method, Method):
        check_method(method)
        remedy = 'give one method; several are values: over={"method": {"sgd": SGD(0.5), …}}'
        raise InvalidType("method", method, remedy)
    family(problem, method)
    choice("on_interrupt", on_interrupt, ("raise", "return"))
    for name in ("system", "modes"):
        if options.get(name):
            raise InvalidInput(name, options[name], "cells have none of their own; leave it out")
    spanned = plane_of(problem, method, over)
    cells = int(np.prod(spanned.shape))
    check_fits("over", cells, grid_size(options), 4)
    if runs is not None:
        runs = ensemble_size("runs", runs)
        check_fits("runs", runs, grid_size(options))
    crew = Crew(workers, executor, progress, "sweep", "piece", single=True)
    study = Study(spanned, until, options, runs, seed, crew)
    found, interrupted = study.conduct(store, _shard(shard, store))
    if interrupted and on_interrupt == "raise":
        raise Interrupted(found, cells - int(found.missing().sum()), cells)
    if interrupted:
        left = int(found.missing().sum())
        warn(f"interrupted: {left} of {cells} cells are missing, and marked so")
    return found


def _shard(text: str | None, store: Any) -> tuple[int, int] | None:
    """Read "i/n"."""
    if text is None:
        return None
    first, _, last = str(text).partition("/")
    if not (first.isdecimal() and last.isdecimal()) or not 1 <= int(first) <= int(last) <= 10**6:
        raise InvalidInput("shard", text, 'write "i/n" with i from 1 to n')
    if store is None:
        raise InvalidInput("shard", text, "a part is of use to others in a store; give store=")
    return int(first), int(last)
