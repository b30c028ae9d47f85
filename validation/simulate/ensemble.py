"""simulate: the finite-dimensional algorithm itself, as often as asked.

Streaming least squares: step size rate(k/d)/d at step k, time t = k/d, one fresh sample a step.
"""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Any

import numpy as np

from ...solvers import random
from ...solvers.curve import Curve
from ...theory.checks import count
from ...theory.errors import InvalidInput, NotAvailable
from ...theory.time_grid import time_grid
from . import checks, result
from .choose import choose
from .engine import Engine
from .execute import execute
from .lowering import Lowered, lower
from .rows import row_stream


def simulate(
    problem: Any,
    method: Any,
    until: float | None = None,
    *,
    times: Any = None,
    points: int = 101,
    runs: int = 64,
    seed: int | np.random.SeedSequence | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
    progress: bool | None = None,
    rows: Any = None,
    targets: Any = None,
    engine: str | None = None,
) -> Curve:
    """Run the algorithm in dimension d and record its excess risk.

    Parameters
    ----------
    problem : LeastSquares
        Of finite dimension.
    method : Method
        With ``batch=1``.
    until : float, optional
        Last time t = k/d; may be left out where `times` is given.
    times, points : array_like, int
        Output times, or how many equally spaced ones. They are rounded to k/d; the curve holds
        the rounded ones, each once.
    runs : int
        Independent runs. Run k draws from (entropy, spawn_key + (k,)), whatever else runs.
    seed : int or SeedSequence, optional
        A SeedSequence is not changed. None draws a fresh one; the provenance tells which.
    workers : int, optional
        Threads; the results are equal to the bit for any number.
    executor : concurrent.futures.Executor, optional
        Used in place of threads; processes need a problem and a method that can be pickled.
    progress : bool, optional
        None shows a bar only on a terminal.
    rows, targets : (n, d) and (n,) array_like, optional
        Stream these rows, drawn with replacement, in place of Gaussian inputs; the start is the
        least squares solution on the rows plus the problem's start.
    engine : {"chain", "vector"}, optional
        "chain": one number a distinct eigenvalue, exact in law for any d (residual and norm
        methods). Chosen by itself.

    Returns
    -------
    Curve
        Kind "simulation": mean, spread and every run of ``risk``, and of ``loss`` where the
        noise has a variance.

    Raises
    ------
    InvalidInput, NotAvailable
        Bad input; an infinite dimension; a batch above 1.
    SolveFailed
        A run diverged.

    Warns
    -----
    ValidityWarning
        Steps too coarse for the limit; very many steps; interrupted by Ctrl-C, in which case
        the finished runs are returned.
    """
    checks.check_pair(problem, method)
    runs = count("runs", runs)
    sequence = random.seed_sequence(seed)
    grid = time_grid(until, times, points)
    checks.check_schedules(method, float(grid[-1]))
    machine = _engine(problem, lower(method), grid, rows, targets, engine)
    checks.warn_of_coarse_steps(problem, method, float(grid[-1]))
    checks.warn_of_many_steps(machine, runs)
    outcomes, interrupted = execute(machine, sequence, runs, workers, executor, progress)
    if interrupted and not outcomes:
        raise KeyboardInterrupt
    result.refuse_divergence(outcomes, machine, method)
    if interrupted:
        result.warn_of_interruption(len(outcomes), runs)
    origin = result.provenance(problem, method, machine, sequence, grid)
    origin |= {"runs": len(outcomes), "interrupted": interrupted}
    return result.to_curve(outcomes, machine, problem, method, origin)


def _engine(
    problem: Any, lowered: Lowered, grid: np.ndarray, rows: Any, targets: Any, engine: str | None
) -> Engine:
    d = problem.dimension
    if np.isinf(d):
        remedy = "a spectral density has no finite algorithm; give a covariance of finite d"
        raise NotAvailable("covariance", problem.covariance, remedy)
    record = result.recorded_steps(grid, d)
    if record[-1] == 0:
        remedy = f"the last time is below one step, 1/d = {1 / d:.3g}; give a later one"
        raise InvalidInput("until", float(grid[-1]), remedy)
    if rows is None and targets is None:
        return choose(problem, lowered, record, engine)
    if engine is not None:
        raise NotAvailable("engine", engine, "rows are streamed by their own engine; leave it out")
    return row_stream(problem, lowered, record, rows, targets)
