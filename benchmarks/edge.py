"""The edge-of-stability family: maps, recursions, the edge of SGD, and bifurcation diagrams."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import limitlab as ll

from .clock import one_processor
from .report import Row, Table, at_most

#: of the recursion of SAM
_DATA, _PARAMETERS = 30, 60


def maps() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield maps of two variables, each followed for 10⁴ steps."""
    steps = 10_000
    model = ll.TwoEigenvalueModel(0.05, 0.2, (0.1, 1.9))
    toy = ll.SharpnessToy(2.0, 1.0, 1e-4)
    yield "SAM on two eigenvalues", lambda: ll.solve(model, ll.SAM(1.0, 0.1), steps, points=2)
    yield "a fraction of the edge", lambda: ll.solve(toy, ll.OnEdge(0.9), steps, points=2)
    yield "CDAT on the toy", lambda: ll.solve(toy, ll.CDAT(1.9), steps, points=2)
    pair = ll.TwoCurvatures(5.0)
    yield "CDAT on two curvatures", lambda: ll.solve(pair, ll.CDAT(1.3), steps, points=2)


def recursion_of_sam(steps: int) -> tuple[float, float]:
    """Seconds a step of the compiled recursion, and of a loop over the examples in numpy."""
    problem, method = ll.QuadraticRegression(_DATA, _PARAMETERS, 0.2), ll.SAM(1.0, 0.3)

    def run(n: int) -> float:
        start = time.process_time()
        ll.solve(problem, method, n, points=2, seed=1)
        return time.process_time() - start

    run(2)
    ours = (run(steps) - run(2)) / (steps - 2)
    Q = np.random.default_rng(0).standard_normal((_DATA, _PARAMETERS, _PARAMETERS))
    Q, z, J = 1e-3 * (Q + Q.transpose(0, 2, 1)), problem.z0, problem.G
    start = time.process_time()
    for _ in range(steps // 10):
        z, J = _step_in_numpy(z, J, Q, method.rate / _DATA, method.radius / _DATA)
    return ours, (time.process_time() - start) / (steps // 10)


def _step_in_numpy(z: Any, J: Any, Q: Any, size: float, reach: float) -> tuple[Any, Any]:
    """The recursion as a loop over the examples."""
    g = J.T @ z
    bend = np.array([q @ g for q in Q])
    up, J_up = z + reach * J @ g + reach**2 * bend @ g / 2, J + reach * bend
    d = -float(size) * J_up.T @ up
    turn = np.array([q @ d for q in Q])
    return z + J @ d + turn @ d / 2, J + turn


def edge(quick: bool) -> tuple[str, Callable[[], Any], float]:
    """The edge of SGD by power iteration, with its goal in seconds."""
    d, n = (100, 200) if quick else (200, 400)
    features = np.random.default_rng(0).standard_normal((n, d))
    minimum, method = ll.InterpolatingMinimum(features=features), ll.SGD(0.01, batch=4)
    return f"η* of SGD, d = {d}, n = {n}", lambda: ll.sgd_stability(minimum, method), 2.0


def diagrams(quick: bool) -> Iterator[tuple[str, Callable[[], Any], float]]:
    """Yield both diagrams, with goals in seconds."""
    rates, steps = (100 if quick else 1000), 10_000
    scales = np.linspace(0.5, 1.9, rates)
    yield (
        f"diagram of CDAT, {rates} scales, {steps} steps",
        lambda: ll.bifurcation(
            ll.TwoCurvatures(5.0), ll.CDAT(1.0), "scale", scales, steps=steps, keep=50
        ),
        1.0,
    )
    yield (
        f"quasi-static diagram, {rates} rates, {steps} steps",
        lambda: ll.quasi_static_attractors(
            [2.0, 1.0, 0.5], np.linspace(1.9, 2.8, rates), steps=steps, samples=50
        ),
        1.0,
    )


def _seconds(call: Callable[[], Any], clock: Callable[[], float] = time.process_time) -> float:
    """The second call; the first compiles."""
    call()
    start = clock()
    call()
    return clock() - start


def tables(quick: bool) -> Iterator[Table]:
    """Maps in milliseconds, the recursion in microseconds a step, and the rest in seconds."""
    caption = "Processor time of the second call, on one processor."
    with one_processor():
        rows = [Row(name, 1e3 * _seconds(call), None, at_most(5.0, "ms")) for name, call in maps()]
        yield Table("10⁴ steps of a map of two variables", "ms", rows, caption=caption)
        ours, loop = recursion_of_sam(400 if quick else 4000)
        rows = [
            Row("limitlab", 1e6 * ours, None, at_most(1e6 * loop / 20, "µs")),
            Row("numpy, a loop over the examples", 1e6 * loop, loop / ours),
        ]
        yield Table("A step of SAM, D = 30, P = 60", "µs", rows, caption=caption)
        name, call, goal = edge(quick)
        rows = [Row(name, _seconds(call), None, at_most(goal, "s"))]
        yield Table("Edges", "s", rows, caption=caption)
    rows = [
        Row(name, _seconds(call, time.perf_counter), None, at_most(goal, "s"))
        for name, call, goal in diagrams(quick)
    ]
    yield Table("Diagrams", "s", rows, caption="Wall clock of the second call, on all processors.")
