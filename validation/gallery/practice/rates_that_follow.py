"""AdaGrad-Norm, with and without forgetting, beside exact line search and Polyak's step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ....solvers.core.curve import Curve
from ....solvers.solve import solve
from ....theory.covariance import power_law
from ....theory.methods import SGD
from ....theory.noise import Gaussian
from ....theory.schedules.following import AdaGradNorm, LineSearch, PolyakStep
from ....theory.streaming.problem import LeastSquares
from ...figures.registry import colours
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, near, tested
from ..look import KINDS, RISK, THEORY, TIME, key, pair, sheet

TITLE = "rates that follow the run: AdaGrad-Norm, line search and Polyak's step"
CAPTION = (
    "(a) Excess risk and (b) the rate over time. Lines are theory, markers runs with two standard "
    "errors. Take-away: the norms of the steps alone bring the rate down, more slowly than a line "
    "search on the population risk would."
)


@dataclass(frozen=True)
class Parameters:
    """Spectrum, noise, and runs."""

    dimension: int = 400
    exponent: float = 0.4
    scale: float = 0.5
    until: float = 6.0
    runs: int = 200
    seed: int = 7


QUICK = Parameters()
FULL = Parameters(dimension=800, runs=400)
METHODS = {
    "AdaGrad-Norm": SGD(AdaGradNorm(1.0, 1.0)),
    "AdaGrad-Norm, forgetting": SGD(AdaGradNorm(0.6, 1.0, 2.0)),
    "line search": SGD(LineSearch()),
    "Polyak": SGD(PolyakStep()),
}

Data = dict[str, tuple[Curve, Curve]]


def compute(parameters: Parameters) -> Data:
    """Theory and runs of every rate."""
    law = power_law(parameters.dimension, parameters.exponent)
    problem = LeastSquares(law, Gaussian(parameters.scale))
    found = {}
    for name, method in METHODS.items():
        theory = solve(problem, method, until=parameters.until, points=61)
        runs = simulate(
            problem,
            method,
            until=parameters.until,
            points=13,
            runs=parameters.runs,
            seed=parameters.seed,
        )
        found[name] = theory, runs
    return found


def draw(data: Data, width: str | float) -> HouseFigure:
    """Two panels."""

    def panels(axes: Any) -> None:
        shown = colours(data)
        for name, (theory, runs) in data.items():
            pair(axes[0], theory, runs, shown[name])
            axes[1].plot(theory.time, theory["rate"], color=shown[name], **THEORY)
        axes[0].set(yscale="log", xlabel=TIME, ylabel=RISK)
        axes[1].set(yscale="log", xlabel=TIME, ylabel=r"rate $\eta$")
        key(axes[0], KINDS, 4, colours=shown)

    return sheet(panels, width, columns=2, aspect=0.75, strips=(0,))


def checks(data: Data) -> tuple[Check, ...]:
    """Runs agree; the greedy rate starts where its formula says."""
    theory = data["line search"][0]
    law = power_law(theory.provenance["problem"]["dimension"], Parameters.exponent)
    # η* = R-weighted: Σ λ y/(Σ λ² n/d (2R + σ²)/1) at the even start, y ∝ λ
    start = law.second_moment / law.mean_eigenvalue * 2 / (law.second_moment * (2 + 0.25))
    return (
        *(tested(f"{name}: runs", *pair) for name, pair in data.items()),
        near("rate of the line search at the start", theory["rate"][0], start, 1e-9, "formula"),
    )
