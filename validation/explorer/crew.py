"""Threads that nobody waits for: a page that is left, or Ctrl-C, ends at once.

Those of `concurrent.futures` are joined when the interpreter ends, however long their work takes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from typing import Any


class Stopped(Exception):
    """The simulation was told to stop."""


def begin(work: Callable[..., None], *args: Any) -> None:
    """Do it in a thread of its own."""
    threading.Thread(target=work, args=args, daemon=True).start()


class Watched(Executor):
    """Threads whose tasks are counted, and that refuse further ones once they are told to stop."""

    def __init__(self, tell: Callable[[float], None], workers: int = 2) -> None:
        self._tell, self._stop = tell, threading.Event()
        self._expected, self._done, self._from, self._to = 1, 0, 0.0, 1.0
        self._tasks: SimpleQueue[Any] = SimpleQueue()
        self._workers = workers
        for _ in range(workers):
            begin(self._work)

    def expect(self, tasks: int, before: float, after: float) -> None:
        """Begin a round of so many tasks, between two shares of the whole."""
        self._expected, self._done, self._from, self._to = tasks, 0, before, after

    def stop(self) -> None:
        """Let no further task begin."""
        self._stop.set()

    def submit(self, work: Any, /, *args: Any, **keywords: Any) -> Future[Any]:
        """Take a task."""
        future: Future[Any] = Future()
        self._tasks.put((future, work, args, keywords))
        return future

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            future, work, args, keywords = task
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(self._watched(work, *args, **keywords))
            except BaseException as error:  # whoever asked for the task is told
                future.set_exception(error)

    def _watched(self, work: Any, *args: Any, **keywords: Any) -> Any:
        if self._stop.is_set():
            raise Stopped
        result = work(*args, **keywords)
        self._done += 1
        self._tell(self._from + (self._to - self._from) * min(1.0, self._done / self._expected))
        return result

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let the threads go."""
        for _ in range(self._workers):
            self._tasks.put(None)
