"""Power-law random features with and without slow momentum: curves against runs, frontiers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.core.curve import Curve
from ....solvers.solve import solve
from ....solvers.streaming.finite_size import mean_square_load
from ....theory.features.power_law import power_law_features
from ....theory.methods import SGD, Method, slow_memory
from ...figures.registry import colours
from ...figures.style import HouseFigure
from ...frontier.frontier import Frontier, compute_frontier
from ...simulate import simulate
from ..check import Check, below, beyond, near, refuted, tested
from ..look import KINDS, THEORY, TIME, direct, key, pair, sheet

TITLE = "power-law random features with and without slow momentum"
CAPTION = (
    "(a) Loss of SGD on {dimension} features, and with a memory beside it: the exact means, and "
    "runs with two standard errors; (b) frontiers of loss against compute, every dimension at the "
    "same share of its edge. Take-away: a memory that is kept adds noise in the end, one that "
    "lengthens does not; both lower the curve before, and the exponent of the frontier stays."
)


@dataclass(frozen=True)
class Parameters:
    """Exponents of inputs and target, features, horizon, runs, and the dimensions of (b)."""

    dimension: int
    runs: int
    until: float = 16.0
    alpha: float = 0.8
    beta: float = 0.2
    share: float = 0.3
    forgetting: float = 2.0
    points: int = 21
    sizes: tuple[int, ...] = (50, 100, 200, 400, 800, 1600)
    seed: int = 7


QUICK = Parameters(dimension=200, runs=800, sizes=(50, 100, 200, 400, 800))
FULL = Parameters(dimension=400, runs=800, sizes=(50, 100, 200, 400, 800, 1600, 3200))
NAMES = ("SGD", "memory that is kept", "memory that lengthens")


@dataclass(frozen=True, eq=False)
class Data:
    """Theory and runs by name, a theory at another rate, and the two frontiers."""

    pairs: dict[str, tuple[Curve, Curve]]
    faster: Curve
    frontiers: dict[str, Frontier]


def methods_of(p: Parameters, rate: float) -> dict[str, Method]:
    """SGD, and the same with a memory beside the gradient."""
    kept = slow_memory(p.forgetting, direct=1.0)
    lengthening = slow_memory(f"{p.forgetting}/(1 + t)", direct=1.0)
    methods = (SGD(rate), SGD(rate, momentum=kept), SGD(rate, momentum=lengthening))
    return dict(zip(NAMES, methods, strict=True))


def compute(parameters: Parameters) -> Data:
    """Solve, simulate, and take the frontiers."""
    p, d = parameters, parameters.dimension
    problem = power_law_features(4 * d, d, p.alpha, p.beta)
    rate = p.share / mean_square_load(problem, SGD(1.0))
    steps = np.unique(np.rint(np.geomspace(4, p.until * d, p.points)))
    times = np.concatenate([[0.0], steps / d])
    pairs = {
        name: (
            solve(problem, method, times=times, limit="exact"),
            simulate(problem, method, times=times, runs=p.runs, seed=p.seed),
        )
        for name, method in methods_of(p, rate).items()
    }
    wrong = methods_of(p, 1.3 * rate)[NAMES[1]]
    faster = solve(problem, wrong, times=times, limit="exact")
    return Data(pairs, faster, {name: _frontier(p, name) for name in NAMES[:2]})


def _frontier(p: Parameters, name: str) -> Frontier:
    def method(_: Any, rate: float) -> Method:
        return methods_of(p, rate)[name]

    options: dict[str, Any] = {"fraction": p.share, "method": method, "limit": "exact"}
    return compute_frontier(p.alpha, p.beta, p.sizes, **options)


def draw(data: Data, width: str | float) -> HouseFigure:
    """Curves with their residuals, and frontiers."""
    shown = colours(NAMES)

    def panels(axes: Any) -> None:
        for name, (theory, runs) in data.pairs.items():
            axes[0].set(xscale="log", yscale="log")
            pair(axes[0], theory, runs, shown[name], quantity="loss")
        axes[0].set(xlabel=TIME, ylabel="loss")
        ends = {}
        for name, frontier in data.frontiers.items():
            exponent = frontier.exponents["loss"][0]
            label = rf"compute$^{{-{exponent:.3f}}}$"
            axes[1].plot(frontier.compute, frontier.loss, color=shown[name], **THEORY)
            ends[label] = float(frontier.loss[-1]), shown[name]
        axes[1].set(xscale="log", yscale="log")
        axes[1].set(xlabel="compute: parameters × samples", ylabel="loss on the frontier")
        direct(axes[1], ends)
        key(axes[0], KINDS, colours=shown)

    return sheet(panels, width, columns=2, aspect=0.8, strips=(0,))


def checks(data: Data) -> tuple[Check, ...]:
    """Exact means against runs, a wrong rate, what a memory gains, and the exponents."""
    from ...agreement.compare import compare

    plain, kept, longer = (data.pairs[name][0]["loss"] for name in NAMES)
    fits = [data.frontiers[name].exponents["loss"] for name in NAMES[:2]]
    wide = float(np.linalg.norm([(high - low) / 2 for _, low, high in fits]))
    return (
        *(tested(name, *both, "loss", within=0.1, of="drift") for name, both in data.pairs.items()),
        refuted(
            "rate 30 % larger, with a memory",
            compare(data.faster, data.pairs[NAMES[1]][1], "loss"),
            "another rate",
        ),
        below("least loss with a memory over SGD", (longer / plain).min(), 1, "exact means"),
        beyond(
            "what is kept over what lengthens, at the end", kept[-1] / longer[-1], 1, "exact means"
        ),
        near(
            "difference of the exponents",
            fits[1][0] - fits[0][0],
            0,
            wide,
            "the same phase; the intervals of both",
        ),
    )
