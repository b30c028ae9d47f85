"""A plane of rates and thresholds under Student noise: `sweep` against jax.vmap over diffrax."""

from __future__ import annotations

import math
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import limitlab as ll
from limitlab.solvers.streaming import coefficients
from limitlab.theory.streaming.modes import modes

from .clock import Call
from .contest import Entry, contest
from .peers import diffrax, jax
from .report import Row, Table, at_least, at_most

#: d, df and scale of the noise, last time, output times
DIMENSION, DF, SCALE, UNTIL, POINTS = 1000, 3, 0.5, 4.0, 101
#: tolerance of the peer's steps: the largest of 1e-4, 1e-5, … that is no less accurate than `sweep`
PEER_RTOL = 1e-7


def problem() -> ll.LeastSquares:
    return ll.LeastSquares(ll.power_law(DIMENSION, exponent=0.5), ll.StudentT(DF, SCALE))


def plane(count: int) -> dict[str, np.ndarray]:
    return {"rate": np.linspace(0.01, 1.0, count), "threshold": np.geomspace(0.25, 4.0, count)}


def ours(count: int) -> Call:
    """`sweep` on one thread; the tables of coefficients are made anew."""
    given, over = problem(), plane(count)

    def call() -> Any:
        coefficients._tables.clear()
        return ll.sweep(
            given,
            ll.ClippedSGD(0.5, 1.0),
            over,
            UNTIL,
            points=POINTS,
            workers=1,
            progress=False,
        )

    call()  # compiled
    return call


def theirs(count: int) -> Call:
    """vmap over the cells of diffrax's Tsit5, all modes, the mixture of the noise summed."""
    dfx, jnp, erf = diffrax(), jax().numpy, jax().scipy.special.erf
    found, law = modes(problem(), ll.ClippedSGD(0.5, 1.0)), problem().noise.component_arrays()
    rates, start, sources = (jnp.asarray(a) for a in (found.rates, found.energies, found.sources))
    weights, scales = jnp.asarray(law[0]), jnp.asarray(law[2])
    times = jnp.linspace(0.0, UNTIL, POINTS)

    def field(t: Any, y: Any, cell: Any) -> Any:
        eta, c = cell
        variance = 2 * jnp.sum(y) + scales**2
        slope = erf(c / jnp.sqrt(2 * variance))
        tail = math.sqrt(2 / math.pi) * c / jnp.sqrt(variance) * jnp.exp(-c * c / (2 * variance))
        square = variance * (slope - tail) + c * c * (1 - slope)
        drift, noise = weights @ slope, weights @ square
        return -2 * eta * drift * rates * y + 0.5 * eta**2 * noise * sources

    def solve(eta: Any, c: Any) -> Any:
        return dfx.diffeqsolve(
            dfx.ODETerm(field),
            dfx.Tsit5(),
            0.0,
            UNTIL,
            None,
            start,
            (eta, c),
            saveat=dfx.SaveAt(ts=times, fn=lambda t, y, args: jnp.sum(y)),
            stepsize_controller=dfx.PIDController(rtol=PEER_RTOL, atol=PEER_RTOL * 1e-5),
            max_steps=4096,
        ).ys

    over = plane(count)
    grid = np.meshgrid(over["rate"], over["threshold"], indexing="ij")
    cells = tuple(jnp.asarray(axis.ravel()) for axis in grid)
    compiled = jax().jit(jax().vmap(solve))
    compiled(*cells).block_until_ready()
    return lambda: np.asarray(compiled(*cells))


def _accuracy(count: int) -> str:
    """Largest relative error of the risk on some cells of the plane."""
    over, found = plane(count), ours(count)()
    worst = 0.0
    for i in np.linspace(0, count - 1, 4).astype(int):
        rate, threshold = over["rate"][i], over["threshold"][-1 - i]
        method = ll.ClippedSGD(float(rate), float(threshold))
        exact = ll.solve(problem(), method, UNTIL, points=POINTS, rtol=1e-11).risk
        risk = found.risk.values[i, count - 1 - i]
        worst = max(worst, float(np.max(np.abs(risk / exact - 1))))
    return f"largest relative error {worst:.0e}"


def stored() -> Table:
    """What a store adds to a simulation of some seconds: CPU time, in pairs of both orders."""
    given, method = problem(), ll.SignSGD(0.5)

    def seconds(store: str | None) -> float:
        begun = time.process_time()
        ll.simulate(given, method, 4, runs=200, seed=1, store=store, workers=1, progress=False)
        return time.process_time() - begun

    seconds(None)
    pairs = []
    for k in range(8):
        folder = tempfile.mkdtemp()
        order = [None, str(Path(folder) / "s")][:: 1 if k % 2 else -1]
        taken = {store is None: seconds(store) for store in order}
        pairs.append((taken[True], taken[False]))
        shutil.rmtree(folder)
    plain, kept = (float(np.median(column)) for column in zip(*pairs, strict=True))
    over = float(np.median([b / a for a, b in pairs])) - 1
    rows = [
        Row("without a store", plain),
        Row("with a store", kept),
        Row("overhead, percent", 100 * over, goal=at_most(3, "%")),
    ]
    return Table(
        "A store beside a simulation", "s of CPU", rows, caption="signSGD, d = 1000, 200 runs."
    )


def tables(quick: bool) -> Iterator[Table]:
    """The plane, and the store."""
    count, few = (30, 4) if quick else (100, 10)
    entries = [
        Entry("limitlab, sweep", lambda: ours(count), count**2),
        Entry("jax.vmap over diffrax", lambda: theirs(few), few**2, "diffrax"),
    ]
    rows = contest(entries, {"diffrax": at_least(5)}, scale=1e6, rounds=3, budget=20.0)
    note = _accuracy(count)
    caption = f"{count} × {count} cells (the peer: {few} × {few}), one thread; {note}."
    yield Table("A plane of clipped SGD under Student noise", "µs a cell", rows, caption=caption)
    whole = (rows[0].value or math.nan) * count**2 * 1e-6
    total = [Row(f"{count**2} cells", whole, goal=None if quick else at_most(1.5, "s"))]
    yield Table("The whole plane", "s", total)
    yield stored()
