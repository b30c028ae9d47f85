"""Clipped SGD: the algorithm, the mean of its published SDE, and the risk ODE; beside SGD."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.core.curve import Curve
from ....solvers.solve import solve
from ....solvers.streaming.advice.schedule_rules import MatchedDrift
from ....solvers.streaming.advice.schedules import schedule_along
from ....theory.covariance import Covariance, from_eigenvalues
from ....theory.methods import SGD
from ....theory.noise import Cauchy, Gaussian, Noise
from ....theory.streaming.problem import LeastSquares
from ...agreement.paired import paired_difference
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, tested
from ..look import BAND, COLOURS, KINDS, PUBLISHED, RISK, TIME, key, pair, sheet

TITLE = "risk of clipped SGD under Gaussian and Cauchy noise: runs, published SDE and ODE"
CAPTION = (
    "Risk of SGD and of clipped SGD at the same drift, under Gaussian (a) and Cauchy noise (b) at "
    "d = {dimension}: limits, mean of the published SDE, runs on the same samples, and their gap "
    "to the limit below. Take-away: under Gaussian noise clipping cannot gain, it only adds noise; "
    "under Cauchy noise SGD has no limit, and clipped SGD trains."
)

#: shade of clipped SGD for a curve that lies on another one of it
DARKER = "#003D2B"


@dataclass(frozen=True)
class Parameters:
    """Eigenvalues in geometric progression, equally frequent; noise of one scale; the rate of SGD,
    whose drift clipped SGD takes over."""

    dimension: int
    runs: int
    paths: int
    eigenvalues: int = 10
    condition: float = 8.0
    scale: float = 0.3
    rate: float = 0.7
    threshold: float = 0.3
    until: float = 6.0
    points: int = 41
    seed: int = 1


QUICK = Parameters(dimension=1000, runs=200, paths=60)
FULL = Parameters(dimension=2000, runs=400, paths=1000)


@dataclass(frozen=True, eq=False)
class Case:
    """One law of noise; SGD has neither limit nor runs where its variance is infinite."""

    theory: Curve
    runs: Curve
    paths: Curve
    unclipped: tuple[Curve, Curve] | None


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
    scheduled = schedule_along(problem, p.until, rate=MatchedDrift(p.rate), threshold=p.threshold)
    grid: dict[str, Any] = {"until": p.until, "points": p.points}
    paths = solve(
        problem,
        scheduled.method,
        limit="sde",
        diffusion="published",
        paths=p.paths,
        seed=p.seed,
        **grid,
    )
    methods: list[Any] = [scheduled.method]
    finite = law.variance < float("inf")
    if finite:
        methods.append(SGD(p.rate))
    runs = simulate(problem, methods, runs=p.runs, seed=p.seed, paired=finite, **grid)
    theories = [solve(problem, method, **grid) for method in methods]
    return Case(theories[0], runs[0], paths, (theories[1], runs[1]) if finite else None)


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
                pair(axis, *case.unclipped, COLOURS["SGD"], spread=True)
            else:
                axis.text(
                    0.95,
                    0.85,
                    r"SGD: no limit, $\sigma^2=\infty$",
                    ha="right",
                    transform=axis.transAxes,
                    color=COLOURS["SGD"],
                )
            axis.set(
                yscale="log",
                xlabel=TIME,
                ylabel=RISK,
                title=f"{name} noise",
            )
        methods = {name: COLOURS[name] for name in ("clipped SGD", "SGD")}
        key(axes[0], KINDS | {"published SDE": PUBLISHED}, colours=methods, bands=(BAND,))

    return sheet(panels, width, columns=2, strips=(0, 1))


def checks(data: Data) -> tuple[Check, ...]:
    """The ODE against the runs and, as the SDE has its mean, against the paths; that clipping does
    not gain under Gaussian noise, on the same samples."""
    found = []
    for name, case in data.cases.items():
        found += [
            tested(f"{name} noise, ODE against runs", case.theory, case.runs),
            tested(f"{name} noise, ODE against published SDE", case.theory, case.paths),
        ]
        if case.unclipped is not None:
            found += [tested(f"{name} noise, SGD", *case.unclipped), _loss(name, case)]
    return tuple(found)


def _loss(name: str, case: Case) -> Check:
    """Paired difference of the last risks, clipped less plain, in standard errors."""
    assert case.unclipped is not None
    difference = paired_difference(case.runs, case.unclipped[1])
    return Check(
        f"{name} noise: risk of clipped SGD above that of SGD at equal drift, in s.e.",
        float(difference.risk[-1] / difference.sem()[-1]),
        4,
        np.inf,
        "mu^2/nu < 1 for Gaussian residuals, by Cauchy and Schwarz",
    )
