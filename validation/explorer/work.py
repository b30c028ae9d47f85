"""Solving and simulating what the tables say, away from the thread that serves the page."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ...solvers.core.curve import Curve
from ...solvers.core.runner import TASKS
from ...solvers.solve import limits, solve
from ...theory.core.checks import positive
from ...theory.core.dispatch import options
from ...theory.core.errors import LimitlabError
from ..experiment.names import METHOD_NAMES, PROBLEM_NAMES, make
from ..simulate import simulate

POINTS, MOST_STEPS, SEED = 61, 500, 1
#: a simulation fills in: so many runs are there after each round
ROUNDS = (25, 50, 100, 200)
_ROOM = f"{__package__.rpartition('.')[0]}.simulate"


class Stopped(Exception):
    """The simulation was told to stop."""


@dataclass(frozen=True, eq=False)
class Answer:
    """A curve and the limit that gave it."""

    problem: Any
    method: Any
    until: float
    limit: str
    points: int
    curve: Curve

    @property
    def remarks(self) -> list[str]:
        """What the theory says about itself here."""
        return [str(text) for text in self.curve.provenance.get("remarks", [])]


def objects(tables: dict[str, Any]) -> tuple[Any, Any, float]:
    """The problem, the method and the horizon.

    Raises
    ------
    InvalidInput, InvalidType
        A value out of its range, named by its place.
    """
    problem = make(tables["problem"], PROBLEM_NAMES, "problem")
    method = make(tables["method"], METHOD_NAMES, "method")
    return problem, method, positive("until", tables["until"])


def answer(tables: dict[str, Any]) -> Answer:
    """Solve: with the band of single runs where this pair has one.

    Raises
    ------
    LimitlabError
        What cannot be solved, with the remedy.
    """
    problem, method, until = objects(tables)
    names = list(limits(problem, method))
    # what counts steps shows every one of them, where it jumps between two sides of a valley
    points = POINTS if problem.family == "streaming" else min(int(until), MOST_STEPS) + 1
    wanted = ["fluctuations"] if "fluctuations" in names else []
    for limit in [*wanted, names[0]]:
        try:
            curve = solve(problem, method, until, points=points, limit=limit)
            return Answer(problem, method, until, limit, points, curve)
        except LimitlabError:
            if limit == names[0]:
                raise
    raise AssertionError("the last limit returns or raises")


def simulation(given: Answer) -> dict[str, Any]:
    """The options of the whole simulation; an algorithm that draws nothing takes no runs."""
    known = options(_ROOM, "simulate", given.problem, given.method)
    wanted = {"runs": ROUNDS[-1], "seed": SEED}
    return {name: value for name, value in wanted.items() if name in known}


def rounds(given: Answer, pool: Watched) -> Iterator[Curve]:
    """Simulate more and more runs; each round holds the runs of the one before.

    Raises
    ------
    Stopped
        By ``pool.stop``.
    """
    whole = simulation(given)
    sizes = ROUNDS if "runs" in whole else (1,)
    for before, size in zip((0, *sizes), sizes, strict=False):
        own = {**whole, "runs": size} if "runs" in whole else whole
        pool.expect(min(TASKS, size), before / sizes[-1], size / sizes[-1])
        yield simulate(
            given.problem,
            given.method,
            given.until,
            points=given.points,
            progress=False,
            executor=pool,
            **own,
        )


class Watched(Executor):
    """Threads whose tasks are counted, and that refuse further ones once they are told to stop."""

    def __init__(self, tell: Callable[[float], None], workers: int = 2) -> None:
        self._pool = ThreadPoolExecutor(workers)
        self._tell, self._stop = tell, threading.Event()
        self._expected, self._done, self._from, self._to = 1, 0, 0.0, 1.0

    def expect(self, tasks: int, before: float, after: float) -> None:
        """Begin a round of so many tasks, between two shares of the whole."""
        self._expected, self._done, self._from, self._to = tasks, 0, before, after

    def stop(self) -> None:
        """Let no further task begin."""
        self._stop.set()

    def submit(self, work: Any, /, *args: Any, **keywords: Any) -> Future[Any]:
        """Take a task."""
        return self._pool.submit(self._watched, work, *args, **keywords)

    def _watched(self, work: Any, *args: Any, **keywords: Any) -> Any:
        if self._stop.is_set():
            raise Stopped
        result = work(*args, **keywords)
        self._done += 1
        self._tell(self._from + (self._to - self._from) * min(1.0, self._done / self._expected))
        return result

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let the threads go."""
        self._pool.shutdown(wait, cancel_futures=cancel_futures)
