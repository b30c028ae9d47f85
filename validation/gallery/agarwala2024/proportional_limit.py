r"""Second-order regression with D/P fixed: mean loss against T2, and how the gap closes with P.

One run scatters about T2 by :math:`O(P^{-1/2})`; the mean over runs is off by :math:`O(1/P)` only,
because the terms odd in the fluctuations average out. Model of arXiv 2404.19261, derived here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.core.curve import Curve
from ....solvers.solve import solve
from ....theory.core.percent import percent
from ....theory.methods import SGD
from ....theory.second_order.problem import QuadraticRegression
from ...figures.registry import ordered
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, near
from ..look import (
    BAND,
    REFERENCE,
    RUNS,
    SEQUENCE,
    SIMULATION,
    THEORY,
    band,
    direct,
    key,
    points,
    sheet,
)

TITLE = "second-order regression at fixed D/P: one run scatters like P^(-1/2), the mean like 1/P"
CAPTION = (
    "(a) Loss at the largest P, batches of a share β of the data; (b) gap of the mean to theory "
    "along the steps and (c) at the last one over P, with the scatter of one run (lines: 1/P and "
    "its root). Take-away: one run is off by the root of 1/P, the mean over runs by 1/P."
)

Array = np.ndarray
Ensembles = dict[float, dict[int, Curve]]
#: error of the limit that must show; one of single per cents takes the full form
CLAIMED = 0.4
#: how far one run is from another
ONE_RUN: dict[str, Any] = SIMULATION | {"marker": "s", "markerfacecolor": "none"}


@dataclass(frozen=True)
class Parameters:
    """α = D/P, κ̃, h = gβ, batch fractions; P of the ladder with runs, and one large P."""

    aspect: float = 0.5
    strength: float = 1.0
    step: float = 0.3
    fractions: tuple[float, ...] = (1.0, 0.5)
    ladder: tuple[tuple[int, int], ...] = ((16, 3000), (24, 2000), (32, 1600), (64, 700))
    steps: int = 8
    seed: int = 2

    @property
    def largest(self) -> int:
        """P whose loss is shown."""
        return self.ladder[-1][0]


QUICK = Parameters()
FULL = Parameters(ladder=((16, 12_000), (32, 6000), (64, 2800), (128, 700)))


@dataclass(frozen=True, eq=False)
class Data:
    """T2 by batch fraction; runs by batch fraction and P."""

    parameters: Parameters
    theory: dict[float, Curve]
    runs: Ensembles


def case(p: Parameters, fraction: float, size: int) -> tuple[QuadraticRegression, SGD]:
    """Random G and residual; rate such that the mean step is h."""
    data = round(p.aspect * size)
    problem = QuadraticRegression(data, size, p.strength / data)
    return problem, SGD(p.step * data, batch=round(fraction * data))


def compute(parameters: Parameters) -> Data:
    """T2 once for each batch fraction: it knows P only through D/P."""
    p = parameters
    common: dict[str, Any] = {"until": p.steps, "points": p.steps // 2 + 1}
    theory = {f: solve(*case(p, f, p.largest), limit="proportional", **common) for f in p.fractions}
    runs: Ensembles = {
        f: {
            size: simulate(
                *case(p, f, size),
                runs=number,
                redraw=True,
                seed=p.seed,
                progress=False,
                engine="dense" if size <= 64 else "lazy",
                **common,
            )
            for size, number in p.ladder
        }
        for f in p.fractions
    }
    return Data(p, theory, runs)


def gap(data: Data, fraction: float, size: int) -> tuple[Array, Array]:
    """Mean loss over T2, minus 1, at every recorded step but the first, and its error."""
    line, runs = data.theory[fraction]["loss"], data.runs[fraction][size]
    return (runs["loss"] / line - 1)[1:], (runs.sem("loss") / line)[1:]


def draw(data: Data, width: str | float) -> HouseFigure:
    """Loss with the band of one run; gap of the mean along the steps; both against P."""

    def panels(axes: Any) -> None:
        for colour, fraction in zip(SEQUENCE, data.theory, strict=False):
            _draw_loss(axes[0], data, fraction, colour)
            _draw_scaling(axes[2], data, fraction, colour)
        _draw_gaps(axes[1], data)
        styles = {"theory": THEORY, RUNS: SIMULATION, "scatter of one run": ONE_RUN}
        key(axes[0], styles, columns=3, bands=(BAND,))

    return sheet(panels, width, columns=3, aspect=1.05)


def _draw_loss(axis: Any, data: Data, fraction: float, colour: str) -> None:
    theory, runs = data.theory[fraction], data.runs[fraction][data.parameters.largest]
    axis.plot(theory.time, theory["loss"], color=colour, label=rf"$\beta={fraction:g}$", **THEORY)
    low, high = (runs.quantile("loss", q) for q in (0.05, 0.95))
    band(axis, runs.time, low, high, colour)
    points(axis, runs, colour, quantity="loss")
    axis.set(yscale="log", xlabel="step", ylabel="loss")
    axis.set_title(f"$P={data.parameters.largest}$")


def _draw_gaps(axis: Any, data: Data) -> None:
    fraction = data.parameters.fractions[0]
    shades = ordered([size for size, _ in data.parameters.ladder])
    for size, colour in shades.items():
        mean, error = gap(data, fraction, size)
        steps = data.theory[fraction].time[1:]
        axis.errorbar(
            steps,
            mean,
            2 * error,
            color=colour,
            elinewidth=0.6,
            linewidth=0.6,
            marker="o",
            markersize=3,
            markerfacecolor="white",
        )
    axis.axhline(0, **REFERENCE)
    axis.set(xlabel="step", ylabel="mean loss over theory, less 1", title=rf"$\beta={fraction:g}$")
    ends = {f"$P={size}$": (gap(data, fraction, size)[0][-1], c) for size, c in shades.items()}
    direct(axis, ends)


def _draw_scaling(axis: Any, data: Data, fraction: float, colour: str) -> None:
    sizes = np.array([size for size, _ in data.parameters.ladder], dtype=float)
    ends = np.array([gap(data, fraction, size) for size, _ in data.parameters.ladder])[:, :, -1]
    axis.errorbar(sizes, ends[:, 0], 2 * ends[:, 1], color=colour, elinewidth=0.6, **SIMULATION)
    axis.plot(sizes, scatter(data, fraction), color=colour, **ONE_RUN)
    for values, slope in ((ends[:, 0], -1.0), (scatter(data, fraction), -0.5)):
        middle = np.exp(np.mean(np.log(np.abs(values) * sizes**-slope)))
        axis.plot(sizes, middle * sizes**slope, color=colour, **THEORY)
    axis.set(xscale="log", yscale="log", xlabel="parameters $P$", ylabel="gap of mean, scatter")
    axis.set_xticks(sizes, [f"{size:g}" for size in sizes])
    axis.minorticks_off()


def scatter(data: Data, fraction: float) -> Array:
    """Standard deviation of the last log loss of one run, for every P of the ladder."""
    ensembles = (data.runs[fraction][size] for size, _ in data.parameters.ladder)
    return np.array([np.log(runs.sample("loss")[:, -1]).std(ddof=1) for runs in ensembles])


def checks(data: Data) -> tuple[Check, ...]:
    """T2 at the large P; both slopes."""
    return (_limit(data), _mean_slope(data), _scatter_slope(data))


def _limit(data: Data) -> Check:
    """What the gap of the mean tends to, constant + b/P without the smallest P, over all batch
    fractions; the next order is (b/P)²."""
    fits = [_constant(data, fraction) for fraction in data.parameters.fractions]
    constants, errors, orders = np.transpose(fits)
    constant, error = _common(constants, errors)
    reach = 3.5 * error + max(orders) / 2
    seen = f"3.5 standard errors and 1/P²; a limit off by {percent(2 * reach)} would show"
    name = f"loss over theory less 1, P to infinity (to {percent(CLAIMED)})"
    return Check(name, constant, -reach, reach, seen, 2 * reach > CLAIMED)


def _constant(data: Data, fraction: float) -> tuple[float, float, float]:
    """The constant, its standard error, and the square of b/P at the smallest P of the fit."""
    ladder = data.parameters.ladder[1:]
    sizes = np.array([size for size, _ in ladder], dtype=float)
    values, errors = np.array([gap(data, fraction, size) for size, _ in ladder])[:, :, -1].T
    design = np.column_stack([np.ones_like(sizes), 1 / sizes]) / errors[:, None]
    covariance = np.linalg.inv(design.T @ design)
    constant, slope = covariance @ design.T @ (values / errors)
    return float(constant), float(np.sqrt(covariance[0, 0])), float((slope / sizes[0]) ** 2)


def _mean_slope(data: Data) -> Check:
    """Common power of P of the last gap, over the batch fractions."""
    fits = []
    for f in data.parameters.fractions:
        ends = np.array([gap(data, f, size) for size, _ in data.parameters.ladder])[:, :, -1]
        slopes, errors = power(data.parameters, np.log(ends[:, 0]), ends[:, 1] / ends[:, 0])
        fits.append((slopes[0], errors[0]))
    slope, error = _common(*np.array(fits).T)
    return near("power of P of the gap of the mean", slope, -1, 3.5 * error, "3.5 standard errors")


def _scatter_slope(data: Data) -> Check:
    """Common power of P, beside corrections b/P of its own for every batch fraction.

    The standard error of log std over N runs is 1/√(2N). The next correction is of order (b/P)².
    """
    number = np.array([number for _, number in data.parameters.ladder])
    fits = [
        power(data.parameters, np.log(scatter(data, f)), (2 * number) ** -0.5, corrections=1)
        for f in data.parameters.fractions
    ]
    slopes, errors = np.array([(values[0], errors[0]) for values, errors in fits]).T
    slope, error = _common(slopes, errors)
    sizes = [size for size, _ in data.parameters.ladder]
    second = max((values[-1] / sizes[0]) ** 2 for values, _ in fits) / np.log(sizes[-1] / sizes[0])
    return near(
        "power of P of the scatter of one run, beside 1/P",
        slope,
        -0.5,
        3.5 * error + second,
        "3.5 standard errors + the square of 1/P",
    )


def _common(values: Array, errors: Array) -> tuple[float, float]:
    """Weighted mean, and its standard error."""
    return float(np.average(values, weights=errors**-2)), float(np.sum(errors**-2) ** -0.5)


def power(p: Parameters, values: Array, errors: Array, corrections: int = 0) -> tuple[Array, Array]:
    """Fit values = slope · log P + constant + b/P + ...; coefficients and their standard errors."""
    sizes = np.array([size for size, _ in p.ladder], dtype=float)
    terms = [np.log(sizes), *(sizes**-k for k in range(corrections + 1))]
    design = np.column_stack(terms) / errors[:, None]
    covariance = np.linalg.inv(design.T @ design)
    return covariance @ design.T @ (values / errors), np.sqrt(np.diag(covariance))
