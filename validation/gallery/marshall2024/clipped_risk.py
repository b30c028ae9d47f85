"""Clipped SGD: the algorithm, the mean of its published SDE, and the risk ODE; beside SGD."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.core.curve import Curve
from ....solvers.solve import solve
from ....theory.covariance import Covariance, from_eigenvalues
from ....theory.methods import SGD, ClippedSGD
from ....theory.noise import Cauchy, Gaussian, Noise
from ....theory.streaming.problem import LeastSquares
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, tested
from ..look import BAND, COLOURS, KINDS, PUBLISHED, RISK, THEORY, TIME, key, pair, sheet

TITLE = "risk of clipped SGD under Gaussian and Cauchy noise: runs, published SDE and ODE"
CAPTION = (
    "Risk of clipped SGD and of SGD with the same drift at the start under Gaussian and "
    "Cauchy noise at d = {dimension}: limit, mean of the published SDE, runs; residuals "
    "below. Take-away: under Gaussian noise clipping gains nothing; under Cauchy noise SGD "
    "has no limit and clipping trains."
)

#: shade of clipped SGD for a curve that lies on another one of it
DARKER = "#003D2B"


@dataclass(frozen=True)
class Parameters:
    """Eigenvalues in geometric progression, equally frequent; noise of one scale."""

    dimension: int
    runs: int
    paths: int
    eigenvalues: int = 10
    condition: float = 8.0
    scale: float = 0.3
    rate: float = 1.5
    threshold: float = 0.5
    until: float = 6.0
    points: int = 41
    seed: int = 1


QUICK = Parameters(dimension=1000, runs=200, paths=60)
FULL = Parameters(dimension=2000, runs=400, paths=1000)


@dataclass(frozen=True, eq=False)
class Case:
    """One law of noise; SGD has no limit where its variance is infinite."""

    theory: Curve
    runs: Curve
    paths: Curve
    unclipped: Curve | None


@dataclass(frozen=True, eq=False)
class Data:
    """By law of noise."""

    cases: dict[str, Case]


def compute(parameters: Parameters) -> Data:
    """Both laws."""
    laws = {"Gaussian": Gaussian(parameters.scale), "Cauchy": Cauchy(parameters.scale)}
    return Data({name: _case(parameters, law) for name, law in laws.items()})


def _spectrum(p: Parameters) -> Covariance:
    values = np.geomspace(1, p.condition, p.eigenvalues)
    return from_eigenvalues(values / values.mean(), [p.dimension // p.eigenvalues] * values.size)


def _case(p: Parameters, law: Noise) -> Case:
    problem = LeastSquares(_spectrum(p), noise=law)
    clipped = ClippedSGD(p.rate, p.threshold)
    grid: dict[str, Any] = {"until": p.until, "points": p.points}
    paths = solve(
        problem, clipped, limit="sde", diffusion="published", paths=p.paths, seed=p.seed, **grid
    )
    runs = simulate(problem, clipped, runs=p.runs, seed=p.seed, **grid)
    finite = law.variance < float("inf")
    unclipped = solve(problem, SGD(p.rate), **grid) if finite else None
    return Case(solve(problem, clipped, **grid), runs, paths, unclipped)


def draw(data: Data, width: str | float) -> HouseFigure:
    """One panel a law."""
    colour = COLOURS["clipped SGD"]

    def panels(axes: Any) -> None:
        for axis, (name, case) in zip(axes, data.cases.items(), strict=True):
            pair(axis, case.theory, case.runs, colour, spread=True)
            # darker, since it lies on the line of the ODE
            axis.plot(
                case.paths.time,
                case.paths.risk,
                color=DARKER,
                **(PUBLISHED | {"linewidth": 1.5, "zorder": 3}),
            )
            if case.unclipped is not None:
                axis.plot(case.unclipped.time, case.unclipped.risk, color=COLOURS["SGD"], **THEORY)
            axis.set(
                yscale="log",
                ylim=(0.05, 1.1),
                xlabel=TIME,
                ylabel=RISK,
                title=f"{name} noise",
            )
        methods = {name: COLOURS[name] for name in ("clipped SGD", "SGD")}
        key(axes[0], KINDS | {"published SDE": PUBLISHED}, colours=methods, bands=(BAND,))

    return sheet(panels, width, columns=2, strips=(0, 1))


def checks(data: Data) -> tuple[Check, ...]:
    """The ODE against the runs and, as the SDE has its mean, against the paths."""
    return tuple(
        check
        for name, case in data.cases.items()
        for check in (
            tested(f"{name} noise, ODE against runs", case.theory, case.runs),
            tested(f"{name} noise, ODE against published SDE", case.theory, case.paths),
        )
    )
