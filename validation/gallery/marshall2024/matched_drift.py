"""Clipped SGD with the drift of SGD: less noise where μ²/ν > 1, more where μ²/ν < 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.core.curve import Curve
from ....solvers.solve import solve
from ....solvers.streaming.advice.clipping.criteria import clipping_criteria
from ....solvers.streaming.advice.schedule_rules import MatchedDrift
from ....solvers.streaming.advice.schedules import Schedule, schedule_along
from ....theory.covariance import isotropic
from ....theory.methods import SGD
from ....theory.noise import GaussianMixture, Noise, Rademacher
from ....theory.streaming.problem import LeastSquares
from ...agreement.paired import paired_difference
from ...figures.registry import LAWS
from ...figures.registry import colours as colours_of
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, beyond, tested
from ..look import BAND, COLOURS, KINDS, REFERENCE, RISK, THEORY, TIME, key, pair, sheet

TITLE = "clipped against unclipped SGD at equal drift: rare outliers, and noise of two values"
CAPTION = (
    "(a), (b) Clipped SGD with the drift of SGD on rare outliers and on noise of two values; "
    "(c) the criterion along the path. Take-away: the ratio μ²/ν says which one is noisier "
    "before a run is made."
)


@dataclass(frozen=True)
class Parameters:
    """The rate of SGD, the threshold, and two laws of noise."""

    dimension: int
    runs: int
    rate: float = 0.6
    threshold: float = 0.6
    outliers: float = 0.1
    usual_scale: float = 0.3
    outlier_scale: float = 2.5
    two_values: float = 0.8
    initial_risk: float = 0.4
    until: float = 8.0
    points: int = 41
    seed: int = 1


QUICK = Parameters(dimension=1000, runs=200)
FULL = Parameters(dimension=4000, runs=1000)


@dataclass(frozen=True, eq=False)
class Pair:
    """Both methods on one law, fed the same samples, and μ²/ν along the clipped path."""

    clipped: Curve
    unclipped: Curve
    clipped_runs: Curve
    unclipped_runs: Curve
    ratio: np.ndarray


@dataclass(frozen=True, eq=False)
class Data:
    """By law of noise."""

    pairs: dict[str, Pair]


def compute(parameters: Parameters) -> Data:
    """A law on which the criterion holds, and one on which it fails."""
    p = parameters
    mixture = GaussianMixture((1 - p.outliers, p.outliers), (p.usual_scale, p.outlier_scale))
    laws = {"rare outliers": mixture, "two values": Rademacher(p.two_values)}
    return Data({name: _pair(p, law) for name, law in laws.items()})


def _pair(p: Parameters, law: Noise) -> Pair:
    problem = LeastSquares(isotropic(p.dimension), law, initial_risk=p.initial_risk)
    unclipped = SGD(p.rate)
    scheduled: Schedule = schedule_along(
        problem, p.until, rate=MatchedDrift(p.rate), threshold=p.threshold
    )
    methods = [scheduled.method, unclipped]
    clipped_runs, unclipped_runs = simulate(
        problem, methods, p.until, points=p.points, runs=p.runs, seed=p.seed, paired=True
    )
    ratio = clipping_criteria(problem).comparison_ratio(scheduled.curve.risk, p.threshold)
    theory = solve(problem, unclipped, p.until)
    return Pair(scheduled.curve, theory, clipped_runs, unclipped_runs, ratio)


def draw(data: Data, width: str | float) -> HouseFigure:
    """The risk on either law, and the criterion on both."""
    colours = {name: COLOURS[name] for name in ("clipped SGD", "SGD")}

    def panels(axes: Any) -> None:
        for axis, (name, both) in zip(axes, data.pairs.items(), strict=False):
            pair(axis, both.unclipped, both.unclipped_runs, colours["SGD"], spread=True)
            pair(axis, both.clipped, both.clipped_runs, colours["clipped SGD"], spread=True)
            axis.set(yscale="log", ylabel=RISK, title=name)
        shades = colours_of(data.pairs, registered=LAWS)
        for name, both in data.pairs.items():
            colour = shades[name]
            axes[2].plot(both.clipped.time, both.ratio, color=colour, **THEORY)
            axes[2].annotate(
                name,
                (both.clipped.time[-1], both.ratio[-1]),
                color=colour,
                xytext=(0, -4),
                textcoords="offset points",
                ha="right",
                va="top",
                fontsize=7,
            )
        axes[2].axhline(1, **REFERENCE)
        axes[2].set(
            yscale="log",
            ylim=(0.4, 5),
            yticks=(0.5, 1, 2, 4),
            yticklabels=("0.5", "1", "2", "4"),
            title="criterion",
            ylabel=r"$\mu^2/\nu$ on the clipped path",
        )
        axes[2].minorticks_off()
        for axis in axes:
            axis.set_xlabel(TIME)
        key(axes[0], KINDS, colours=colours, bands=(BAND,))

    return sheet(panels, width, columns=3, aspect=0.95, strips=(0, 1))


def checks(data: Data) -> tuple[Check, ...]:
    """All four limits against runs, and the sign of the paired difference."""
    agreements = [
        check
        for name, pair in data.pairs.items()
        for check in (
            tested(f"{name}, clipped", pair.clipped, pair.clipped_runs),
            tested(f"{name}, unclipped", pair.unclipped, pair.unclipped_runs),
        )
    ]
    gains, fails = data.pairs.values()
    return (
        *agreements,
        beyond("outliers: premise, smallest mu^2/nu", gains.ratio.min(), 1, "criterion"),
        beyond("two values: premise, smallest nu/mu^2", (1 / fails.ratio).min(), 1, "criterion"),
        Check(
            "outliers: paired gain at the end, in standard errors",
            _gain(gains),
            4,
            np.inf,
            "the criterion holds on the path",
        ),
        Check(
            "two values: paired gain at the end, in standard errors",
            _gain(fails),
            -np.inf,
            -4,
            "the criterion fails on the path",
        ),
    )


def _gain(pair: Pair) -> float:
    difference = paired_difference(pair.unclipped_runs, pair.clipped_runs)
    return float(difference.risk[-1] / difference.sem()[-1])
