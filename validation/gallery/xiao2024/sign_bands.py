r"""One run of signSGD around its limit: the band of its own covariance and the published one.

A step has the covariance :math:`K_\sigma-mm^\top`; the SDE of arXiv 2411.12135 keeps the second
moment :math:`K_\sigma`. Both have the mean of the ODE and a spread of order :math:`d^{-1/2}`; for
K = I the published noise is wider by :math:`1/\sqrt{1-\phi(R)^2}` (derived here).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.core.curve import Curve
from ....solvers.solve import solve
from ....solvers.streaming.expectations import expectations
from ....theory.covariance import isotropic
from ....theory.methods import SignSGD
from ....theory.noise import Laplace
from ....theory.streaming.problem import LeastSquares
from ...agreement.compare import compare
from ...convergence.power_law import Slope, fit_slope
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, agreement, near
from ..look import (
    BAND,
    COLOURS,
    EXACT,
    PUBLISHED,
    RISK,
    RUNS,
    SHADE,
    SIMULATION,
    THEORY,
    TIME,
    band,
    outside_its_range,
    points,
    sheet,
)

TITLE = "runs of signSGD around the limit: the exact band, the published one, and both against d"
CAPTION = (
    "(a), (b) Single runs of signSGD in the smallest and the largest dimension with the band "
    "of the exact fluctuations (dashes) and of the published SDE (dots); (c) the spread over "
    "d. Take-away: all of it falls like the root of 1/d; the exact covariance subtracts the "
    "mean sign and is right, the published one is too wide."
)

#: the band holds this share of the runs between its edges
EDGES = (0.05, 0.95)
DRAWN = 8


@dataclass(frozen=True)
class Parameters:
    """Isotropic inputs with Laplace noise."""

    dimensions: tuple[int, ...] = (32, 128, 512)
    scale: float = 0.6
    rate: float = 0.4
    until: float = 2.0
    points: int = 41
    runs: int = 1000
    paths: int = 2000
    seed: int = 1


QUICK = Parameters()
FULL = Parameters(dimensions=(125, 500, 2000), runs=4000, paths=10_000)


@dataclass(frozen=True, eq=False)
class Data:
    """By dimension: runs, linear noise with either covariance, paths of the published SDE.

    ``compression`` is 1/√(1 − φ²) at the start.
    """

    runs: dict[int, Curve]
    exact: dict[int, Curve]
    published: dict[int, Curve]
    paths: dict[int, Curve]
    compression: float


def compute(parameters: Parameters) -> Data:
    """The same problem in every dimension."""
    p, method = parameters, SignSGD(parameters.rate)
    problems = {d: LeastSquares(isotropic(d), noise=Laplace(p.scale)) for d in p.dimensions}
    axis: dict[str, Any] = {"until": p.until, "points": p.points}
    runs, exact, published, paths = {}, {}, {}, {}
    # small dimensions are shown for the width of their band
    with outside_its_range():
        for d, problem in problems.items():
            seeds = [np.random.SeedSequence(p.seed, spawn_key=(d, k)) for k in range(2)]
            runs[d] = simulate(problem, method, runs=p.runs, seed=seeds[0], progress=False, **axis)
            noise: dict[str, Any] = {"times": runs[d].time, "limit": "fluctuations"}
            exact[d] = solve(problem, method, **noise)
            published[d] = solve(problem, method, diffusion="published", **noise)
            paths[d] = solve(
                problem,
                method,
                limit="sde",
                diffusion="published",
                paths=p.paths,
                seed=seeds[1],
                progress=False,
                **axis,
            )
    phi = float(expectations(problem, method).phi(problem.risk))
    return Data(runs, exact, published, paths, 1 / np.sqrt(1 - phi**2))


def draw(data: Data, width: str | float) -> HouseFigure:
    """Runs at the lowest and the highest dimension, and the spread against the dimension."""
    ends = min(data.runs), max(data.runs)

    def panels(axes: Any) -> None:
        for axis, d in zip(axes, ends, strict=False):
            _runs_panel(axis, data, d)
            axis.sharey(axes[0])
        _spread_panel(axes[-1], data)
        handles, names = axes[0].get_legend_handles_labels()
        axes[0].figure.legend(handles, names, loc="outside upper left", ncols=2)

    return sheet(panels, width, columns=3, aspect=0.95)


def _runs_panel(axis: Any, data: Data, d: int) -> None:
    colour, runs, exact = COLOURS["signSGD"], data.runs[d], data.exact[d]
    low, high = (runs.quantile("risk", level) for level in EDGES)
    band(axis, runs.time, low, high, colour)
    axis.plot(runs.time, runs.sample("risk")[:DRAWN].T, color=colour, linewidth=0.25, alpha=0.6)
    axis.plot(exact.time, exact.risk, color=colour, label="theory", **THEORY)
    for curve, style, name in (
        (exact, EXACT, r"5–95 %, covariance $K_\sigma-mm^\top$"),
        (data.paths[d], PUBLISHED, r"5–95 %, published SDE ($K_\sigma$)"),
    ):
        for level in EDGES:
            axis.plot(
                curve.time,
                curve.quantile("risk", level),
                color="black",
                label=name if level == EDGES[0] else None,
                **style,
            )
    points(axis, runs, colour)
    axis.plot([], [], color=colour, label=RUNS, **SIMULATION)
    axis.fill_between([], [], [], color=colour, alpha=SHADE, linewidth=0, label=BAND)
    axis.set(xlabel=TIME, ylabel=RISK, title=f"$d={d}$")


def _spread_panel(axis: Any, data: Data) -> None:
    sizes, (spread, error) = list(data.runs), _spreads(data)
    axis.errorbar(sizes, spread, 2 * error, color=COLOURS["signSGD"], elinewidth=0.6, **SIMULATION)
    for curves, style in ((data.exact, EXACT), (data.published, PUBLISHED)):
        axis.plot(sizes, [curve.std("risk")[-1] for curve in curves.values()], "k", **style)
    axis.set_yscale("log")
    axis.set(xscale="log", xlabel="dimension $d$", xticks=sizes, xticklabels=sizes)
    axis.set(ylabel=f"std. dev. of $R$ at $t={data.exact[sizes[0]].time[-1]:g}$")
    axis.minorticks_off()


def _spreads(data: Data) -> tuple[np.ndarray, np.ndarray]:
    """Standard deviation of the runs at the end by dimension, and its normal-theory error."""
    spread = np.array([runs.std("risk")[-1] for runs in data.runs.values()])
    counts = np.array([runs.runs for runs in data.runs.values()])
    return spread, spread / np.sqrt(2 * (counts - 1))


def spread_slope(data: Data) -> Slope:
    """Return the exponent of d in the spread of the runs."""
    return fit_slope(np.array(list(data.runs)), *_spreads(data))


def checks(data: Data) -> tuple[Check, ...]:
    """The mean and the exact band hold, the published band is too wide, both shrink as d^(-1/2)."""
    d = max(data.runs)
    runs, exact, published, paths = (
        part[d] for part in (data.runs, data.exact, data.published, data.paths)
    )
    spread, error = (part[-1] for part in _spreads(data))
    relative, slope = error / spread, spread_slope(data)
    widened = published.std("risk")[1] / exact.std("risk")[1]
    path_error = 1 / np.sqrt(2 * (paths.runs - 1))
    return (
        agreement(f"mean of the runs, d = {d}", compare(exact, runs)),
        near(
            f"spread of the runs over the exact band, d = {d}",
            spread / exact.std("risk")[-1],
            1,
            4 * relative + 1 / d,
            "4 standard errors, and O(1/d)",
        ),
        Check(
            "spread of the runs over the published band",
            spread / published.std("risk")[-1],
            0,
            1 - 4 * relative,
            "too wide, by 4 standard errors at least",
        ),
        near(
            "published over exact band at the first time",
            widened,
            data.compression,
            exact.time[1],
            "1/sqrt(1 - phi^2), order t",
        ),
        near(
            "spread of the published SDE's paths over its band",
            paths.std("risk")[-1] / published.std("risk")[-1],
            1,
            4 * path_error + 1 / d,
            "4 standard errors, and O(1/d)",
        ),
        near(
            "exponent of d in the spread",
            slope.value,
            -0.5,
            slope.high - slope.low,
            "95 % interval, twice",
        ),
    )
