"""Many runs at once: threads, or any executor of concurrent.futures."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from typing import Any

import numpy as np

from ....theory.core.checks import count
from ....theory.core.errors import InvalidType
from ..streaming.engine import Flag, Shared, Together
from .blas import one_thread

#: tasks that an executor gets, so that an engine with a large matrix is sent only so often
TASKS = 32


def perform(
    machine: Together,
    parent: np.random.SeedSequence,
    numbers: Sequence[int],
    stop: Flag | None = None,
) -> list[Shared]:
    """Do the runs with these numbers, in order, until told to stop."""
    with one_thread():
        outcomes = [machine.run(number, parent, stop) for number in numbers]
    return [outcome for outcome in outcomes if outcome is not None]


def default_workers() -> int:
    """Processors that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def check_executor(executor: Any) -> None:
    """Refuse what takes no tasks."""
    if executor is not None and not callable(getattr(executor, "submit", None)):
        remedy = "give an executor of concurrent.futures, such as ProcessPoolExecutor(), or None"
        raise InvalidType("executor", executor, remedy)


def execute(
    machine: Together,
    parent: np.random.SeedSequence,
    runs: int,
    workers: int | None,
    executor: Executor | None,
    progress: bool | None,
) -> tuple[list[Shared], bool]:
    """Do all runs.

    Returns
    -------
    outcomes : list of Shared
        In the order of their numbers; fewer than `runs` after Ctrl-C.
    interrupted : bool
    """
    machine.prepare()
    if executor is not None:
        tasks = [range(i, runs, TASKS) for i in range(min(TASKS, runs))]
        futures = [executor.submit(perform, machine, parent, task) for task in tasks]
        return _collect(futures, runs, progress, None)
    stop = threading.Event()
    wanted = default_workers() if workers is None else count("workers", workers)
    with ThreadPoolExecutor(min(wanted, runs)) as pool:
        futures = [pool.submit(perform, machine, parent, (run,), stop) for run in range(runs)]
        return _collect(futures, runs, progress, stop)


def _collect(
    futures: list[Future[list[Shared]]],
    runs: int,
    progress: bool | None,
    stop: threading.Event | None,
) -> tuple[list[Shared], bool]:
    interrupted = False
    try:
        for future in _with_bar(as_completed(futures), runs, progress):
            future.result()  # an error of a run ends the ensemble
    except KeyboardInterrupt:
        interrupted = True
    finally:
        if stop is not None:
            stop.set()
        for future in futures:
            future.cancel()
    done = [f for f in futures if f.done() and not f.cancelled() and f.exception() is None]
    outcomes = [outcome for future in done for outcome in future.result()]
    return sorted(outcomes, key=lambda outcome: outcome.run), interrupted


def _with_bar(futures: Iterable[Any], runs: int, progress: bool | None) -> Iterable[Any]:
    """The futures, with a bar that counts runs (None: only on a terminal)."""
    from tqdm import tqdm

    hidden = None if progress is None else not progress
    with tqdm(total=runs, desc="simulate", unit="run", disable=hidden, leave=False) as bar:
        for future in futures:
            yield future
            if future.exception() is None:
                bar.update(len(future.result()))
