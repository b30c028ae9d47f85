"""The regimes of the streaming theories: half of the eigenvalues are 2, half are ½."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...theory.covariance import from_eigenvalues
from ...theory.methods import (
    SGD,
    Adam,
    ClippedSGD,
    Huber,
    SignSGD,
)
from ...theory.noise import Laplace
from ...theory.streaming.problem import LeastSquares
from .regime import Regime, Study

NOISE = Laplace(0.6)
TIMES = (0.5, 1.0, 2.0, 4.0)
#: dimension where another thing is varied
SIZE = 400
BAND = {"limit": "fluctuations"}
SHARED = "Eigenvalues 2 and 1/2, Laplace noise of scale 0.6, R(0) = 1, t = 0.5, 1, 2, 4"


def problem(dimension: int, start: Any = None) -> LeastSquares:
    """Return the problem; `start` is scaled to the risk 1."""
    law = from_eigenvalues([2.0, 0.5], [dimension // 2, dimension // 2])
    if start is None:
        return LeastSquares(law, NOISE)
    error = np.asarray(start, dtype=float)
    return LeastSquares(law, NOISE, start=error / np.sqrt(law.diagonal @ error**2 / 2))


def starts(dimension: int) -> dict[str, np.ndarray]:
    """Starts from the broadest to the most localised."""
    one, tenth, half = (np.zeros(dimension) for _ in range(3))
    one[0], tenth[: dimension // 10], half[: dimension // 2] = 1, 1, 1
    return {"the eigenvalue 2": half, "a tenth of the coordinates": tenth, "one coordinate": one}


def studies() -> Iterator[Study]:
    """Yield the studies of the streaming theories, in the order of the page."""
    yield _study("SGD", SGD, 0.8, (0.3, 1.2, 1.5), (4, 16), runs=4000)
    yield _clipped()
    yield _study("Huber", lambda rate: Huber(rate, threshold=1.0), 0.8, (0.3, 3.0), (), runs=4000)
    yield _sign()
    yield _adam()


def row(label: str, learnt: LeastSquares, method: Any, runs: int, **limit: Any) -> Regime:
    return Regime(label, learnt, method, TIMES, runs, limit or BAND)


def _study(
    name: str,
    method: Callable[..., Any],
    rate: float,
    rates: tuple[float, ...],
    batches: tuple[int, ...],
    *,
    runs: int,
    more: tuple[Regime, ...] = (),
) -> Study:
    base = problem(SIZE)
    rows = [row(f"d = {d}", problem(d), method(rate), runs) for d in (50, 200, 800, 3200)]
    rows += [
        row(f"start on {where}", problem(SIZE, start), method(rate), runs)
        for where, start in starts(SIZE).items()
    ]
    rows += [row(f"rate {value:g}", base, method(value), runs) for value in rates]
    rows += [row(f"batch {b}", base, method(rate, batch=b), runs, limit="ode") for b in batches]
    rows += [row("limiting SDE", base, method(rate), runs, limit="sde", paths=4000)]
    rows += [
        row(
            "published SDE",
            base,
            method(rate),
            runs,
            limit="sde",
            diffusion="published",
            paths=4000,
        )
    ]
    shared = f"{SHARED}; d = {SIZE}, rate {rate:g} and one sample a step unless said; {runs} runs."
    return Study(name, shared, (*rows, *more))


def _clipped() -> Study:
    base = problem(SIZE)
    more = [
        row(
            f"batch {b}, {clip} clipped",
            base,
            ClippedSGD(0.8, 1.0, batch=b, clip=clip),
            runs,
            limit="ode",
        )
        for clip, runs in (("mean", 4000), ("per-sample", 400))
        for b in (4, 16)
    ]
    return _study(
        "Clipped SGD, threshold 1",
        lambda rate: ClippedSGD(rate, threshold=1.0),
        0.8,
        (0.3, 3.0),
        (),
        runs=4000,
        more=tuple(more),
    )


def _sign() -> Study:
    """signSGD moves every coordinate: fewer runs in fewer dimensions."""
    rate, base = 0.4, problem(SIZE)
    rows = [
        row(f"d = {d}", problem(d), SignSGD(rate), runs)
        for d, runs in ((50, 4000), (200, 2000), (800, 500))
    ]
    for where, start in starts(SIZE).items():
        there = problem(SIZE, start)
        rows += [row(f"start on {where}", there, SignSGD(rate), 1000)]
        rows += [
            row(
                f"start on {where}, correction='auto'",
                there,
                SignSGD(rate),
                1000,
                limit="ode",
                correction="auto",
            )
        ]
    rows += [row(f"rate {value:g}", base, SignSGD(value), 1000) for value in (0.1, 0.8, 1.6)]
    rows += [
        row(f"batch {b}, {how}", base, SignSGD(rate, batch=b, aggregate=how), 500, limit="ode")
        for how in ("sign-of-mean", "mean-of-signs", "majority-vote")
        for b in ((3, 15) if how == "majority-vote" else (4, 16))
    ]
    rows += [row("limiting SDE", base, SignSGD(rate), 1000, limit="sde", paths=1000)]
    rows += [
        row(
            "published SDE",
            base,
            SignSGD(rate),
            1000,
            limit="sde",
            diffusion="published",
            paths=1000,
        )
    ]
    shared = f"{SHARED}; d = {SIZE}, rate {rate:g} and one sample a step unless said; "
    return Study("signSGD", f"{shared}500 to 4000 runs.", tuple(rows))


def _adam() -> Study:
    """The limits of Adam are a conjecture; they have no band."""
    rate = 0.4
    memories = {
        "short memories, β₁ = .5, β₂ = .9": lambda d: Adam(rate, 0.5, 0.9),
        "slow variance, β₁ = .5, β₂ = 1 − .8/d": lambda d: Adam(rate, 0.5, 1 - 0.8 / d),
        "both slow, β₁ = 1 − 2/d, β₂ = 1 − .8/d": lambda d: Adam(rate, 1 - 2 / d, 1 - 0.8 / d),
    }
    rows = [
        row(f"{name}, d = {d}", problem(d), method(d), runs, limit="ode")
        for name, method in memories.items()
        for d, runs in ((200, 1000), (800, 300))
    ]
    shared = f"{SHARED}; rate {rate:g}; 300 or 1000 runs. The limits are a conjecture."
    return Study("Adam", shared, tuple(rows))
