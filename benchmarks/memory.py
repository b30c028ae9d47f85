"""What a memory costs: the equations at a million modes, and runs a coordinate and step."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

import limitlab as ll
from limitlab.solvers.memory.modes import memory_modes
from limitlab.solvers.memory.numbers import coefficients_of
from limitlab.solvers.memory.ode import Equations, compressed
from limitlab.solvers.streaming import compress, ode
from limitlab.solvers.streaming.coefficients import Coefficients
from limitlab.theory.streaming.derive import bind
from limitlab.theory.streaming.modes import modes

from .clock import Call, race
from .report import Row, Table, at_most

PLAIN = ll.SGD(0.5)
MOMENTUM = ll.SGD(0.5, momentum=ll.slow_memory(2.0))
AVERAGED = ll.SGD(0.5, momentum=ll.slow_memory(2.0, direct=0.5), average=ll.uniform())
RTOL = 1e-6
TIMES = np.linspace(0.0, 4.0, 101)


def of_plain(problem: ll.LeastSquares) -> Call:
    """Bin, compress and integrate without memory; nothing but compiled code is kept."""
    system, found = ll.derive(problem, PLAIN), modes(problem, PLAIN)
    coefficients = Coefficients.of(system.source, bind(system, problem, PLAIN))

    def call() -> np.ndarray:
        spectrum = compress.Spectrum(found.rates, found.energies, found.sources)
        return ode.compress_for(
            spectrum, TIMES, RTOL, lambda m: ode.integrate(coefficients, m, TIMES, RTOL)
        )[1]

    return call


def of_momentum(problem: ll.LeastSquares) -> Call:
    """The same with momentum."""
    system = ll.derive(problem, MOMENTUM)
    equations = Equations(system, coefficients_of(system, problem, MOMENTUM), TIMES)

    def call() -> np.ndarray:
        compress._binned_modes.cache_clear()
        every = memory_modes(problem, MOMENTUM, system)
        return compressed(every, lambda m: equations.totals(m, RTOL), [0], RTOL)[1][:, 0]

    return call


def equations_table(rounds: int) -> Table:
    """The equations of a million modes."""
    problem = ll.LeastSquares(ll.power_law(1_000_000, 0.5), ll.Gaussian(0.5))
    calls = {"plain": of_plain(problem), "momentum": of_momentum(problem)}
    best = {name: 1e3 * t.best for name, t in race(calls, rounds, 2.0).items()}
    ratio = best["momentum"] / best["plain"]
    rows = [
        Row("SGD", best["plain"]),
        Row("SGD with slow momentum", best["momentum"], ratio, at_most(4, "×", of="ratio")),
    ]
    caption = "From 10⁶ eigenvalues to the risk at 101 times, rtol 1e-6; one thread."
    return Table("Equations with momentum, 10⁶ modes", "ms", rows, "to SGD", caption)


def runs_table(d: int, runs: int, steps: int, rounds: int) -> Table:
    """Runs of the vector engine."""
    problem = ll.LeastSquares(ll.power_law(d, 0.5), ll.Gaussian(0.5))
    methods = {"SGD": PLAIN, "with slow momentum": MOMENTUM, "and a uniform average": AVERAGED}

    def call(method: ll.Method) -> Call:
        return lambda: (
            ll.simulate(
                problem,
                method,
                times=[0, steps / d],
                runs=runs,
                seed=1,
                workers=1,
                progress=False,
                engine="vector",
            ).risk
        )

    calls = {name: call(method) for name, method in methods.items()}
    best = {n: 1e9 * t.best / (d * steps * runs) for n, t in race(calls, rounds, 2.0).items()}
    first = best["SGD"]
    rows = [Row("SGD", first)]
    rows += [Row(n, v, v / first, at_most(1.6, "×", of="ratio")) for n, v in list(best.items())[1:]]
    caption = (
        f"{runs} runs of {steps} steps, diagonal K; ns a coordinate, step and run; one thread."
    )
    return Table(f"Runs with momentum, d = {d}", "ns", rows, "to SGD", caption)


def frontier_table() -> Table:
    """Loss against compute of power-law features in twelve dimensions."""
    begun = time.process_time()
    found = ll.compute_frontier(0.7, 0.7)
    seconds = time.process_time() - begun
    rows = [Row(f"{len(found.dimensions)} dimensions to 10⁵", seconds, None, at_most(10, "s"))]
    caption = "Deterministic features, exact means, and the fitted exponents; one thread."
    return Table("Frontier of power-law features", "s of CPU", rows, caption=caption)


def tables(quick: bool) -> Iterator[Table]:
    """The equations, runs in two dimensions, and a frontier."""
    rounds, steps = (3, 200) if quick else (7, 800)
    yield equations_table(rounds)
    yield runs_table(1000, 8, steps, rounds)
    yield runs_table(10_000, 2, steps // 2, rounds)
    yield frontier_table()
