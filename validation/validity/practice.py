"""The regimes of what people run: memories, rates that follow, added noise, random features."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...solvers.streaming.finite_size import mean_square_load
from ...theory.features.power_law import power_law_features
from ...theory.methods import (
    SGD,
    ClippedSGD,
    Huber,
    SignSGD,
    exponential,
    slow_memory,
    uniform,
)
from ...theory.schedules.following import AdaGradNorm, LineSearch, PolyakStep
from .regime import Regime, Study
from .streaming import SHARED, SIZE, problem, row

#: exponents (α, β) of random features: a slow and a quick decay of the inputs
EXPONENTS = ((0.7, 0.7), (1.2, 0.3))


def studies() -> Iterator[Study]:
    """Yield the studies in the order of the page."""
    yield _slow_momentum()
    yield _memories()
    yield _following()
    yield _private()
    yield _features()


def _slow_momentum() -> Study:
    """A slow momentum over dimensions and rates."""
    rate, base, slow = 0.8, problem(SIZE), slow_memory(2.0)
    rows = [
        row(f"momentum, d = {d}", problem(d), SGD(rate, momentum=slow), 4000)
        for d in (50, 200, 800)
    ]
    rows += [
        row(f"momentum, rate {value:g}", base, SGD(value, momentum=slow), 4000)
        for value in (0.3, 1.2)
    ]
    shared = f"{SHARED}; γ = 2, d = {SIZE} and rate {rate:g} unless said; 4000 runs."
    return Study("Slow momentum", shared, tuple(rows))


def _memories() -> Study:
    slow, lengthening = slow_memory(2.0), slow_memory("2/(1 + t)", direct=0.5)
    methods: dict[str, Any] = {
        "SGD, β = .9, Nesterov": SGD(0.08, momentum=0.9, nesterov=True),
        "SGD, γ = 2/(1 + t), κ = .5": SGD(0.6, momentum=lengthening),
        "SGD, weight decay .3": SGD(0.8, weight_decay=0.3),
        "clipped, γ = 2": ClippedSGD(0.8, 1.0, momentum=slow),
        "clipped, β = .8": ClippedSGD(0.16, 1.0, momentum=0.8),
        "Huber, γ = 2/(1 + t), κ = .5": Huber(0.6, 1.0, momentum=lengthening),
        "Huber, weight decay .3": Huber(0.8, 1.0, weight_decay=0.3),
        "signs, γ = 2": SignSGD(0.4, momentum=slow),
    }
    averages: dict[str, Any] = {
        "uniform average, SGD": SGD(0.8, average=uniform()),
        "exponential average, clipped": ClippedSGD(0.8, 1.0, average=exponential(1.0)),
        "uniform average, signs": SignSGD(0.4, average=uniform()),
    }
    rows = [
        _sized(f"{name}, d = {d}", d, method) for name, method in methods.items() for d in (50, 400)
    ]
    rows += [
        _sized(f"{name}, d = {d}", d, method, "average_risk")
        for name, method in averages.items()
        for d in (50, 400)
    ]
    shared = f"{SHARED}; rates .8 of SGD, .4 of signs, and as said; 4000 runs, of signs 1000."
    return Study("Memories and averages", shared, tuple(rows))


def _sized(label: str, d: int, method: Any, quantity: str | None = None) -> Regime:
    runs = 1000 if method.acts_on == "coordinate" else 4000
    limit = {"limit": "ode"} if quantity else {}
    base = row(label, problem(d), method, runs, **limit)
    return Regime(label, base.problem, method, base.times, runs, base.limit, quantity=quantity)


def _following() -> Study:
    rates: dict[str, Any] = {
        "AdaGrad-Norm": AdaGradNorm(1.0, 1.0),
        "AdaGrad-Norm with forgetting 1": AdaGradNorm(1.0, 1.0, 1.0),
        "line search": LineSearch(),
        "Polyak": PolyakStep(),
    }
    rows = [
        row(f"{name}, d = {d}", problem(d), SGD(rate), 1000)
        for name, rate in rates.items()
        for d in (50, 400)
    ]
    clipped = ClippedSGD(AdaGradNorm(1.0, 1.0), 1.0)
    rows.append(row("AdaGrad-Norm, clipped, d = 400", problem(SIZE), clipped, 1000))
    return Study("Rates that follow the run", f"{SHARED}; 1000 runs.", tuple(rows))


def _private() -> Study:
    rows = []
    for d, runs in ((100, 1000), (400, 400)):
        for s, batch in ((0.5, 1), (2.0, 4)):
            options = {"clip": "per-sample", "batch": batch, "noise_multiplier": s / d**0.5}
            method = ClippedSGD(0.8, 1.0, **options)
            limit = "fluctuations" if batch == 1 else "ode"
            label = f"σ √d = {s:g}, batch {batch}, d = {d}"
            rows.append(row(label, problem(d), method, runs, limit=limit))
    shared = f"{SHARED}; rate 0.8, threshold 1, every sample clipped; 400 or 1000 runs."
    return Study("Private SGD", shared, tuple(rows))


def _features() -> Study:
    rows = []
    for alpha, beta in EXPONENTS:
        for d in (100, 400):
            learnt = power_law_features(4 * d, d, alpha, beta)
            rate = 0.25 / mean_square_load(learnt, SGD(1.0))
            where = f"α = {alpha:g}, β = {beta:g}, d = {d}"
            slow = SGD(rate, momentum=slow_memory(2.0, direct=1.0))
            rows += [
                row(f"{where}, exact mean", learnt, SGD(rate), 2000, limit="exact"),
                row(f"{where}, ODE", learnt, SGD(rate), 2000, limit="ode"),
                row(f"{where}, slow momentum", learnt, slow, 2000, limit="exact"),
            ]
    shared = (
        "Deterministic features, v = 4 d, a quarter of the largest rate without momentum; with it "
        "γ = 2 and κ = 1; t = 0.5, 1, 2, 4; 2000 runs."
    )
    return Study("Power-law random features", shared, tuple(rows))
