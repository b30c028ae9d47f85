"""Time as the benchmarks measure it: best of several rounds in which everyone takes turns.

One-thread comparisons pin the process to one processor and count its processor time, so that
threads that a library keeps are counted too and a busy machine disturbs little. Where threads or
processes are the subject, the wall clock is read.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

#: a single measurement lasts at least this long; shorter calls are repeated within it
SHORTEST = 2e-3
Call = Callable[[], Any]


@dataclass
class Timing:
    """Seconds of each round, and what the last call returned."""

    seconds: list[float] = field(default_factory=list)
    result: Any = None

    @property
    def best(self) -> float:
        return min(self.seconds)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


@contextmanager
def one_processor() -> Iterator[None]:
    """Keep the process, and the threads it starts, on one processor (where the system can)."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def _calls_a_round(call: Call, clock: Callable[[], float]) -> int:
    """Warm up, and return how many calls make a measurable round."""
    call()
    start = clock()
    call()
    return max(1, int(SHORTEST / max(clock() - start, 1e-9)))


def race(
    calls: Mapping[str, Call],
    rounds: int = 7,
    budget: float = 3.0,
    *,
    warm: bool = True,
    clock: Callable[[], float] = time.process_time,
) -> dict[str, Timing]:
    """Let all calls take turns.

    Parameters
    ----------
    calls : mapping
        Name and function; its return value is kept.
    rounds : int
        Turns of each.
    budget : float
        Seconds after which a slow one gets no further turn (everyone gets one).
    warm : bool
        Call each twice before, so that nothing is compiled while the clock runs.
    clock : function
        Processor time of the process by default.
    """
    counts = {name: _calls_a_round(call, clock) if warm else 1 for name, call in calls.items()}
    timings = {name: Timing() for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            timing = timings[name]
            if sum(timing.seconds) * counts[name] >= budget:
                continue
            start = clock()
            for _ in range(counts[name]):
                timing.result = call()
            timing.seconds.append((clock() - start) / counts[name])
    return timings


def time_one(call: Call, rounds: int = 7, budget: float = 3.0, **options: Any) -> Timing:
    """`race` of one alone."""
    return race({"": call}, rounds, budget, **options)[""]
