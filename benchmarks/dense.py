"""signSGD with a dense covariance: samples by blocked products, against one product a sample."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import limitlab as ll

from .clipping import NOISE, RATE
from .clock import Call, time_one
from .contest import Entry, contest
from .report import Goal, Row, Table, at_least

DIMENSION = 1024


def problem() -> ll.LeastSquares:
    return ll.LeastSquares(ll.toeplitz(DIMENSION, correlation=0.5), ll.Gaussian(NOISE))


def ours(law: ll.LeastSquares, steps: int) -> Call:
    def call() -> np.ndarray:
        curve = ll.simulate(
            law,
            ll.SignSGD(RATE),
            times=[0, steps / DIMENSION],
            runs=1,
            seed=1,
            workers=1,
            progress=False,
        )
        return curve.samples["risk"][:, -1]

    return call


def sample_by_sample(law: ll.LeastSquares, steps: int) -> Call:
    """numpy, float32: x = F z for each step."""
    covariance = law.covariance
    factor = (covariance.eigenvectors * np.sqrt(covariance.eigenvalues)).astype(np.float32)
    generator = np.random.Generator(np.random.SFC64(1))
    step = np.float32(RATE / DIMENSION)

    def call() -> np.ndarray:
        delta = law.delta().astype(np.float32)
        z = np.empty(DIMENSION, dtype=np.float32)
        for _ in range(steps):
            generator.standard_normal(out=z, dtype=np.float32)
            x = factor @ z
            residual = x @ delta - NOISE * generator.standard_normal()
            delta -= step * np.sign(residual * x)
        return np.array([0.5 * delta @ covariance.matrix @ delta])

    return call


def machine_rate(rounds: int) -> float:
    """Floating-point operations a second of a product of two float32 matrices of this size."""
    generator = np.random.default_rng(1)
    first, second = generator.standard_normal((2, DIMENSION, DIMENSION), dtype=np.float32)
    out = np.empty_like(first)
    timing = time_one(lambda: np.matmul(first, second, out=out), rounds)
    return 2 * DIMENSION**3 / timing.best


def tables(quick: bool) -> Iterator[Table]:
    """One table: ns an element of a sample, and the share of the machine's sgemm rate."""
    law, steps, part = problem(), 2048 if quick else 8192, 256
    entries = [
        Entry("limitlab, simulate", lambda: ours(law, steps), steps * DIMENSION),
        Entry(
            "numpy, one product a sample",
            lambda: sample_by_sample(law, part),
            part * DIMENSION,
            "numpy",
        ),
    ]
    before = machine_rate(9)
    rounds = 3 if quick else 7
    rows = contest(entries, {"numpy": at_least(4)}, rounds=rounds, budget=3.0)
    rate = max(before, machine_rate(9))
    reached = 2 * DIMENSION * 1e9 / (rows[0].value or float("nan"))
    goal = Goal(80, of="value", unit="%")
    remark = f"{reached / 1e9:.0f} of {rate / 1e9:.0f} Gflop/s, normals and steps included (in %)"
    rows.append(Row("share of the machine's sgemm rate", 100 * reached / rate, None, goal, remark))
    caption = f"One run, float32 samples, float64 state in limitlab; d = {DIMENSION}; one thread."
    yield Table("Dense signSGD", "ns an element", rows, caption=caption)
