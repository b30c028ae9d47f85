"""How single runs of clipped SGD concentrate, and which of the two bands is theirs.

The published SDE has the mean of the algorithm and another spread: its diffusion lacks what the
gradient varies by along Kδ and in its length (derived here).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.core.curve import Curve
from ....solvers.solve import solve
from ....theory.covariance import isotropic
from ....theory.methods import ClippedSGD
from ....theory.noise import Laplace
from ....theory.streaming.problem import LeastSquares
from ...convergence.convergence import TIMES, convergence
from ...convergence.power_law import Convergence, Slope
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, near, tested
from ..look import (
    BAND,
    COLOURS,
    EXACT,
    HIGH,
    LOW,
    PUBLISHED,
    SIMULATION,
    THEORY,
    TIME,
    band,
    key,
    sheet,
)

TITLE = "concentration of clipped SGD: spread against dimension, and both bands over the runs"
CAPTION = (
    "(a) Relative spread of one run over d; (b) the band of single runs in time, in units of "
    "the limit, at d = {dimension}. Take-away: the spread falls like the root of 1/d, and the "
    "exact fluctuations are those of the runs; those of the published SDE are not."
)


#: of the relative spread
TICKS = (0.03, 0.05, 0.1, 0.2, 0.4)
#: every second time is one of `convergence`
POINTS = 2 * TIMES - 1


@dataclass(frozen=True)
class Parameters:
    """Isotropic data and Laplace noise."""

    dimension: int
    runs: int
    dimensions: tuple[int, ...]
    ensemble: int
    scale: float = 0.3
    rate: float = 1.2
    threshold: float = 1.5
    until: float = 3.0
    seed: int = 1


QUICK = Parameters(dimension=200, runs=2000, dimensions=(32, 64, 128, 256, 512), ensemble=2000)
FULL = Parameters(
    dimension=400, runs=10_000, dimensions=(32, 64, 128, 256, 512, 1024, 2048), ensemble=4000
)


@dataclass(frozen=True, eq=False)
class Data:
    """Slopes in d; the runs at one d with both predictions of their spread."""

    slopes: Convergence
    runs: Curve
    exact: Curve
    published: Curve
    dimension: int


def compute(parameters: Parameters) -> Data:
    """The spread over dimensions, then in time."""
    p = parameters
    method = ClippedSGD(p.rate, p.threshold)

    def problem(d: int) -> LeastSquares:
        return LeastSquares(isotropic(d), noise=Laplace(p.scale))

    exact, published = (
        solve(
            problem(p.dimension),
            method,
            p.until,
            points=POINTS,
            limit="fluctuations",
            diffusion=diffusion,
        )
        for diffusion in ("exact", "published")
    )
    runs = simulate(problem(p.dimension), method, p.until, points=POINTS, runs=p.runs, seed=p.seed)
    slopes = convergence(problem, method, p.dimensions, p.until, p.ensemble, p.seed)
    return Data(slopes, runs, exact, published, p.dimension)


def draw(data: Data, width: str | float) -> HouseFigure:
    """Spread against d; bands in time, in units of the limit."""
    colour = COLOURS["clipped SGD"]

    def panels(axes: Any) -> None:
        _slopes(axes[0], data)
        time, line = data.exact.time, data.exact.risk
        axes[1].axhline(1, color=colour, **THEORY)
        low, high = (data.runs.quantile("risk", level) / line for level in (LOW, HIGH))
        band(axes[1], data.runs.time, low, high, colour)
        for curve, look in ((data.exact, EXACT), (data.published, PUBLISHED)):
            for level in (LOW, HIGH):
                edge = curve.quantile("risk", level) / line
                axes[1].plot(time, edge, color=colour, **(look | {"linewidth": 1.4}))
        axes[1].set(
            xlabel=TIME,
            ylabel="risk of one run over the limit",
            title=f"single runs at $d$ = {data.dimension}",
        )
        lines = {"theory": THEORY, "exact fluctuations": EXACT, "published SDE": PUBLISHED}
        lines |= {"simulation, spread ± 2 s.e.": SIMULATION}
        key(axes[0], lines, colours={"clipped SGD": colour}, bands=(BAND,))

    return sheet(panels, width, columns=2)


def _slopes(axis: Any, data: Data) -> None:
    found, colour = data.slopes, COLOURS["clipped SGD"]
    d = found.dimensions
    axis.errorbar(d, found.spread, 2 * found.spread_error, color=colour, **SIMULATION)
    for curve, look in ((data.exact, EXACT), (data.published, PUBLISHED)):
        prediction = _spread(curve) * np.sqrt(data.dimension / d)
        axis.plot(d, prediction, color=colour, **(look | {"linewidth": 1.4}))
    slope = f"slope {found.spread_slope.value:.2f}".replace("-", "−")
    axis.annotate(
        slope, (d[0], found.spread[0]), xytext=(-2, -22), textcoords="offset points", fontsize=7
    )
    axis.set(
        xscale="log",
        yscale="log",
        xlabel="dimension $d$",
        title="concentration",
        ylabel="spread of one run over the limit",
        xticks=d,
        xticklabels=d,
        yticks=TICKS,
        yticklabels=map(str, TICKS),
    )
    axis.minorticks_off()


def _spread(curve: Curve) -> float:
    """Relative standard deviation of one run, root mean square over the times of `convergence`."""
    return float(np.sqrt(np.mean((curve.std() / curve.risk)[2::2] ** 2)))


def checks(data: Data) -> tuple[Check, ...]:
    """Slope −1/2; the exact spread is that of the runs, and the published one is not."""
    ratios = {
        name: _ratio(data, curve)
        for name, curve in (("exact", data.exact), ("published", data.published))
    }
    error = _error(data)
    return (
        _slope("slope of the spread in d", data.slopes.spread_slope, -0.5),
        tested("mean of the runs", data.exact, data.runs),
        near(
            "spread of the runs over the exact one",
            ratios["exact"],
            1,
            4 * error + 1 / data.dimension,
            "4 standard errors, and O(1/d)",
        ),
        Check(
            "|log| of the spread of the runs over the published one",
            abs(np.log(ratios["published"])),
            4 * error + 1 / data.dimension,
            np.inf,
            "the two bands differ",
        ),
    )


def _slope(name: str, slope: Slope, expected: float) -> Check:
    """The slope within twice its 95 % interval."""
    low, high = (slope.value + 2 * (end - slope.value) for end in (slope.low, slope.high))
    return Check(name, expected, low, high, "power law in d, twice the 95 % interval")


def _ratio(data: Data, theory: Curve) -> float:
    """Spread of the runs over a predicted one, at the last time."""
    return float(data.runs.std()[-1] / theory.std()[-1])


def _error(data: Data) -> float:
    """Relative standard error of the spread at the last time, from the fourth moment."""
    last = data.runs.sample()[:, -1]
    z = (last - last.mean()) / last.std()
    return float(0.5 * np.sqrt((np.mean(z**4) - 1) / last.size))
