"""What threads and whole ensembles cost: wall seconds, all cores."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import limitlab as ll
from limitlab.solvers.core import random

from . import chain
from .clipping import NOISE, RATE, Case
from .clock import race
from .report import Row, Table, at_least
from .simulate import ours as streaming
from .simulate_peers import Stream


def _diagonal(workers: int, quick: bool) -> Callable:
    return streaming(Stream(1000, 32, 400 if quick else 1600), workers=workers)


def _chain(workers: int, quick: bool) -> Callable:
    problem = ll.LeastSquares(ll.isotropic(10**6), ll.Gaussian(NOISE))
    until = (0.2 if quick else 0.5) / 4
    return lambda: ll.simulate(
        problem, ll.SGD(RATE), until=until, runs=32, seed=1, workers=workers, progress=False
    )


def _sde(workers: int, quick: bool) -> Callable:
    case = Case(1024, horizon=2.0)
    step = float(case.times[-1]) / (50 if quick else 200)
    return lambda: ll.solve(
        case.problem,
        case.method,
        times=[0, case.times[-1]],
        limit="sde",
        step=step,
        seed=1,
        diffusion="published",
        paths=64,
        workers=workers,
        progress=False,
    )


def _arithmetic(workers: int, quick: bool) -> Callable:
    """Normals into small buffers and nothing else: what the machine can give at this moment."""
    fill, tasks = random.kernels().fill_normals, range(16 if quick else 64)

    def work(task: int) -> np.ndarray:
        out = np.empty(2**14, dtype=np.float32)
        for group in range(100):
            fill(np.uint64(task), np.uint64(group), np.uint32(0), out)
        return out

    def call() -> np.ndarray:
        with ThreadPoolExecutor(workers) as pool:
            return np.array(list(pool.map(work, tasks)))

    return call


WORK = {"simulate, diagonal K": _diagonal, "simulate, reduced chain": _chain, "solve, SDE": _sde}
CONTROL = "normals alone (what the machine gives now)"


def scaling(quick: bool) -> Table:
    """Two threads against one, and equal results."""
    rows = []
    for name, build in (WORK | {CONTROL: _arithmetic}).items():
        calls = {str(workers): build(workers, quick) for workers in (1, 2)}
        timings = race(calls, 5, 4.0, clock=time.perf_counter)
        one, two = (timings[key].best for key in "12")
        same = np.array_equal(*(_risk(timings[key].result) for key in "12"))
        remark = "equal to the bit" if same else "RESULTS DIFFER"
        goal = None if name == CONTROL else at_least(1.8)
        rows.append(Row(f"{name}, 1 thread", one))
        rows.append(Row(f"{name}, 2 threads", two, one / two, goal, remark))
    caption = f"Wall clock, {os.cpu_count()} cores."
    return Table("Threads", "s", rows, "faster", caption)


def _risk(result: object) -> np.ndarray:
    return np.asarray(getattr(result, "risk", result))


def tables(quick: bool) -> Iterator[Table]:
    """Threads, and the ensembles that have a goal of their own."""
    yield scaling(quick)
    rows = [chain.memory()] if quick else [chain.large_ensemble(), chain.memory()]
    yield Table("Large ensembles", "s or MiB", rows)
