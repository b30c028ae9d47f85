"""Second-order regression on finite data: both deterministic limits, and the lazy simulation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import limitlab as ll

from .report import Row, Table, at_most


def cases(quick: bool) -> Iterator[tuple[str, Callable[[], Any], float]]:
    """Yield what is timed and its goal in seconds; quick: a quarter of the steps."""
    share = 4 if quick else 1
    fixed = ll.QuadraticRegression(32, 500, 0.02)
    ratio = ll.QuadraticRegression(64, 64, 0.4 / 64)
    large = ll.QuadraticRegression(200, 2000, 0.002)
    steps = {"fixed": 200 // share, "ratio": 300 // share, "large": 200 // share}
    yield (
        f"P → ∞ at fixed D = 32, {steps['fixed']} steps",
        lambda: ll.solve(fixed, ll.GradientDescent(0.5), steps["fixed"], points=2),
        5.0,
    )
    yield (
        f"D/P fixed, {steps['ratio']} steps",
        lambda: ll.solve(
            ratio, ll.GradientDescent(0.5), steps["ratio"], points=2, limit="proportional"
        ),
        2.0,
    )
    yield (
        f"lazy simulation of one run, D = 200, P = 2000, {steps['large']} steps",
        lambda: ll.simulate(
            large,
            ll.GradientDescent(0.5),
            steps["large"],
            points=2,
            runs=1,
            seed=1,
            engine="lazy",
            workers=1,
            progress=False,
        ),
        15.0,
    )


def tables(quick: bool) -> Iterator[Table]:
    """One table; the first call of each compiles and is not counted."""
    rows = []
    for name, call, goal in cases(quick):
        call()
        start = time.process_time()
        call()
        rows.append(Row(name, time.process_time() - start, None, at_most(goal, "s")))
    caption = "Processor time of the second call."
    yield Table("Second-order regression on finite data", "s", rows, caption=caption)
