"""Private SGD: what the added noise costs, over its multiplier and the batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ....solvers.core.curve import Curve
from ....solvers.solve import solve
from ....theory.covariance import isotropic
from ....theory.methods import ClippedSGD
from ....theory.noise import Gaussian
from ....theory.streaming.problem import LeastSquares
from ...figures.registry import ordered
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, near, refuted, tested
from ..look import KINDS, RISK, TIME, direct, key, pair, sheet

TITLE = "private SGD: what the added noise costs"
CAPTION = (
    "Excess risk of per-sample clipping with Gaussian noise, multiplier σ, added to the mean of "
    "a batch. Lines are theory, markers runs with two standard errors. Take-away: the added noise "
    "falls like 1/B², that of the gradients like 1/B."
)


@dataclass(frozen=True)
class Parameters:
    """Dimension, noise, rate, and runs."""

    dimension: int = 400
    scale: float = 0.5
    rate: float = 0.8
    until: float = 3.0
    runs: int = 300
    seed: int = 11


QUICK = Parameters()
FULL = Parameters(dimension=800, runs=400)
#: batch and s
CASES = ((1, 0.0), (1, 0.5), (1, 1.0), (4, 2.0))
Data = dict[tuple[int, float], tuple[Curve, Curve]]


def compute(parameters: Parameters) -> Data:
    """Theory and runs of every case."""
    d = parameters.dimension
    problem = LeastSquares(isotropic(d), Gaussian(parameters.scale), initial_risk=0.5)
    found = {}
    for batch, s in CASES:
        noise = {"clip": "per-sample", "batch": batch, "noise_multiplier": s / d**0.5}
        method = ClippedSGD(parameters.rate, 1.0, **noise)
        theory = solve(problem, method, until=parameters.until, points=61)
        runs = simulate(
            problem,
            method,
            until=parameters.until,
            points=13,
            runs=parameters.runs,
            seed=parameters.seed,
        )
        found[batch, s] = theory, runs
    return found


def draw(data: Data, width: str | float) -> HouseFigure:
    """One panel."""

    def panel(axes: Any) -> None:
        axis, ends = axes[0], {}
        shades = ordered(sorted(data, key=lambda both: both[1]))
        for (batch, s), (theory, runs) in data.items():
            colour = shades[batch, s]
            pair(axis, theory, runs, colour)
            noise = rf"$\sigma = {s:g}/\sqrt{{d}}$" if s else "no noise added"
            ends[f"$B = {batch}$, {noise}"] = float(theory.risk[-1]), colour
        axis.set(yscale="log", xlabel=TIME, ylabel=RISK)
        direct(axis, ends)
        key(axis, KINDS)

    return sheet(panel, width, columns=1, aspect=0.6, strips=(0,))


def checks(data: Data) -> tuple[Check, ...]:
    """The numbers of an independent integration, the runs, and that more noise is told apart."""
    from ...agreement.compare import compare

    one, four = data[1, 0.5][0], data[4, 2.0][0]
    origin = "an independent integration, eight digits"
    return (
        near("risk at t = 3, B = 1, s = .5", one.risk[-1], 0.18994273, 1e-8, origin),
        near("risk at t = 3, B = 4, s = 2", four.risk[-1], 0.09044267, 1e-8, origin),
        *(tested(f"B = {b}, s = {s:g}: runs", *pair) for (b, s), pair in data.items()),
        refuted(
            "s = 1 against runs of s = .5",
            compare(data[1, 1.0][0], data[1, 0.5][1]),
            "another multiplier",
        ),
    )
