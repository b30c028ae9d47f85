r"""SGD at a minimum that fits every example: the edge of the mean square, and that of single runs.

For orthogonal groups of σ identical examples: the fraction of runs that grow, over batch and rate,
with the exact edge of the mean square, the bound that summary numbers prove, the rate at which the
Lyapunov exponent of one run changes sign, and 2/η of gradient descent. Beside it E|w|² with the
median run. Setting of arXiv 2401.12332, formulas derived here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.core.curve import Curve
from ....solvers.sgd_stability.stability import group_exponent, sgd_stability
from ....solvers.solve import solve
from ....theory.methods import SGD
from ....theory.sgd_stability.problem import InterpolatingMinimum
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check
from ..look import REFERENCE, SEQUENCE, key, sheet

TITLE = "SGD where every example is fitted: mean square, sufficient bound, and single runs"
CAPTION = (
    "(a), (b) Share of runs that grow over batch and rate, with the edge of the mean square, "
    "a sufficient bound and the edge of single runs; (c) mean square and median run. Take-"
    "away: single runs are stable far beyond the edge of their mean square."
)


@dataclass(frozen=True)
class Parameters:
    """n examples in groups, batches, rates in units of 1/λ₁; runs, their horizon; seed."""

    data: int = 24
    groups: tuple[int, ...] = (24, 4)
    batches: tuple[int, ...] = (1, 2, 4, 6, 8, 12, 20)
    rates: tuple[float, ...] = tuple(np.linspace(0.15, 4.0, 19).tolist())
    horizon: int = 200
    runs: int = 40
    mean_batch: int = 6
    mean_rate: float = 1.9
    mean_steps: int = 40
    short: int = 6
    mean_runs: int = 50_000
    seed: int = 3


QUICK = Parameters()
FULL = Parameters(rates=tuple(np.linspace(0.1, 4.0, 60).tolist()), runs=200, mean_runs=400_000)


@dataclass(frozen=True, eq=False)
class Data:
    """By σ: fraction of growing runs (batch, rate), exponents likewise, and the edges by batch.

    ``edges`` holds (mean square, sufficient bound, last rise of the exponent through 0).
    """

    parameters: Parameters
    growing: dict[int, np.ndarray]
    exponents: dict[int, np.ndarray]
    edges: dict[int, np.ndarray]
    mean: tuple[Curve, Curve]


def method(rate: float, batch: int) -> SGD:
    """Bernoulli batches, the setting of the bound."""
    return SGD(rate, batch=batch, sampling="bernoulli")


def problem_of(p: Parameters, group: int) -> InterpolatingMinimum:
    """Groups in units in which λ_max(H) is 1."""
    return InterpolatingMinimum.groups(p.data, group, p.data / group)


def compute(parameters: Parameters) -> Data:
    """Runs of every cell, the edges, and a mean square."""
    p = parameters
    growing, exponents, edges = {}, {}, {}
    for group in p.groups:
        problem = problem_of(p, group)
        growing[group] = np.array(
            [[_growing(problem, r, b, p) for r in p.rates] for b in p.batches]
        )
        exponents[group] = np.array(
            [[group_exponent(problem, method(r, b)) for r in p.rates] for b in p.batches]
        )
        edges[group] = np.array([_edges(problem, b) for b in p.batches])
    problem, chosen = problem_of(p, p.groups[0]), method(p.mean_rate, p.mean_batch)
    times = np.arange(p.mean_steps + 1)
    runs = simulate(problem, chosen, times=times, runs=p.mean_runs, seed=p.seed, progress=False)
    theory = solve(problem, chosen, times=times)
    return Data(p, growing, exponents, edges, (theory, runs))


def _growing(problem: Any, rate: float, batch: int, p: Parameters) -> float:
    """Fraction of runs with |w|² above its start at the horizon."""
    runs = simulate(
        problem, method(rate, batch), p.horizon, points=2, runs=p.runs, seed=p.seed, progress=False
    )
    squares = runs.sample("mean_square")
    return float(np.mean(~(squares[:, -1] <= squares[:, 0])))


def _edges(problem: Any, batch: int) -> tuple[float, float, float]:
    found = sgd_stability(problem, method(1.0, batch))
    rates = np.linspace(0.05, 8.0, 800)
    signs = np.array([group_exponent(problem, method(r, batch)) for r in rates]) > 0
    last = rates[np.flatnonzero(~signs)[-1]]
    return found.edge, float(found.unstable_above or np.inf), float(last)


def draw(data: Data, width: str | float) -> HouseFigure:
    """A heat map for each σ, and the mean square beside the median."""
    p = data.parameters
    labels = {"mean square": "-", "sufficient bound": "--", "single runs": ":"}

    def panels(axes: Any) -> None:
        for axis, group in zip(axes, p.groups, strict=False):
            mesh = axis.pcolormesh(
                p.batches,
                p.rates,
                data.growing[group].T,
                cmap="cividis",
                vmin=0,
                vmax=1,
                shading="nearest",
            )
            lines = zip(data.edges[group].T, labels.values(), SEQUENCE[1:4], strict=True)
            for edge, style, colour in lines:
                axis.plot(p.batches, edge, linestyle=style, color="white", linewidth=2.4)
                axis.plot(p.batches, edge, linestyle=style, color=colour, linewidth=1.3)
            axis.axhline(2, **REFERENCE)
            axis.set(
                xlabel="batch",
                ylabel=r"rate $\cdot\lambda_1$",
                xscale="log",
                ylim=(p.rates[0], p.rates[-1]),
                title=rf"$\sigma={group}$",
            )
            axis.set_xticks([1, 2, 4, 8, 16], ["1", "2", "4", "8", "16"])
            axis.minorticks_off()
            axis.figure.colorbar(mesh, ax=axis, label="fraction growing")
        theory, runs = data.mean
        axes[2].semilogy(theory.time, theory.mean_square, color=SEQUENCE[1])
        axes[2].semilogy(runs.time, runs.mean_square, "o", markersize=2.4, color=SEQUENCE[0])
        median = np.median(runs.sample("mean_square"), axis=0)
        axes[2].semilogy(runs.time, np.maximum(median, 1e-12), color=SEQUENCE[3], linestyle=":")
        axes[2].set(
            xlabel="step",
            ylabel=r"$|w_t|^2$",
            title=rf"$\sigma={p.groups[0]}$, batch {p.mean_batch}, rate {p.mean_rate:g}",
        )
        styles = {
            n: {"linestyle": s, "color": c}
            for (n, s), c in zip(labels.items(), SEQUENCE[1:4], strict=True)
        }
        key(
            axes[0],
            styles
            | {
                "runs": {
                    "linestyle": "none",
                    "marker": "o",
                    "markersize": 2.4,
                    "color": SEQUENCE[0],
                }
            },
            columns=4,
        )

    return sheet(panels, width, rows=1, columns=3, aspect=0.95)


def checks(data: Data) -> tuple[Check, ...]:
    """The order of the edges, runs that follow the exponent, and the mean that they do not."""
    p, found = data.parameters, []
    for group in p.groups:
        edge, bound, single = data.edges[group].T
        found += [
            Check(
                f"sigma {group}: smallest sufficient bound over the edge",
                (bound / edge).min(),
                1.0,
                np.inf,
                "it proves instability",
            ),
            Check(
                f"sigma {group}: smallest edge of single runs over the edge",
                (single / edge).min(),
                0.995,
                np.inf,
                "Jensen's inequality, on a grid of rates",
            ),
        ]
    group = p.groups[0]
    exponent, share = data.exponents[group], data.growing[group]
    found += [
        Check(
            "one group: smallest fraction growing where the exponent is above 0.15",
            share[exponent > 0.15].min(),
            0.9,
            1.0,
            "drift of 30 against a spread of about 10",
        ),
        Check(
            "one group: largest fraction growing where it is below -0.15",
            share[(exponent < -0.15) & np.isfinite(exponent)].max(),
            0.0,
            0.1,
            "likewise",
        ),
        Check(
            "cells where most runs shrink although the mean square grows",
            _hidden(data, group),
            5,
            np.inf,
            "single runs are stable beyond the edge",
        ),
    ]
    theory, runs = data.mean
    early = slice(1, p.short + 1)
    gap = (runs.mean_square - theory.mean_square)[early] / runs.sem("mean_square")[early]
    median = np.median(runs.sample("mean_square")[:, -1])
    found += [
        Check(
            "largest |z| of the mean square over the first steps",
            np.abs(gap).max(),
            0.0,
            4.0,
            "standard errors",
        ),
        Check(
            "mean square at the end over its start",
            theory.mean_square[-1] / theory.mean_square[0],
            1.0,
            np.inf,
            "beyond its edge",
        ),
        Check(
            "median run at the end over its start",
            median / theory.mean_square[0],
            0.0,
            1e-2,
            "its exponent is negative",
        ),
        Check(
            "refuted bound over the edge at sigma = n, batch 6",
            2 / (p.data / group + p.data / 6 - 1) ** 0.5 / data.edges[group][p.batches.index(6), 0],
            0.0,
            0.99,
            "it calls stable rates unstable",
        ),
    ]
    return tuple(found)


def _hidden(data: Data, group: int) -> int:
    p = data.parameters
    beyond = np.array(p.rates)[None, :] > data.edges[group][:, :1]
    return int(np.sum(beyond & (data.growing[group] < 0.5)))
