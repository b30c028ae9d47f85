"""The reduced chain: one number an eigenvalue, so that a step costs the same in every dimension."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np

import limitlab as ll

from .clipping import NOISE, RATE, THRESHOLD
from .clock import Call, race
from .report import Row, Table, at_most

STEPS = 200_000
METHODS = {"SGD": ll.SGD(RATE), "clipped SGD": ll.ClippedSGD(RATE, THRESHOLD)}
#: what is done of the 4·10⁸ steps of 100 runs, and scaled
SHARE = 20
_MEMORY = """
import pathlib, re, resource, sys, warnings
warnings.simplefilter("ignore")
import limitlab as ll
problem = ll.LeastSquares(ll.power_law(10_000, exponent=0.5), ll.Gaussian(0.5))
ll.simulate(problem, ll.SignSGD(0.5), until=0.02, runs=int(sys.argv[1]), seed=1, progress=False)
status = pathlib.Path("/proc/self/status")  # the peak of getrusage may be that of the parent
if status.exists():
    print(int(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1]) / 1024)
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""


def ours(dimension: int, method: ll.Method, runs: int = 1, steps: int = STEPS) -> Call:
    problem = ll.LeastSquares(ll.isotropic(dimension), ll.Gaussian(NOISE))

    def call() -> np.ndarray:
        curve = ll.simulate(
            problem,
            method,
            times=[0, steps / dimension],
            runs=runs,
            seed=1,
            progress=False,
            workers=1,
            engine="chain",
        )
        return curve.risk

    return call


def flatness(quick: bool) -> Table:
    """ns a step from d = 10² to 10⁹."""
    exponents = (2, 5, 9) if quick else range(2, 10)
    rows = []
    for name, method in METHODS.items():
        calls = {f"{name}, d = 1e{k}": ours(10**k, method) for k in exponents}
        timings = race(calls, 5 if quick else 15)
        costs = {label: 1e9 * timing.best / STEPS for label, timing in timings.items()}
        least = min(costs.values())
        rows += [Row(label, cost, cost / least) for label, cost in costs.items()]
        spread, goal = max(costs.values()) / least, at_most(1.2, "×", of="ratio")
        rows.append(Row(f"{name}, dearest to cheapest", max(costs.values()), spread, goal))
    caption = f"Isotropic K, Gaussian noise, {STEPS} steps of one run; one thread."
    return Table("Reduced chain", "ns a step", rows, "to cheapest", caption)


def tables(quick: bool) -> Iterator[Table]:
    """The cost of a step."""
    yield flatness(quick)


def large_ensemble() -> Row:
    """100 runs of clipped SGD at d = 10⁶ up to t = 4, of which some are done."""
    problem = ll.LeastSquares(ll.isotropic(10**6), ll.Gaussian(NOISE))
    runs = 100 // SHARE * 2
    start = time.perf_counter()
    ll.simulate(problem, METHODS["clipped SGD"], until=4, runs=runs, seed=1, progress=False)
    seconds = (time.perf_counter() - start) * 100 / runs
    name = "100 runs of clipped SGD, isotropic d = 10⁶, until = 4, all cores"
    remark = f"s; {runs} runs measured, scaled"
    return Row(name, seconds, None, at_most(60, "s"), remark)


def memory() -> Row:
    """Largest memory of a fresh process that does 1000 runs at d = 10⁴, compiled code on disk."""
    for runs in ("2", "1000"):
        command = [sys.executable, "-c", _MEMORY, runs]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    name = "memory of 1000 runs at d = 10⁴, imports included"
    return Row(name, float(done.stdout), None, at_most(300, "MiB"), "MiB")
