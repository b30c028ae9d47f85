"""Greedy rates with the best threshold, a fixed fraction or a constant: what ignorance costs.

The best threshold needs the risk and the law of the noise; a fixed fraction of unclipped steps
needs neither, and is followed by a running quantile of the gradient norms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

from ....solvers.core.curve import Curve
from ....solvers.streaming.advice.schedule_rules import FixedFraction
from ....solvers.streaming.advice.schedules import Schedule, schedule_along
from ....theory.covariance import isotropic
from ....theory.methods import ClippedSGD
from ....theory.noise import GaussianMixture, Laplace, Noise, Uniform
from ....theory.schedules.running_quantile import RunningQuantile
from ....theory.streaming.problem import LeastSquares
from ...agreement.compare import interpolate
from ...figures.registry import LAWS, ordered
from ...figures.registry import colours as colours_of
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, beyond, tested
from ..look import (
    BAND,
    COLOURS,
    KINDS,
    REFERENCE,
    RISK,
    SIMULATION,
    THEORY,
    TIME,
    direct,
    key,
    pair,
    sheet,
    thin,
)

TITLE = "thresholds under the greedy rate: best, fixed fraction, constant; cost of ignorance"
CAPTION = (
    "(a) Risk under the best threshold and without clipping. (b), (c) The risk over the best "
    "one for a followed fraction p of unclipped steps and for constant thresholds. (d) What a "
    "fraction costs on three laws. Take-away: to clip a fixed share of the steps costs little "
    "on noise of rare outliers and never pays on uniform noise."
)

#: law whose paths are shown
SHOWN = "rare outliers"
BEST = r"$R/R_{\mathrm{best}}$"


@dataclass(frozen=True)
class Parameters:
    """Fractions of unclipped steps and constant thresholds, on three laws of noise."""

    dimension: int
    runs: int
    fractions: tuple[float, ...]
    followed: tuple[float, ...] = (0.1, 0.5, 0.9)
    thresholds: tuple[float, ...] = (0.1, 0.3, 1.0, 3.0)
    scale: float = 0.6
    gain: float = 10.0
    start: float = 1.0
    until: float = 20.0
    points: int = 41
    seed: int = 1


QUICK = Parameters(dimension=1000, runs=100, fractions=(0.1, 0.3, 0.5, 0.7, 0.9))
FULL = Parameters(
    dimension=4000, runs=400, fractions=(0.05, *(round(0.1 * k, 1) for k in range(1, 10)), 0.97)
)


@dataclass(frozen=True, eq=False)
class Data:
    """Paths on the shown law, and the cost R(T)/R_best(T) of every fraction on every law."""

    problem: LeastSquares
    best: Curve
    unclipped: Curve
    fractions: dict[float, Curve]
    constants: dict[float, Curve]
    best_runs: Curve
    fraction_runs: dict[float, Curve]
    grid: np.ndarray
    costs: dict[str, np.ndarray]


def _laws(scale: float) -> dict[str, Noise]:
    return {
        SHOWN: GaussianMixture((0.9, 0.1), (0.5 * scale, 4 * scale)),
        "Laplace": Laplace(scale),
        "uniform": Uniform(2 * scale),
    }


def compute(parameters: Parameters) -> Data:
    """The paths of one law, and the last risk on all."""
    p = parameters
    problems = {
        name: LeastSquares(isotropic(p.dimension), law) for name, law in _laws(p.scale).items()
    }
    problem = problems[SHOWN]
    best = schedule_along(problem, p.until)
    followed = {q: _following(problem, p, q) for q in p.followed}
    return Data(
        problem,
        best.curve,
        schedule_along(problem, p.until, threshold=np.inf).curve,
        {q: theory for q, (theory, _) in followed.items()},
        {c: schedule_along(problem, p.until, threshold=c).curve for c in p.thresholds},
        _runs(problem, best.method, p),
        {q: runs for q, (_, runs) in followed.items()},
        np.array(p.fractions),
        {name: _costs(one, p) for name, one in problems.items()},
    )


def _following(problem: LeastSquares, p: Parameters, fraction: float) -> tuple[Curve, Curve]:
    """Limit and runs of a threshold that follows the quantile of the norms it sees."""
    quantile = RunningQuantile(fraction, p.start, p.gain)
    limit: Schedule = schedule_along(problem, p.until, threshold=quantile)
    return limit.curve, _runs(problem, ClippedSGD(limit.rate, quantile), p)


def _runs(problem: LeastSquares, method: Any, p: Parameters) -> Curve:
    runs = simulate(problem, method, p.until, points=p.points, runs=p.runs, seed=p.seed)
    assert isinstance(runs, Curve)
    return runs


def _costs(problem: LeastSquares, p: Parameters) -> np.ndarray:
    rules = ("best", *map(FixedFraction, p.fractions))
    ends = [schedule_along(problem, p.until, threshold=rule).curve.risk[-1] for rule in rules]
    return np.array(ends[1:]) / ends[0]


def draw(data: Data, width: str | float) -> HouseFigure:
    """The risk; its excess over the best one in time; that at the end."""
    colours = {"best threshold": COLOURS["clipped SGD"], "no clipping": COLOURS["SGD"]}

    def panels(axes: Any) -> None:
        pair(axes[0], data.best, data.best_runs, colours["best threshold"], spread=True)
        plain = data.unclipped
        axes[0].plot(plain.time, plain.risk, color=colours["no clipping"], **THEORY)
        axes[0].set(yscale="log", ylabel=RISK, title=SHOWN)
        axes[1].set_title("fraction $p$ unclipped")
        _paths(axes[1], data, "p", data.fractions)
        axes[2].set_title("constant threshold $c$")
        _paths(axes[2], data, "c", data.constants)
        _ends(axes[3], data)
        for axis in axes[:3]:
            axis.set_xlabel(TIME)
        key(axes[0], KINDS, colours=colours, bands=(BAND,))

    return sheet(panels, width, rows=2, columns=2, aspect=0.66, strips=(0,))


def _paths(axis: Any, data: Data, letter: str, curves: dict[float, Curve]) -> None:
    """Draw the risk over the best one for the numbers of one rule."""
    axis.axhline(1, **(REFERENCE | {"color": COLOURS["clipped SGD"]}))
    axis.plot(*_relative(data, data.unclipped), color=COLOURS["SGD"], **THEORY)
    for (number, curve), colour in zip(curves.items(), ordered(list(curves)).values(), strict=True):
        axis.plot(*_relative(data, curve), color=colour, **THEORY)
        if letter == "p":
            time, cost = _relative(data, data.fraction_runs[number])
            at = thin(time, 12)
            axis.plot(time[at], cost[at], color=colour, **SIMULATION)
    axis.set(
        yscale="log", ylabel=BEST, ylim=(0.9, 8), yticks=(1, 2, 4), yticklabels=("1", "2", "4")
    )
    axis.minorticks_off()
    last = {number: float(_relative(data, curve)[1][-1]) for number, curve in curves.items()}
    shades = ordered(list(curves))
    direct(axis, {f"${letter}$ = {n:g}": (end, shades[n]) for n, end in last.items()})


def _relative(data: Data, curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    time = curve.time[1:]
    return time, curve.risk[1:] / interpolate(data.best.time, data.best.risk, time)


def _ends(axis: Any, data: Data) -> None:
    shades = colours_of(data.costs, registered=LAWS)
    for name, costs in data.costs.items():
        axis.plot(data.grid, costs, color=shades[name], **THEORY)
    measured = [_relative(data, runs)[1][-1] for runs in data.fraction_runs.values()]
    axis.plot(list(data.fraction_runs), measured, color=shades[SHOWN], **SIMULATION)
    axis.axhline(1, **REFERENCE)
    axis.set(
        xlabel="fraction $p$ of unclipped steps",
        ylabel=f"{BEST} at the end",
        title="cost of ignorance",
    )
    direct(axis, {name: (float(costs[-1]), shades[name]) for name, costs in data.costs.items()})


def checks(data: Data) -> tuple[Check, ...]:
    """Limits against runs, the best threshold by quadrature, and that nothing beats it."""
    others = (data.unclipped, *data.fractions.values(), *data.constants.values())
    ends = np.array([curve.risk[-1] for curve in others]) / data.best.risk[-1]
    quantiles = [
        tested(f"running quantile {fraction:g}", data.fractions[fraction], runs)
        for fraction, runs in data.fraction_runs.items()
    ]
    return (
        tested("best threshold", data.best, data.best_runs),
        *quantiles,
        *(_no_worse(data, fraction, runs) for fraction, runs in data.fraction_runs.items()),
        beyond(
            "smallest risk of another rule over the best",
            ends.min(),
            1,
            "the best threshold maximises mu^2/N at every risk",
        ),
        beyond(
            "uniform noise: least cost of a fraction",
            data.costs["uniform"].min(),
            1,
            "clipping cannot help there",
        ),
    )


def _no_worse(data: Data, fraction: float, runs: Curve) -> Check:
    """How far the best threshold's last risk is above a fraction's, in standard errors."""
    above = data.best_runs.risk[-1] - runs.risk[-1]
    error = np.hypot(data.best_runs.sem("risk")[-1], runs.sem("risk")[-1])
    return Check(
        f"runs: last risk of the best threshold above that of fraction {fraction:g}, in s.e.",
        float(above / error),
        -np.inf,
        float(norm.isf(1e-3 / len(data.fraction_runs))),
        "the best threshold maximises mu^2/N at every risk",
    )
