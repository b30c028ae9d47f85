"""Many runs at once: in threads, or by any executor of concurrent.futures; with a bar and Ctrl-C.

What run k computes depends on k alone, so that threads, processes and their number change no bit.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed, wait
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from ...theory.core.checks import count
from ...theory.core.errors import Interrupted, InvalidType
from .blas import one_thread

Result = TypeVar("Result")

#: tasks that an executor gets, so that work with a large matrix is sent only so often
TASKS = 32


class Flag(Protocol):
    """Tells a run to stop (threading.Event)."""

    def is_set(self) -> bool: ...


def processors() -> int:
    """Processors that this process may use: those of its affinity mask, where there is one."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def check_executor(executor: Any) -> None:
    """Refuse what takes no tasks."""
    if executor is None:
        return
    if isinstance(executor, type) or not callable(getattr(executor, "submit", None)):
        remedy = "give an executor of concurrent.futures, such as ProcessPoolExecutor(), or None"
        raise InvalidType("executor", executor, remedy)


@dataclass(frozen=True)
class Crew:
    """Who does the runs, and how that is shown.

    Attributes
    ----------
    workers : int or None
        Threads; by default one a processor.
    executor : Executor or None
        Used in place of threads; processes need work that can be pickled.
    progress : bool or None
        Show a bar; None: on a terminal.
    title, unit : str
        Of the bar.
    single : bool
        Matrix products take one thread each.
    """

    workers: int | None = None
    executor: Executor | None = None
    progress: bool | None = False
    title: str = "runs"
    unit: str = "it"
    single: bool = False

    def __post_init__(self) -> None:
        check_executor(self.executor)
        if self.workers is not None:
            count("workers", self.workers)

    def each(self, work: Callable[[int], Result], runs: int) -> list[Result]:
        """Return [work(0), …, work(runs − 1)].

        Raises
        ------
        Interrupted
            Ctrl-C; with the results of the finished runs.
        """
        if runs == 1 and self.executor is None:
            return [result for _, result in _perform(_Deaf(work), (0,), None, self.single)]
        found, interrupted = self.finished(_Deaf(work), runs)
        if interrupted:
            raise Interrupted(found, len(found), runs)
        return found

    def finished(
        self, work: Callable[[int, Flag | None], Result | None], runs: int
    ) -> tuple[list[Result], bool]:
        """Return the results of the runs that finished, in order, and whether Ctrl-C ended them.

        Parameters
        ----------
        work : callable
            Takes the number of the run and a flag; returns None where the flag told it to stop.
        """
        if self.executor is not None:
            tasks = [range(i, runs, TASKS) for i in range(min(TASKS, runs))]
            send = self.executor.submit
            futures = [send(_perform, work, task, None, self.single) for task in tasks]
            interrupted = self._watch(futures, runs)
            return _in_order(futures), interrupted
        stop = threading.Event()
        wanted = self.workers or processors()
        with ThreadPoolExecutor(min(wanted, runs)) as pool:
            futures = [
                pool.submit(_perform, work, (run,), stop, self.single) for run in range(runs)
            ]
            try:
                interrupted = self._watch(futures, runs)
            finally:
                stop.set()
            wait(futures)
        return _in_order(futures), interrupted

    def _watch(self, futures: Sequence[Future[Any]], runs: int) -> bool:
        """Wait for the futures; return whether Ctrl-C came first, and drop what has not begun."""
        try:
            for future in self._with_bar(as_completed(futures), runs):
                future.result()  # an error of a run ends all of them
        except KeyboardInterrupt:
            return True
        finally:
            for future in futures:
                future.cancel()
        return False

    def _with_bar(self, futures: Iterable[Future[Any]], runs: int) -> Iterable[Future[Any]]:
        """The futures, with a bar that counts runs."""
        if self.progress is False:
            yield from futures
            return
        from tqdm import tqdm

        hidden = None if self.progress is None else False
        with tqdm(total=runs, desc=self.title, unit=self.unit, disable=hidden, leave=False) as bar:
            for future in futures:
                yield future
                if future.exception() is None:
                    bar.update(len(future.result()))


@dataclass(frozen=True)
class _Deaf:
    """Work that cannot be told to stop."""

    work: Callable[[int], Any]

    def __call__(self, number: int, stop: Flag | None) -> Any:
        return self.work(number)


def _perform(
    work: Callable[[int, Flag | None], Any],
    numbers: Iterable[int],
    stop: Flag | None,
    single: bool,
) -> list[tuple[int, Any]]:
    """Do the runs with these numbers until told to stop."""
    with one_thread() if single else nullcontext():
        found = [(number, work(number, stop)) for number in numbers]
    return [(number, result) for number, result in found if result is not None]


def _in_order(futures: Sequence[Future[list[tuple[int, Any]]]]) -> list[Any]:
    """The results of the futures that ended well, in the order of their runs."""
    done = [f for f in futures if f.done() and not f.cancelled() and f.exception() is None]
    pairs = [pair for future in done for pair in future.result()]
    return [result for _, result in sorted(pairs, key=lambda pair: pair[0])]
