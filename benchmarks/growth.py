"""Growth curves: cost against modes, dimension, runs and horizon (threads have their own topic)."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping

import limitlab as ll

from . import ode, simulate
from .clipping import NOISE, RATE, THRESHOLD, Case
from .clock import Call, race
from .report import Row, Table
from .simulate_peers import Stream

#: tolerance at which theory curves are timed
RTOL = 1e-6


def curve(title: str, label: str, calls: Mapping[float, Call], caption: str) -> Table:
    """Milliseconds at each size, and the local exponent of the cost."""
    timings = race({f"{label} = {size:g}": call for size, call in calls.items()}, 5, 1.5)
    costs = [1e3 * timing.best for timing in timings.values()]
    sizes = list(calls)
    rows = [Row(name, cost) for name, cost in zip(timings, costs, strict=True)]
    for i in range(1, len(rows)):
        slope = math.log(costs[i] / costs[i - 1]) / math.log(sizes[i] / sizes[i - 1])
        rows[i] = Row(rows[i].name, costs[i], remark=f"cost ∝ {label}^{slope:.2f}")
    return Table(title, "ms", rows, caption=caption)


def _solver(build: Callable[[Case], ode.Solver], case: Case) -> Call:
    solver = build(case)
    return lambda: solver(RTOL)


def _chain(until: float, runs: int) -> Call:
    problem = ll.LeastSquares(ll.isotropic(10_000), ll.Gaussian(NOISE))
    method = ll.ClippedSGD(RATE, THRESHOLD)
    return lambda: ll.simulate(
        problem, method, until=until, runs=runs, seed=1, workers=1, progress=False
    )


def tables(quick: bool) -> Iterator[Table]:
    """One table a growth curve."""
    modes = (100, 1000, 10_000, 100_000) + (() if quick else (1_000_000,))
    for title, build in (
        ("Engine against m", ode.engine),
        ("solve against m", ode.public),
        ("solve against m, modes and bins forgotten", lambda c: ode.forgetful(ode.public(c))),
    ):
        calls = {m: _solver(build, Case(m)) for m in modes}
        yield curve(title, "m", calls, "Clipped SGD, 51 outputs, λ_max t ≤ 50.")
    horizons = (10, 100, 1000, 10_000) + (() if quick else (100_000,))
    calls = {T: _solver(ode.public, Case(10_000, horizon=T)) for T in horizons}
    yield curve("solve against horizon", "λ_max T", calls, "Clipped SGD, m = 10⁴, 51 outputs.")
    print("growth: simulations ...", file=sys.stderr, flush=True)
    steps = 100 if quick else 400
    dimensions = (100, 1000, 10_000, 100_000)
    calls = {d: simulate.ours(Stream(d, 4, steps)) for d in dimensions}
    yield curve("simulate against d", "d", calls, f"SGD, diagonal K, 4 runs of {steps} steps.")
    runs = (8, 32, 128) if quick else (8, 32, 128, 512)
    calls = {n: simulate.ours(Stream(1000, n, 100)) for n in runs}
    yield curve("simulate against runs", "runs", calls, "SGD, diagonal K, d = 1000, 100 steps.")
    calls = {until: _chain(until, 4) for until in (1, 4, 16, 64)}
    yield curve("simulate against horizon", "until", calls, "Reduced chain, d = 10⁴, 4 runs.")
