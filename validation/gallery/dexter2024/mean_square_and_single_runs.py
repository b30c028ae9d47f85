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
from scipy.stats import binom

from ....solvers.core.curve import Curve
from ....solvers.sgd_stability.stability import group_exponent, group_spread, sgd_stability
from ....solvers.solve import solve
from ....theory.methods import SGD
from ....theory.sgd_stability.problem import InterpolatingMinimum
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, below, beyond, largest, most, near
from ..look import REFERENCE, SEQUENCE, SIMULATION, key, sheet

TITLE = "SGD where every example is fitted: mean square, sufficient bound, and single runs"
CAPTION = (
    "Share of runs that grow (a) over batch and coherence σ at a rate at which gradient descent is "
    "stable, (b), (c) over batch and rate at two σ, with the edge of the mean square, a sufficient "
    "bound and the edge of single runs; (d) mean square, the mean of {mean_runs} runs, which loses "
    "the rare ones that carry it, and the median run. Take-away: single runs are stable far beyond "
    "the edge of their mean square."
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
    plane of batch and σ: the fraction growing, the exponents, and edge and bound. ``growth`` is
    the mean of ln|w| a step of the runs of one group and its standard error, (2, batch, rate);
    ``plane_luck`` bounds by what the luckiest of the groups is ahead of the exponent.
    """

    parameters: Parameters
    growing: dict[int, np.ndarray]
    growth: np.ndarray
    exponents: dict[int, np.ndarray]
    edges: dict[int, np.ndarray]
    mean: tuple[Curve, Curve]
    plane: np.ndarray
    plane_exponents: np.ndarray
    plane_luck: np.ndarray
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
    growing, growths, exponents, edges = {}, {}, {}, {}
    for group in p.groups:
        problem = problem_of(p, group)
        cells_of = [[_ran(problem, r, b, p) for r in p.rates] for b in p.batches]
        growing[group], *growths[group] = np.moveaxis(np.array(cells_of), 2, 0)
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
        np.array(growths[p.groups[0]]),
        exponents,
        edges,
        (theory, runs),
        over(lambda problem, b: _ran(problem, rate, b, p)[0]),
        over(lambda problem, b: group_exponent(problem, method(rate, b))),
        over(lambda problem, b: _luck(problem, method(rate, b), p.horizon)),
        over(lambda problem, b: _mean_square(problem, b)),
    )


def _ran(problem: Any, rate: float, batch: int, p: Parameters) -> tuple[float, float, float]:
    """Fraction of runs with |w|² above its start at the horizon; ln|w| a step, mean and error."""
    runs = simulate(
        problem, method(rate, batch), p.horizon, points=2, runs=p.runs, seed=p.seed, progress=False
    )
    squares = runs.sample("mean_square")
    with np.errstate(divide="ignore", invalid="ignore"):  # −∞ where nothing is left
        logs = np.log(squares[:, -1] / squares[:, 0]) / (2 * p.horizon)
        error = float(logs.std(ddof=1)) / np.sqrt(p.runs)
    return float(np.mean(~(squares[:, -1] <= squares[:, 0]))), float(logs.mean()), error


def _luck(problem: Any, method: SGD, horizon: int) -> float:
    """Mean of the largest of G normal rates at most, s √(2 ln G/T); |w| is that of the luckiest."""
    groups = len(problem.group_sizes)
    return group_spread(problem, method) * float(np.sqrt(2 * np.log(groups) / horizon))


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
        mesh = _plane(axes[0], data)
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
        runs = {"color": SEQUENCE[0], **SIMULATION}
        styles: dict[str, dict[str, Any]] = {
            n: {"linestyle": s, "color": c}
            for (n, s), c in zip(LABELS.items(), SEQUENCE[1:4], strict=True)
        }
        axes[0].figure.colorbar(
            mesh, ax=list(axes), location="bottom", shrink=0.6, aspect=40, label="fraction growing"
        )
        key(axes[0], styles | {"mean of runs (d)": runs}, columns=3)

    return sheet(panels, width, rows=2, columns=2, aspect=0.85)


def _shade(axis: Any, p: Parameters, over: Any, share: np.ndarray) -> Any:
    """The fraction of growing runs, and the axis of the batch."""
    mesh = axis.pcolormesh(
        p.batches, over, share.T, cmap="cividis", vmin=0, vmax=1, shading="nearest"
    )
    axis.set(xlabel="batch", xscale="log")
    axis.set_xticks([1, 2, 4, 8, 16], ["1", "2", "4", "8", "16"])
    axis.minorticks_off()
    return mesh


def _plane(axis: Any, data: Data) -> Any:
    """Over batch and σ at one rate: below a line its condition says that something grows."""
    p = data.parameters
    mesh = _shade(axis, p, p.sigmas, data.plane)
    exponent = np.clip(np.nan_to_num(data.plane_exponents, neginf=-1.0), -1, 1)
    conditions = (*(data.plane_edges.transpose(2, 0, 1) - p.plane_rate), -exponent)
    for form, style, colour in zip(conditions, LABELS.values(), SEQUENCE[1:4], strict=True):
        for ink, thick in (("white", 2.4), (colour, 1.3)):
            axis.contour(
                p.batches, p.sigmas, form.T, [0.0], colors=[ink], linestyles=style, linewidths=thick
            )
    axis.set(ylabel=r"coherence $\sigma$", yscale="log", title=f"rate {p.plane_rate:g}")
    shown = [s for s in p.sigmas if s in (1, 2, 4, 8) or s == p.sigmas[-1]]
    axis.set_yticks(shown, [str(s) for s in shown])
    axis.minorticks_off()
    return mesh


def _mean(axis: Any, data: Data) -> None:
    """The mean square by theory and runs, and the median run."""
    p, (theory, runs) = data.parameters, data.mean
    axis.semilogy(theory.time, theory.mean_square, color=SEQUENCE[1])
    axis.plot(runs.time, runs.mean_square, color=SEQUENCE[0], **SIMULATION)
    median = np.median(runs.sample("mean_square"), axis=0)
    axis.semilogy(runs.time, median, color=SEQUENCE[3], linestyle=":")
    axis.set(
        xlabel="step",
        ylabel=r"$|w_t|^2$",
        ylim=(1e-12, None),
        title=rf"$\sigma={p.groups[0]}$, $B={p.mean_batch}$, rate {p.mean_rate:g}",
    )


def checks(data: Data) -> tuple[Check, ...]:
    """The order of the edges, runs that follow the exponent, and the mean that they do not."""
    p, group = data.parameters, data.parameters.groups[0]
    beyond_edge = np.array(p.rates)[None, :] > data.edges[group][:, :1]
    plane = data.plane_edges[..., 0] < p.plane_rate
    return (
        *(check for group in p.groups for check in _edges_in_order(data, group)),
        _exponents(data),
        *_signs(p, "one group", data.growing[group], data.exponents[group], 0.0, beyond_edge),
        *_signs(p, "plane", data.plane, data.plane_exponents, data.plane_luck, plane),
        *_mean_and_median(data),
    )


def _edges_in_order(data: Data, group: int) -> tuple[Check, ...]:
    """What proves instability, and what makes single runs unstable, lies above the edge."""
    edge, bound, single = data.edges[group].T
    found = (
        beyond(
            f"sigma {group}: smallest sufficient bound over the edge",
            (bound / edge).min(),
            1,
            "it proves instability, and more than that",
        ),
        beyond(
            f"sigma {group}: smallest edge of single runs over the edge",
            (single / edge).min(),
            1,
            "Jensen's inequality, strictly: the steps differ",
        ),
    )
    if group != data.parameters.groups[0]:
        return found
    p = data.parameters
    refuted = 2 / (p.data / group + p.data / 6 - 1) ** 0.5 / edge[p.batches.index(6)]
    name = "refuted bound over the edge at sigma = n, batch 6"
    return (*found, below(name, refuted, 1, "it calls stable rates unstable"))


def _exponents(data: Data) -> Check:
    """ln|w| of the runs of one group is a sum of independent steps, of mean the exponent."""
    mean, error = data.growth
    seen = np.isfinite(mean) & np.isfinite(data.exponents[data.parameters.groups[0]])
    exponent = data.exponents[data.parameters.groups[0]][seen]
    return largest(
        "one group: largest |z| of ln|w| a step from the exponent",
        (mean[seen] - exponent) / error[seen],
        data.parameters.runs - 1,
        f"; {np.median(error[seen]):.2g} a step is one",
    )


def _signs(
    p: Parameters,
    name: str,
    share: np.ndarray,
    exponent: np.ndarray,
    luck: Any,
    mean_grows: np.ndarray,
) -> tuple[Check, ...]:
    """Where a sign test says that most runs shrink the exponent is below 0, and where most grow
    it is above, but for the luck of the largest group; runs shrink also where the mean square
    grows."""
    level = 1e-3 / share.size
    grow, shrink = (
        binom.sf(k - 1, p.runs, 0.5) < level
        for k in (np.rint(p.runs * share), np.rint(p.runs * (1 - share)))
    )
    ahead = np.where(np.isfinite(exponent), exponent + luck, 0.0)
    wrong = (grow & (ahead < 0)) | (shrink & (exponent > 0))
    origin = f"sign tests over {share.size} cells at 1e-3"
    return (
        near(f"{name}: cells where most runs go against the exponent", wrong.sum(), 0, 0, origin),
        beyond(f"{name}: cells where most runs grow", grow.sum(), 0, origin),
        beyond(
            f"{name}: cells where most runs shrink although the mean square grows",
            (shrink & mean_grows).sum(),
            0,
            f"single runs are stable beyond the edge; {origin}",
        ),
    )


def _mean_and_median(data: Data) -> tuple[Check, ...]:
    """The mean square at first, as long as its runs are many, and where it and most runs end."""
    p, (theory, runs) = data.parameters, data.mean
    early = slice(1, p.short + 1)
    gap = (runs.mean_square - theory.mean_square)[early] / runs.sem("mean_square")[early]
    ends = runs.sample("mean_square")[:, -1]
    return (
        largest("largest |z| of the mean square over the first steps", gap),
        beyond(
            "mean square at the end over its start",
            theory.mean_square[-1] / theory.mean_square[0],
            1,
            "beyond its edge",
        ),
        most(
            "runs that end below their start",
            (ends < theory.mean_square[0]).sum(),
            ends.size,
            "their exponent is negative",
        ),
    )
