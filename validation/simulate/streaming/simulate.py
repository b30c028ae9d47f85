"""The finite-dimensional algorithm itself, as often as asked.

Streaming least squares: step size rate(k/d)/d at step k, time t = k/d, `batch` fresh samples a
step. In samples the time axis is batch * t.
"""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Any

import numpy as np

from ....solvers.core import random
from ....solvers.core.curve import Curve
from ....solvers.core.runner import Crew
from ....theory.core.checks import ensemble_size
from ....theory.core.errors import Interrupted
from ....theory.core.time_grid import time_grid
from ....theory.schedules.schedule import check_schedules
from ....theory.streaming.problem import LeastSquares
from . import checks
from .ensemble import Request

#: runs that decide the example of the README: see `compare`
DECIDING = 600
#: label of the streams of the second and later methods of a list; no run has this number
METHODS = 2**32 - 1


def simulate(
    problem: LeastSquares,
    method: Any,
    until: float | None = None,
    *,
    times: Any = None,
    points: int = 101,
    runs: int = DECIDING,
    seed: int | np.random.SeedSequence | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
    progress: bool | None = None,
    rows: Any = None,
    targets: Any = None,
    engine: str | None = None,
    paired: bool = False,
) -> Curve | list[Curve]:
    """Run the algorithm in dimension d and record its excess risk.

    Parameters
    ----------
    problem : LeastSquares
        Of finite dimension.
    method : Method or list of Method
        A step takes ``batch`` fresh samples: the rule acts on each of them and the mean is taken
        (residual rules, ``clip="per-sample"``, ``aggregate="mean-of-signs"``), on their mean
        gradient (``clip="mean"``, ``"sign-of-mean"``), or on both (``"majority-vote"``).
    until : float, optional
        Last time t = k/d; may be left out where `times` is given.
    times, points : array_like, int
        Output times, or how many equally spaced ones. They are rounded to k/d; the curve holds
        the rounded ones, each once.
    runs : int
        Independent runs; the default decides usual problems. Run k draws from
        (entropy, spawn_key + (k,)), whatever else runs.
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
        methods; not where every sample of a batch is clipped). Chosen by itself.
    paired : bool
        For a list: every method sees the same samples and the same label noise, run by run. Each
        curve alone has the law that it has unpaired, but their errors are dependent: compare
        them with `paired_difference`, never as independent error bars. Without it the methods
        draw from different streams; the first one from that of a call with it alone.

    Returns
    -------
    Curve, or a list of one Curve a method
        Kind "simulation": mean, spread and every run of ``risk``, and of ``loss`` where the
        noise has a variance.

    Raises
    ------
    InvalidInput, NotAvailable
        Bad input; an infinite dimension; unequal batches paired.
    SolveFailed
        A run diverged.

    Warns
    -----
    ValidityWarning
        Steps too coarse for the limit; very many steps.
    """
    several = isinstance(method, list | tuple)
    methods = checks.methods(method, paired)
    for one in methods:
        checks.check_pair(problem, one)
    crew = Crew(workers, executor, progress, "simulate", "run", single=True)
    runs = ensemble_size("runs", runs)
    sequence = random.seed_sequence(seed)
    grid = time_grid(until, times, points)
    for one in methods:
        check_schedules(one, float(grid[-1]))
        checks.warn_of_coarse_steps(problem, one, float(grid[-1]))
    ask = Request(problem, grid, runs, crew, rows, targets, engine)
    if paired:
        checks.check_equal_batches(methods)
        return ask.curves(methods, sequence)
    curves: list[Curve] = []
    for i, one in enumerate(methods):
        try:
            curves += ask.curves([one], _own(sequence, i))
        except Interrupted as stop:
            finished = [*curves, *(stop.partial or ())]
            partial = finished if several else next(iter(finished), None)
            raise Interrupted(partial, stop.done, stop.runs) from None
    return curves if several else curves[0]


def _own(sequence: np.random.SeedSequence, i: int) -> np.random.SeedSequence:
    """The seed of the i-th method of an unpaired list."""
    return sequence if i == 0 else random.child(sequence, METHODS, i)
