"""No schedule of SGD recovers what clipping gains on rare outliers; on uniform noise it gains none.

The rate of SGD, and the pair of rate and threshold of clipped SGD, are controlled optimally to the
horizon, beside the best constants and the greedy schedules.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ....solvers.core.curve import Curve
from ....solvers.solve import solve
from ....solvers.streaming.advice.control.report import RecoveryReport, no_schedule_recovers
from ....theory.core.percent import percent
from ....theory.covariance import isotropic
from ....theory.noise import GaussianMixture, Noise, Uniform
from ....theory.streaming.problem import LeastSquares
from ...agreement.compare import MAX_DETECTABLE
from ...agreement.paired import paired_difference
from ...figures.registry import shade, woven
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, largest, near, tail, tested
from ..look import BAND, COLOURS, EXACT, KINDS, PUBLISHED, RISK, THEORY, TIME, key, pair, sheet

TITLE = "optimal control of SGD and of clipped SGD: what no schedule recovers"
CAPTION = (
    "Risk under the optimal schedules of SGD and of clipped SGD to the horizon, with runs at "
    "d = {dimension} on the same samples and their gap to the limit below, and under greedy "
    "schedules (dashes) and the best constants (dots): rare outliers (a), uniform noise (b). "
    "Take-away: on rare outliers the best schedule of SGD stays above every way to clip; on "
    "uniform noise the best clipping is none."
)

METHODS = ("SGD", "clipped SGD")
WAYS = {"greedy": EXACT, "constant": PUBLISHED}


@dataclass(frozen=True)
class Parameters:
    """Isotropic data; outliers by share and scales, uniform noise by half its width; horizon."""

    dimension: int
    runs: int
    outliers: float = 0.1
    usual_scale: float = 0.3
    outlier_scale: float = 2.5
    half_width: float = 1.2
    until: float = 6.0
    points: int = 31
    seed: int = 1


QUICK = Parameters(dimension=1000, runs=200)
FULL = Parameters(dimension=4000, runs=1000)


@dataclass(frozen=True, eq=False)
class Case:
    """One law: the report, limits by way and method, and runs of the optimal ones."""

    report: RecoveryReport
    theory: dict[tuple[str, str], Curve]
    runs: dict[str, Curve]


@dataclass(frozen=True, eq=False)
class Data:
    """By law of noise."""

    cases: dict[str, Case]


def compute(parameters: Parameters) -> Data:
    """A law on which clipping gains, and one on which it cannot."""
    p = parameters
    mixture = GaussianMixture((1 - p.outliers, p.outliers), (p.usual_scale, p.outlier_scale))
    laws = {"rare outliers": mixture, "uniform": Uniform(p.half_width)}
    return Data({name: _case(p, law) for name, law in laws.items()})


def _case(p: Parameters, law: Noise) -> Case:
    problem = LeastSquares(isotropic(p.dimension), law)
    report = no_schedule_recovers(problem, p.until)
    grid: dict[str, Any] = {"until": p.until, "points": p.points}
    found = {
        (way, name): report.methods[f"{way} {name.split()[0]}"]
        for way in ("optimal", *WAYS)
        for name in METHODS
    }
    theory = {which: solve(problem, method, **grid) for which, method in found.items()}
    best = [found["optimal", name] for name in METHODS]
    runs = simulate(problem, best, runs=p.runs, seed=p.seed, paired=True, progress=False, **grid)
    return Case(report, theory, dict(zip(METHODS, runs, strict=True)))


def draw(data: Data, width: str | float) -> HouseFigure:
    """One panel a law."""
    colours = {name: COLOURS[name] for name in METHODS}

    def panels(axes: Any) -> None:
        for axis, (law, case) in zip(axes, data.cases.items(), strict=True):
            for name, runs in case.runs.items():
                pair(axis, case.theory["optimal", name], runs, colours[name], spread=True)
            first = case.theory["optimal", "SGD"]
            # where both coincide they show in turns
            axis.plot(first.time, first.risk, color=colours["SGD"], linestyle=woven(1, 2))
            for (way, name), curve in case.theory.items():
                if way in WAYS:
                    look = _in_turns(WAYS[way], METHODS.index(name))
                    axis.plot(curve.time, curve.risk, color=shade(colours[name], 1), **look)
            title = f"{law}: ln gap {round(case.report.gap, 2) + 0:.2f}".replace("-", "−")
            axis.set(yscale="log", xlabel=TIME, ylabel=RISK, title=title)
        lines = {"theory, optimal": THEORY} | {f"theory, {way}": WAYS[way] for way in WAYS}
        lines |= {name: look for name, look in KINDS.items() if name != "theory"}
        key(axes[0], lines, 4, colours=colours, bands=(BAND,))

    return sheet(panels, width, columns=2, aspect=0.75, strips=(0, 1))


def _in_turns(look: dict[str, Any], rank: int) -> dict[str, Any]:
    """Dashes of one of two methods, which show in turns where both coincide."""
    _, (drawn, gap) = look["linestyle"]
    return look | {"linestyle": (rank * (drawn + gap), (drawn, drawn + 2 * gap))}


def checks(data: Data) -> tuple[Check, ...]:
    """Limits against runs; the gap of both optima, by its interval and by runs."""
    found = [
        tested(f"{law}, optimal {name}", case.theory["optimal", name], runs, of="drift")
        for law, case in data.cases.items()
        for name, runs in case.runs.items()
    ]
    gains, none = (case.report.interval for case in data.cases.values())
    paired = [_gain(case) for case in data.cases.values()]
    return (
        *found,
        Check(
            "rare outliers: least ln gap of the optima",
            gains[0],
            gains[1] - gains[0],
            np.inf,
            "its interval, and beyond what that leaves open",
        ),
        near(
            "uniform: distance from 0 of the interval of the ln gap of the optima",
            max(none[0], -none[1], 0.0),
            0,
            0,
            "there is no gap: the interval holds 0",
        ),
        Check(
            "uniform: width of that interval over the gap under rare outliers",
            (none[1] - none[0]) / gains[0],
            0,
            MAX_DETECTABLE,
            f"a gap of {percent(MAX_DETECTABLE)} of that would show",
        ),
        Check(
            "rare outliers: runs, gain of optimal clipping at the end, in s.e.",
            paired[0],
            4,
            np.inf,
            "paired differences",
        ),
        replace(
            largest("uniform: runs, |gain| of optimal clipping at the end, in s.e.", paired[1]),
            undecided=_seen(data.cases["uniform"]) > MAX_DETECTABLE,
        ),
    )


def _seen(case: Case) -> float:
    """Relative gain of the optimal clipping that runs in pairs would show."""
    difference = paired_difference(case.runs["SGD"], case.runs["clipped SGD"])
    return float(2 * tail(1e-3, 1) * difference.sem()[-1] / case.runs["SGD"].risk[-1])


def _gain(case: Case) -> float:
    """Paired difference of the last risks, SGD less clipped SGD, in standard errors."""
    difference = paired_difference(case.runs["SGD"], case.runs["clipped SGD"])
    error = difference.sem()[-1]
    return float(difference.risk[-1] / error) if error > 0 else 0.0
