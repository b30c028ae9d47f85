"""What a user waits for in a fresh process: imports, derivation, the first curve."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

import limitlab as ll

from .report import Row, Table, at_most

_CURVE = """
import limitlab as ll
problem = ll.LeastSquares(ll.power_law(2000, exponent=0.5), noise=ll.{noise})
print(ll.solve(problem, ll.{method}, until=8).risk[-1])
"""
PAIRS = (
    ("signSGD, Student t noise", "SignSGD(rate=0.4)", "StudentT(df=3, scale=0.5)"),
    ("clipped SGD, Gaussian noise", "ClippedSGD(rate=0.8, threshold=1.0)", "Gaussian(0.5)"),
)
SECOND: tuple[tuple[str, Any, Any], ...] = (
    ("SGD, Gaussian noise", ll.Gaussian(0.5), ll.SGD(0.5)),
    ("signSGD, Student t noise", ll.StudentT(3, 0.5), ll.SignSGD(0.4)),
    ("clipped SGD, Student t noise", ll.StudentT(3, 0.5), ll.ClippedSGD(0.5, 1.0)),
)
#: derives every pair with sympy's own cache emptied before each
_DERIVE = """
import json, time
import limitlab as ll
from sympy.core.cache import clear_cache
laws = [ll.Gaussian(.5), ll.Rademacher(.5), ll.Uniform(.5), ll.Laplace(.5), ll.StudentT(3, .5),
        ll.Cauchy(.5), ll.GaussianMixture((.9, .1), (.3, 1.)), ll.Empirical([-.5, .2, .4]),
        ll.NoNoise()]
methods = [ll.SGD(.5), ll.SignSGD(.5), ll.ClippedSGD(.5, 1.), ll.Huber(.5, 1.)]
seconds = {}
for method in methods:
    for law in laws:
        problem = ll.LeastSquares(ll.isotropic(100), law)
        clear_cache()
        start = time.perf_counter()
        try:
            ll.derive(problem, method)
        except ll.LimitlabError:  # a pair that has no limit
            continue
        name = type(method).__name__ + ", " + type(law).__name__
        seconds[name] = time.perf_counter() - start
print(json.dumps(seconds))
"""


def python(code: str, **environment: str) -> tuple[float, str]:
    """Wall seconds of a fresh interpreter, and what it printed last."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    return time.perf_counter() - start, done.stdout.strip().splitlines()[-1] if done.stdout else ""


def best(code: str, rounds: int) -> float:
    return min(python(code)[0] for _ in range(rounds))


def first_curves(quick: bool) -> list[Row]:
    """Whole processes, from the start of the interpreter to its end."""
    rounds = 3 if quick else 5
    rows = [
        Row("python -c pass", best("pass", rounds)),
        Row("import limitlab", best("import limitlab", rounds)),
    ]
    for name, method, noise in PAIRS[: 1 if quick else 2]:
        code = _CURVE.format(method=method, noise=noise)
        with tempfile.TemporaryDirectory() as empty:
            cold, _ = python(code, LIMITLAB_CACHE=empty)
        python(code)
        warm = best(code, rounds)
        rows.append(Row(f"first curve, warm cache: {name}", warm, None, at_most(2.5, "s")))
        rows.append(Row(f"first curve, empty cache: {name}", cold, None, at_most(20, "s")))
    return rows


def derivations() -> Table:
    """All shipped pairs in one fresh process."""
    seconds: dict[str, Any] = json.loads(python(_DERIVE)[1])
    slowest = sorted(seconds, key=seconds.__getitem__, reverse=True)
    rows = [Row(name, seconds[name]) for name in slowest[:5]]
    rows.append(Row(f"median of {len(slowest)} pairs", seconds[slowest[len(slowest) // 2]]))
    worst = slowest[0]
    rows.append(Row("slowest of all pairs", seconds[worst], None, at_most(0.3, "s"), worst))
    caption = "Wall clock after imports; sympy's cache is emptied before each pair."
    return Table("derive", "s", rows, caption=caption)


def second_solves(quick: bool) -> Table:
    """`solve` again in a warm process: CPU time, the median of many calls."""
    rows = []
    for name, law, method in SECOND:
        problem = ll.LeastSquares(ll.power_law(100, exponent=0.5), law)
        seconds = []
        for k in range(20 if quick else 100):
            begun = time.process_time()
            ll.solve(problem, method, until=4)
            seconds.append(time.process_time() - begun)
            if k == 1:
                seconds.clear()  # compiled, and what the pair's curve is worth is known
        rows.append(Row(name, 1e3 * float(np.median(seconds)), None, at_most(0.5, "ms")))
    caption = "d = 100, every mode integrated, 101 times; diagnostics wait until they are read."
    return Table("A second solve", "ms of CPU", rows, caption=caption)


def tables(quick: bool) -> Iterator[Table]:
    """First curves, derivations, and second solves."""
    caption = "Wall clock of a fresh process, imports included; best of several (empty cache: one)."
    yield Table("Latency", "s", first_curves(quick), caption=caption)
    yield derivations()
    yield second_solves(quick)
