"""Beyond rate · mean eigenvalue = 2 SGD blows up, and clipped SGD stalls at a finite risk."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.core.curve import Curve
from ....solvers.solve import solve
from ....solvers.streaming.advice.clipping.criteria import clipping_criteria
from ....solvers.streaming.stationary import stationary
from ....theory.core.errors import ValidityWarning
from ....theory.covariance import isotropic
from ....theory.methods import SGD, ClippedSGD
from ....theory.noise import Gaussian
from ....theory.streaming.problem import LeastSquares
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, near, tested
from ..look import BAND, COLOURS, KINDS, REFERENCE, RISK, SIMULATION, THEORY, TIME, key, pair, sheet

TITLE = "clipped and unclipped SGD beyond the edge of stability: plateau against blow-up"
CAPTION = (
    "(a) Risk at rate {beyond}, beyond the edge at 2: SGD blows up, clipped SGD stalls. (b) "
    "Where it stalls over the rate. Take-away: clipping has no edge; its plateau grows with "
    "the square of the rate."
)

#: rate · mean eigenvalue at which unclipped SGD loses its stationary risk
EDGE = 2.0
#: of a run, from where it is stationary
STATIONARY = 2 / 3


@dataclass(frozen=True)
class Parameters:
    """Isotropic data, one threshold; rates below and beyond the edge."""

    dimension: int
    runs: int
    scale: float = 0.5
    threshold: float = 0.5
    beyond: float = 3.0
    until: float = 6.0
    points: int = 31
    lowest_rate: float = 0.2
    highest_rate: float = 40.0
    rates: int = 60
    simulated: tuple[float, ...] = (0.5, 1.5, 4.0, 12.0)
    settling: float = 60.0
    seed: int = 1


QUICK = Parameters(dimension=2000, runs=100)
FULL = Parameters(dimension=4000, runs=300)


@dataclass(frozen=True, eq=False)
class Data:
    """Paths beyond the edge; stationary risks over the rate, and simulated ones."""

    parameters: Parameters
    clipped: Curve
    clipped_runs: Curve
    unclipped: Curve
    unclipped_runs: Curve
    rate: np.ndarray
    risk: np.ndarray
    unclipped_risk: np.ndarray
    law: np.ndarray
    settled: dict[float, tuple[Curve, Curve]]
    roots: dict[float, float]


def compute(parameters: Parameters) -> Data:
    """Paths at one rate, and the roots of the stationary equation at all."""
    with warnings.catch_warnings():  # what happens beyond the edge is what the figure shows
        warnings.simplefilter("ignore", ValidityWarning)
        return _computed(parameters)


def _computed(p: Parameters) -> Data:
    problem = LeastSquares(isotropic(p.dimension), noise=Gaussian(p.scale))
    methods = [ClippedSGD(p.beyond, p.threshold), SGD(p.beyond)]
    clipped, unclipped = (solve(problem, method, p.until, points=p.points) for method in methods)
    runs = simulate(problem, methods, p.until, points=p.points, runs=p.runs, seed=p.seed)
    rate = np.geomspace(p.lowest_rate, p.highest_rate, p.rates)
    return Data(
        p,
        clipped,
        runs[0],
        unclipped,
        runs[1],
        rate,
        np.array([_root(problem, ClippedSGD(one, p.threshold)) for one in rate]),
        np.array([_root(problem, SGD(one)) for one in rate]),
        clipping_criteria(problem).large_rate_risk(rate, p.threshold),
        {one: _settled(problem, p, one) for one in p.simulated},
        {one: _root(problem, ClippedSGD(one, p.threshold)) for one in p.simulated},
    )


def _root(problem: LeastSquares, method: Any) -> float:
    """The stationary risk; infinite where there is none."""
    roots = stationary(problem, method).roots
    return float(roots[0]) if roots.size else np.inf


def _settled(problem: LeastSquares, p: Parameters, rate: float) -> tuple[Curve, Curve]:
    """The limit and runs, over times (but the first one, 0) at which both stand still."""
    method = ClippedSGD(rate, p.threshold)
    times = np.linspace(STATIONARY * p.settling, p.settling, p.points)
    runs = simulate(problem, method, times=times, runs=p.runs, seed=p.seed)
    return solve(problem, method, times=times), runs


def draw(data: Data, width: str | float) -> HouseFigure:
    """The risk in time, and where it stalls."""
    colours = {name: COLOURS[name] for name in ("clipped SGD", "SGD")}

    def panels(axes: Any) -> None:
        pair(axes[0], data.unclipped, data.unclipped_runs, colours["SGD"], spread=True)
        pair(axes[0], data.clipped, data.clipped_runs, colours["clipped SGD"], spread=True)
        axes[0].set(
            yscale="log",
            xlabel=TIME,
            ylabel=RISK,
            title="beyond the edge",
        )
        axes[1].plot(data.rate, data.unclipped_risk, color=colours["SGD"], **THEORY)
        axes[1].plot(data.rate, data.risk, color=colours["clipped SGD"], **THEORY)
        axes[1].plot(data.rate, data.law, label="large-rate law", **REFERENCE)
        means, errors = np.transpose([_at_rest(runs) for _, runs in data.settled.values()])
        axes[1].errorbar(
            list(data.settled),
            means,
            2 * errors,
            color=colours["clipped SGD"],
            elinewidth=0.8,
            **(SIMULATION | {"zorder": 3}),
        )
        axes[1].axvline(EDGE, **(REFERENCE | {"linestyle": ":"}))
        axes[1].set(
            xscale="log",
            yscale="log",
            ylim=(data.risk[0] / 3, 3 * data.risk[-1]),
            xlabel=r"rate $\eta\,\bar\lambda$",
            ylabel=r"stationary risk $R_\infty$",
            title="where it stalls",
        )
        axes[1].annotate(
            "edge",
            (EDGE, data.risk[-1]),
            xytext=(-3, 0),
            ha="right",
            fontsize=7,
            textcoords="offset points",
            color="0.4",
        )
        axes[1].legend(loc="lower right")
        key(axes[0], KINDS, colours=colours, bands=(BAND,))

    return sheet(panels, width, columns=2, strips=(0,))


def _at_rest(runs: Curve) -> tuple[float, float]:
    """Mean over the times at rest, and its standard error over the runs."""
    each = runs.sample()[:, 1:].mean(axis=1)
    return float(each.mean()), float(each.std(ddof=1) / np.sqrt(each.size))


def checks(data: Data) -> tuple[Check, ...]:
    """Plateaus against runs, blow-up, the formula below the edge and the law far beyond it."""
    settled = [
        tested(f"settled at rate {rate:g}", theory, runs)
        for rate, (theory, runs) in data.settled.items()
    ]
    roots = [
        _resting(rate, data.roots[rate], theory, runs)
        for rate, (theory, runs) in data.settled.items()
    ]
    slope = np.diff(np.log(data.risk[-2:]))[0] / np.diff(np.log(data.rate[-2:]))[0]
    return (
        tested("beyond the edge, clipped", data.clipped, data.clipped_runs),
        _blow_up(data),
        Check(
            "unclipped: largest rate with a stationary risk",
            data.rate[np.isfinite(data.unclipped_risk)][-1],
            EDGE * data.rate[0] / data.rate[1],
            EDGE,
            "edge, one step of the grid",
        ),
        *settled,
        *roots,
        near(
            "exponent of the stationary risk at the largest rate",
            slope,
            2,
            2 / data.rate[-1],
            "next order in 1/rate",
        ),
        near(
            "stationary risk over the large-rate law",
            data.risk[-1] / data.law[-1],
            1,
            2 / data.rate[-1],
            "next order in 1/rate",
        ),
    )


def _resting(rate: float, root: float, theory: Curve, runs: Curve) -> Check:
    """Runs at rest over the root of the stationary equation."""
    mean, error = _at_rest(runs)
    announced = float(theory.diagnostics["finite_size"].max())
    return near(
        f"risk of the runs at rest over the root, rate {rate:g}",
        mean / root,
        1,
        4 * error / root + announced,
        "4 standard errors, and O(1/d) as announced",
    )


def _blow_up(data: Data) -> Check:
    """Growth of ln R of single unclipped runs a unit of time: g = η² − 2η where R is large.

    A step adds (g/d) Z² with a normal Z, so that the logarithm grows by g²/d less than R.
    """
    p = data.parameters
    late = data.unclipped_runs.time >= p.until / 2
    logs, time = np.log(data.unclipped_runs.sample()[:, late]), data.unclipped_runs.time[late]
    slopes = (logs[:, -1] - logs[:, 0]) / (time[-1] - time[0])
    growth = p.beyond**2 - 2 * p.beyond
    return near(
        "unclipped: growth of ln R of one run",
        slopes.mean(),
        growth - growth**2 / p.dimension,
        4 * slopes.std(ddof=1) / np.sqrt(slopes.size) + growth**2 / p.dimension,
        "eta^2 - 2 eta, 4 standard errors and the next order in 1/d",
    )
