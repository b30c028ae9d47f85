r"""SGD at a minimum that fits every example: the edge of the mean square, and that of single runs.

For orthogonal groups of σ identical examples: the fraction of runs that grow, over batch and σ at
one rate and over batch and rate at two σ, with the exact edge of the mean square, the bound that
summary numbers prove, the place at which the Lyapunov exponent of one run changes sign, and 2/η of
gradient descent. Beside it E|w|² with the median run. Setting of arXiv 2401.12332, formulas derived
here.
"""

from __future__ import annotations

from collections.abc import Callable
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
    "Share of runs that grow (a) over batch and coherence σ at a rate at which gradient descent is "
    "stable, (b), (c) over batch and rate at two σ, with the edge of the mean square, a sufficient "
    "bound and the edge of single runs; (d) mean square and median run. Take-away: single runs "
    "are stable far beyond the edge of their mean square."
)


@dataclass(frozen=True)
class Parameters:
    """n examples in groups, batches, rates in units of 1/λ₁; runs, their horizon; seed.

    The plane of batch and σ is at ``plane_rate``, below 2/λ₁.
    """

    data: int = 24
    groups: tuple[int, ...] = (24, 4)
    batches: tuple[int, ...] = (1, 2, 4, 6, 8, 12, 20)
    rates: tuple[float, ...] = tuple(np.linspace(0.15, 4.0, 19).tolist())
    sigmas: tuple[int, ...] = (1, 2, 3, 4, 6, 8, 12, 24)
    plane_rate: float = 1.6
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

    ``edges`` holds (mean square, sufficient bound, last rise of the exponent through 0). On the
    plane of batch and σ: the fraction growing, the exponents, and edge and bound.
    """

    parameters: Parameters
    growing: dict[int, np.ndarray]
    exponents: dict[int, np.ndarray]
    edges: dict[int, np.ndarray]
    mean: tuple[Curve, Curve]
    plane: np.ndarray
    plane_exponents: np.ndarray
    plane_edges: np.ndarray


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
    cells = [[(problem_of(p, s), b) for s in p.sigmas] for b in p.batches]
    rate = p.plane_rate

    def over(number: Callable[[InterpolatingMinimum, int], Any]) -> np.ndarray:
        return np.array([[number(*cell) for cell in row] for row in cells])

    return Data(
        p,
        growing,
        exponents,
        edges,
        (theory, runs),
        over(lambda problem, b: _growing(problem, rate, b, p)),
        over(lambda problem, b: group_exponent(problem, method(rate, b))),
        over(lambda problem, b: _mean_square(problem, b)),
    )


def _growing(problem: Any, rate: float, batch: int, p: Parameters) -> float:
    """Fraction of runs with |w|² above its start at the horizon."""
    runs = simulate(
        problem, method(rate, batch), p.horizon, points=2, runs=p.runs, seed=p.seed, progress=False
    )
    squares = runs.sample("mean_square")
    return float(np.mean(~(squares[:, -1] <= squares[:, 0])))


def _mean_square(problem: Any, batch: int) -> tuple[float, float]:
    """The edge of the mean square, and the sufficient bound."""
    found = sgd_stability(problem, method(1.0, batch))
    return found.edge, float(found.unstable_above or np.inf)


def _edges(problem: Any, batch: int) -> tuple[float, float, float]:
    rates = np.linspace(0.05, 8.0, 800)
    signs = np.array([group_exponent(problem, method(r, batch)) for r in rates]) > 0
    last = rates[np.flatnonzero(~signs)[-1]]
    return (*_mean_square(problem, batch), float(last))


LABELS = {"mean square": "-", "sufficient bound": "--", "single runs": ":"}


def draw(data: Data, width: str | float) -> HouseFigure:
    """The plane of batch and σ, a heat map for each of two σ, and the mean square."""
    p = data.parameters

    def panels(axes: Any) -> None:
        _plane(axes[0], data)
        for axis, group in zip(axes[1:], p.groups, strict=False):
            _shade(axis, p, p.rates, data.growing[group])
            lines = zip(data.edges[group].T, LABELS.values(), SEQUENCE[1:4], strict=True)
            for edge, style, colour in lines:
                axis.plot(p.batches, edge, linestyle=style, color="white", linewidth=2.4)
                axis.plot(p.batches, edge, linestyle=style, color=colour, linewidth=1.3)
            axis.axhline(2, **REFERENCE)
            axis.set(
                ylabel=r"rate $\cdot\lambda_1$",
                ylim=(p.rates[0], p.rates[-1]),
                title=rf"$\sigma={group}$",
            )
        _mean(axes[3], data)
        runs = {"linestyle": "none", "marker": "o", "markersize": 2.4, "color": SEQUENCE[0]}
        styles: dict[str, dict[str, Any]] = {
            n: {"linestyle": s, "color": c}
            for (n, s), c in zip(LABELS.items(), SEQUENCE[1:4], strict=True)
        }
        key(axes[0], styles | {"runs": runs}, columns=4)

    return sheet(panels, width, rows=2, columns=2, aspect=0.75)


def _shade(axis: Any, p: Parameters, over: Any, share: np.ndarray) -> None:
    """The fraction of growing runs, and the axis of the batch."""
    mesh = axis.pcolormesh(
        p.batches, over, share.T, cmap="cividis", vmin=0, vmax=1, shading="nearest"
    )
    axis.set(xlabel="batch", xscale="log")
    axis.set_xticks([1, 2, 4, 8, 16], ["1", "2", "4", "8", "16"])
    axis.minorticks_off()
    axis.figure.colorbar(mesh, ax=axis, label="fraction growing")


def _plane(axis: Any, data: Data) -> None:
    """Over batch and σ at one rate: below a line its condition says that something grows."""
    p = data.parameters
    _shade(axis, p, p.sigmas, data.plane)
    exponent = np.clip(np.nan_to_num(data.plane_exponents, neginf=-1.0), -1, 1)
    conditions = (*(data.plane_edges.transpose(2, 0, 1) - p.plane_rate), -exponent)
    for form, style, colour in zip(conditions, LABELS.values(), SEQUENCE[1:4], strict=True):
        for ink, thick in (("white", 2.4), (colour, 1.3)):
            axis.contour(p.batches, p.sigmas, form.T, [0.0], colors=[ink], linestyles=style,
                         linewidths=thick)  # fmt: skip
    axis.set(ylabel=r"coherence $\sigma$", yscale="log", title=f"rate {p.plane_rate:g}")
    axis.set_yticks(p.sigmas, [str(s) for s in p.sigmas])
    axis.minorticks_off()


def _mean(axis: Any, data: Data) -> None:
    """The mean square by theory and runs, and the median run."""
    p, (theory, runs) = data.parameters, data.mean
    axis.semilogy(theory.time, theory.mean_square, color=SEQUENCE[1])
    axis.semilogy(runs.time, runs.mean_square, "o", markersize=2.4, color=SEQUENCE[0])
    median = np.median(runs.sample("mean_square"), axis=0)
    axis.semilogy(runs.time, np.maximum(median, 1e-12), color=SEQUENCE[3], linestyle=":")
    axis.set(
        xlabel="step",
        ylabel=r"$|w_t|^2$",
        title=rf"$\sigma={p.groups[0]}$, batch {p.mean_batch}, rate {p.mean_rate:g}",
    )


def checks(data: Data) -> tuple[Check, ...]:
    """The order of the edges, runs that follow the exponent, and the mean that they do not."""
    p, found = data.parameters, []
    for group in p.groups:
        edge, bound, single = data.edges[group].T
        found += [
            Check(
                f"sigma {group}: smallest sufficient bound over the edge",
                (bound / edge).min(),
                1.005,
                np.inf,
                "at least 1 + (n/B − 1)/sigma at the largest batch",
            ),
            Check(
                f"sigma {group}: smallest edge of single runs over the edge",
                (single / edge).min(),
                1.01,
                np.inf,
                "Jensen's inequality, strictly: the steps differ",
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
    plane, exponent = data.plane, data.plane_exponents
    beyond = data.plane_edges[..., 0] < p.plane_rate
    found += [
        Check(
            "plane: smallest fraction growing where the exponent is above 0.15",
            plane[exponent > 0.15].min(),
            0.9,
            1.0,
            "single runs follow it at every coherence",
        ),
        Check(
            "plane: largest fraction growing where it is below -0.15",
            plane[(exponent < -0.15) & np.isfinite(exponent)].max(),
            0.0,
            0.1,
            "likewise",
        ),
        Check(
            "plane: cells where most runs shrink although the mean square grows",
            int(np.sum(beyond & (plane < 0.5))),
            3,
            plane.size - 3,
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
            1e-3,
            4.0,
            "standard errors",
        ),
        Check(
            "mean square at the end over its start",
            theory.mean_square[-1] / theory.mean_square[0],
            10.0,
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
            0.1,
            0.9,
            "it calls stable rates unstable",
        ),
    ]
    return tuple(found)


def _hidden(data: Data, group: int) -> int:
    p = data.parameters
    beyond = np.array(p.rates)[None, :] > data.edges[group][:, :1]
    return int(np.sum(beyond & (data.growing[group] < 0.5)))
