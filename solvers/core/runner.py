"""Many runs at once: in threads, or by any executor of concurrent.futures; with a bar and Ctrl-C.

What run k computes depends on k alone, so that threads, processes and their number change no bit.
Inside `keeping`, runs that are kept already are not done again, and new ones are kept as they end;
inside `only`, some runs of a call are done and handed over as they are.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed, wait
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

from ...theory.core.checks import count
from ...theory.core.errors import Interrupted, InvalidType
from .blas import one_thread

Result = TypeVar("Result")

#: tasks that an executor gets, so that work with a large matrix is sent only so often
TASKS = 64


class Shelf(Protocol):
    """Where the results of runs are kept: `part` counts the ensembles of one call."""

    def known(self, part: int, runs: int) -> dict[int, Any]:
        """The results that are there, by run."""
        ...

    def put(self, part: int, results: Mapping[int, Any]) -> None:
        """Keep more of them."""
        ...

    def flush(self) -> None:
        """See to it that all of them are kept."""
        ...


class Handover(Exception):
    """What `only` ends a call with: the results of the runs that were asked for."""


@dataclass
class _Keeping:
    shelf: Shelf
    part: int = 0


_keeping: ContextVar[_Keeping | None] = ContextVar("keeping", default=None)
_only: ContextVar[tuple[int, range] | None] = ContextVar("only", default=None)


@contextmanager
def keeping(shelf: Shelf) -> Iterator[None]:
    """Keep the runs of a call on a shelf, and take from it those that are there."""
    token = _keeping.set(_Keeping(shelf))
    try:
        yield
    finally:
        _keeping.reset(token)


def only(call: Callable[[], Any], part: int, runs: range) -> tuple[dict[int, Any], int]:
    """Return some runs of the ensemble `part` of a call: their results, before they are a curve,
    and how many the ensemble has."""
    token, kept = _only.set((part, runs)), _keeping.set(_Keeping(_Nothing()))
    try:
        call()
    except Handover as found:
        results, count = found.args
        return results, count
    finally:
        _only.reset(token)
        _keeping.reset(kept)
    return {}, 0


class _Nothing:
    """A shelf that keeps nothing."""

    def known(self, part: int, runs: int) -> dict[int, Any]:
        return {}

    def put(self, part: int, results: Mapping[int, Any]) -> None: ...

    def flush(self) -> None: ...


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
        if runs == 1 and self.executor is None and _keeping.get() is None:
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
        state = _keeping.get()
        if state is None:
            found, interrupted = self._done(work, range(runs), None)
        else:
            found, interrupted = self._kept(state, work, runs)
        return [result for _, result in sorted(found.items())], interrupted

    def numbered(
        self,
        work: Callable[[int, Flag | None], Any],
        numbers: Sequence[int],
        put: Callable[[dict[int, Any]], None],
    ) -> tuple[dict[int, Any], bool]:
        """Return the results by number, each handed to `put` as soon as it is there, and whether
        Ctrl-C came first."""
        return self._done(work, numbers, put)

    def _kept(self, state: _Keeping, work: Any, runs: int) -> tuple[dict[int, Any], bool]:
        """The runs that are kept, and those that are done now and kept as they end."""
        part, state.part, asked = state.part, state.part + 1, _only.get()
        if asked is not None and asked[0] != part:
            wanted, known = range(1), {}  # a call may build on its earlier ensembles
        else:
            chosen = range(runs) if asked is None else asked[1]
            wanted = range(min(chosen.start, runs), min(chosen.stop, runs))
            known = {k: v for k, v in state.shelf.known(part, runs).items() if k in wanted}
        put = partial(state.shelf.put, part)
        missing = [k for k in wanted if k not in known]
        try:
            found, interrupted = self._done(work, missing, put)
        finally:
            state.shelf.flush()
        if asked is not None and asked[0] == part:
            raise KeyboardInterrupt if interrupted else Handover(found, runs)
        return known | found, interrupted

    def _done(
        self, work: Any, numbers: Sequence[int], put: Callable[[dict[int, Any]], None] | None
    ) -> tuple[dict[int, Any], bool]:
        """Do the runs with these numbers, in threads or by the executor."""
        if not numbers:
            return {}, False
        if self.executor is not None:
            executor, count = submitter(self.executor), min(TASKS, len(numbers))
            tasks = [tuple(numbers[i::count]) for i in range(count)]
            parted = getattr(work, "part", lambda numbers: work)
            futures = [executor.submit(_perform, parted(t), t, None, True) for t in tasks]
            interrupted = self._watch(futures, len(numbers), put)
            return _results(futures), interrupted
        stop = threading.Event()
        wanted = self.workers or processors()
        with ThreadPoolExecutor(min(wanted, len(numbers))) as pool:
            futures = [pool.submit(_perform, work, (k,), stop, self.single) for k in numbers]
            try:
                interrupted = self._watch(futures, len(numbers), put)
            finally:
                stop.set()
            wait(futures)
        return _results(futures), interrupted

    def _watch(
        self,
        futures: Sequence[Future[Any]],
        runs: int,
        put: Callable[[dict[int, Any]], None] | None,
    ) -> bool:
        """Wait for the futures; return whether Ctrl-C came first, and drop what has not begun."""
        try:
            for future in self._with_bar(as_completed(futures), runs):
                found = future.result()  # an error of a run ends all of them
                if put is not None:
                    put(dict(found))
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


def _results(futures: Sequence[Future[list[tuple[int, Any]]]]) -> dict[int, Any]:
    """The results of the futures that ended well, by run."""
    done = [f for f in futures if f.done() and not f.cancelled() and f.exception() is None]
    return dict(pair for future in done for pair in future.result())


def submitter(executor: Any) -> Any:
    """Return the executor itself, or that of a dask client."""
    return executor.get_executor() if hasattr(executor, "get_executor") else executor
