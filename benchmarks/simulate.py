"""The algorithm itself with diagonal K: nanoseconds a coordinate, step and run."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

import limitlab as ll

from . import simulate_peers as peers
from .clipping import RATE, THRESHOLD
from .clock import Call, race
from .contest import Entry, contest
from .report import Row, Table, at_least, at_most
from .simulate_peers import Stream

GOALS = {
    "numpy": at_least(6),
    "numba": at_least(6),
    "JAX": at_least(8),
    "torch": at_least(5),
}
METHODS = (ll.SGD(RATE), ll.ClippedSGD(RATE, THRESHOLD), ll.SignSGD(RATE))


def ours(stream: Stream, method: Any = METHODS[0], workers: int = 1) -> Call:
    """`simulate` with one thread; several methods share every sample."""
    paired = isinstance(method, Sequence)

    def call() -> np.ndarray:
        found = ll.simulate(
            stream.problem,
            method,
            times=[0, stream.until],
            runs=stream.runs,
            seed=1,
            workers=workers,
            progress=False,
            engine="vector",
            paired=paired,
        )
        return (found[0] if paired else found).samples["risk"][:, -1]

    return call


def mean(risks: np.ndarray) -> str:
    """The remark: mean and standard error of the risk at the end."""
    error = np.std(risks, ddof=1) / np.sqrt(risks.size)
    return f"mean {np.mean(risks):.3f} ± {error:.3f}"


def table(stream: Stream, rounds: int) -> Table:
    """One method, against everyone."""
    builders = {
        "limitlab, simulate": (lambda: ours(stream), ""),
        "numpy, runs at once, float32": (lambda: peers.by_numpy_batch(stream), "numpy"),
        "numpy, run by run, float64": (lambda: peers.by_numpy_runs(stream), "numpy"),
        "numba + Generator(SFC64)": (lambda: peers.by_numba(stream), "numba"),
        "JAX scan + vmap, float32": (lambda: peers.by_jax(stream), "JAX"),
        "torch, runs at once, float32": (lambda: peers.by_torch(stream), "torch"),
    }
    entries = [
        Entry(name, build, stream.units, family) for name, (build, family) in builders.items()
    ]
    rows = contest(entries, GOALS, remark=mean, rounds=rounds, budget=2.0)
    caption = (
        f"{stream.runs} runs of {stream.steps} steps, eigenvalues i^−1.2, Gaussian noise; "
        "limitlab keeps a float64 state; one thread."
    )
    return Table(f"Streaming SGD, diagonal K, d = {stream.d}", "ns", rows, caption=caption)


def shared(streams: Sequence[Stream], rounds: int) -> Table:
    """Three methods on the same samples against one."""
    rows = []
    for stream in streams:
        calls = {"one": ours(stream), "three": ours(stream, list(METHODS))}
        seconds = {name: t.best for name, t in race(calls, rounds, 2.0).items()}
        costs = {name: 1e9 * value / stream.units for name, value in seconds.items()}
        rows.append(Row(f"SGD alone, d = {stream.d}", costs["one"]))
        name = f"SGD, clipped SGD and signSGD, d = {stream.d}"
        ratio, goal = costs["three"] / costs["one"], at_most(1.5, "×", of="ratio")
        rows.append(Row(name, costs["three"], ratio, goal))
    caption = "simulate([…], paired=True); ns a coordinate, step and run for all methods together."
    return Table("Three methods on shared samples", "ns", rows, "to one", caption)


def tables(quick: bool) -> Iterator[Table]:
    """One table a dimension, and one for shared samples."""
    rounds, steps = (3, 200) if quick else (7, 800)
    streams = [Stream(1000, 32, steps), Stream(10_000, 8, steps // 2)]
    for stream in streams:
        print(f"simulate: d = {stream.d} ...", file=sys.stderr, flush=True)
        yield table(stream, rounds)
    yield shared(streams, rounds)
