r"""Sharpness, step and their product under four step rules; the spiral of a constant one.

On the toy loss a constant rate circles around :math:`y=\eta\lambda-2=0`, on level sets of
:math:`\mathcal H=\frac12y^2+\eta^2(\frac b2x^2-a\ln|x|)` that the map leaves slowly; a fraction of
the edge sharpens for ever; CDAT with scale 2 pins the sharpness, and a little less does not.
Setting of arXiv 2407.06183, formulas derived here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.core.curve import Curve
from ....solvers.solve import solve
from ....solvers.tuners.predictions import tuner_predictions
from ....theory.methods import CDAT, GradientDescent, OnEdge
from ....theory.tuners.averages import averaged_constant
from ....theory.tuners.problem import SharpnessToy
from ...figures.registry import colours
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, near
from ..look import REFERENCE, key, sheet

TITLE = "constant rate, fraction of the edge, CDAT at 2 and below: sharpness, step and product"
CAPTION = (
    "(a) Sharpness, (b) step and (c) product less 2 under four step rules, (d) the spiral of "
    "a constant rate. Take-away: a fraction of the edge sharpens for ever, CDAT at 2 pins the "
    "sharpness."
)


@dataclass(frozen=True)
class Parameters:
    """The toy, the rates and scales, and how many steps."""

    l0: float = 4.0
    k: float = 1.0
    alpha: float = 1e-3
    x: float = 0.03
    rate: float = 0.5
    fraction: float = 0.9
    below: float = 1.9998
    steps: int = 1500
    shown: int = 12_000


QUICK = Parameters()
FULL = Parameters(steps=2000, shown=40_000)


@dataclass(frozen=True, eq=False)
class Data:
    """By label the run in its own coordinates, the slow laws, and what is predicted."""

    parameters: Parameters
    runs: dict[str, Curve]
    laws: dict[str, Curve]
    cycle: Any
    balance: float


def compute(parameters: Parameters) -> Data:
    """Every rule on the same toy."""
    p = parameters
    toy = SharpnessToy(p.l0, p.k, p.alpha, start=(p.x, 0.0))
    constant = GradientDescent(p.rate)
    rules = {"on": CDAT(2.0), "below": CDAT(p.below), "fraction": OnEdge(p.fraction)}
    runs = {"constant": simulate(toy, constant, times=np.arange(p.steps + 1))}
    times = np.arange(p.shown + 1)
    runs |= {name: simulate(toy, rule, times=times) for name, rule in rules.items()}
    laws = {
        name: solve(toy, rules[name], times=np.arange(p.shown + 1), limit="slow")
        for name in ("below", "fraction")
    }
    return Data(p, runs, laws, tuner_predictions(toy, constant), toy.balance)


def names(p: Parameters) -> dict[str, str]:
    """Legend of each rule."""
    return {
        "constant": f"rate {p.rate:g}",
        "fraction": f"{p.fraction:g} of the edge",
        "on": "CDAT 2",
        "below": f"CDAT {p.below:g}",
    }


def draw(data: Data, width: str | float) -> HouseFigure:
    """Three observables over time, and the plane of x and y."""
    p = data.parameters

    rules = _colours(p)

    def panels(axes: Any) -> None:
        labels = (
            (r"sharpness $\lambda$", "sharpness"),
            (r"step $\eta$", "step"),
            (r"$y=\eta\lambda-2$", "edge"),
        )
        for axis, (label, name) in zip(axes, labels, strict=False):
            for kind, title in names(p).items():
                colour = rules[kind]
                run = data.runs[kind]
                values = run[name] - (2 if name == "edge" else 0)
                axis.plot(run.time, values, color=colour, linewidth=0.8, label=title)
            axis.set(xlabel="step", ylabel=label)
        for law in data.laws.values():
            axes[0].plot(law.time, law.sharpness, color="0.2", linestyle=(0, (1, 1.5)))
        axes[2].axhline(0, **REFERENCE)
        axes[2].set(ylim=(-0.22, 0.05), xlim=(0, 2 * p.steps))
        _spiral(axes[3], data)
        key(axes[0], {"slow law": {"linestyle": (0, (1, 1.5))}}, columns=5)

    return sheet(panels, width, rows=2, columns=2, aspect=0.62)


def _colours(p: Parameters) -> dict[str, str]:
    named = names(p) | {"constant": "gradient descent"}
    found = colours(named.values())
    return {kind: found[name] for kind, name in named.items()}


def _spiral(axis: Any, data: Data) -> None:
    p, run = data.parameters, data.runs["constant"]
    x, y = np.abs(run.x), run.edge - 2
    grid_x = np.linspace(x.min() * 0.8, x.max() * 1.1, 200)
    grid_y = np.linspace(1.15 * y.min(), 1.15 * y.max(), 200)
    levels = energy(p, grid_x[None, :], grid_y[:, None])
    shown = np.quantile(energy(p, x, y), [0.0, 0.3, 0.6, 1.0])
    axis.contour(grid_x, grid_y, levels, levels=np.unique(shown), colors="0.6", linewidths=0.6)
    axis.plot(x, y, color=_colours(p)["constant"], linewidth=0.7)
    axis.plot(data.balance, 0, color="0.2", marker="+")
    axis.set(xlabel="$|x|$", ylabel="$y$")


def energy(p: Parameters, x: Any, y: Any) -> Any:
    """H, from the derivation."""
    numbers = {"a": p.k * p.alpha, "b": p.k**2 / 2, "eta": p.rate}
    return averaged_constant().functions["H"](x=x, y=y, **numbers)


def checks(data: Data) -> tuple[Check, ...]:
    """Period, growth of the spiral, laws of the sharpness, and what CDAT pins."""
    p, cycle = data.parameters, data.cycle
    run = data.runs["constant"]
    y = run.edge - 2
    turns = np.flatnonzero((y[:-1] < 0) & (y[1:] >= 0))
    lowest = energy(p, data.balance, 0.0)
    heights = energy(p, np.abs(run.x), y)[turns] - lowest
    growth = np.log(heights[-1] / heights[0]) / (turns[-1] - turns[0]) / 2
    size = float(np.sqrt(p.rate**2 * p.k * p.alpha))
    pinned = data.runs["on"].sharpness
    ends = {name: data.runs[name].sharpness[-1] for name in data.laws}
    return (
        near(
            "steps of a circle over those of a small one",
            np.diff(turns).mean() / cycle.period,
            1.0,
            4 * size,
            "order of eta sqrt(a) and of the squared amplitude",
        ),
        near(
            "log growth of the spiral in a step over log modulus",
            growth / np.log(cycle.modulus),
            1.0,
            4 * size,
            "order of eta sqrt(a)",
        ),
        near(
            "sharpness at a fraction of the edge over its law",
            ends["fraction"] / data.laws["fraction"].sharpness[-1],
            1.0,
            np.log(p.shown) / p.shown,
            "a sum for an integral: log(t)/t",
        ),
        near(
            "sharpness of CDAT below 2 over its law",
            ends["below"] / data.laws["below"].sharpness[-1],
            1.0,
            0.05,
            "adiabatic: a few per cent while q crosses over",
        ),
        near(
            "sharpness of CDAT 2, end over nine tenths",
            pinned[-1] / pinned[9 * pinned.size // 10],
            1.0,
            3e-3,
            "it stays where the transient leaves it",
        ),
        near(
            "|x| of CDAT 2 over where the drives balance",
            abs(data.runs["on"].x[-1]) / data.balance,
            1.0,
            0.01,
            "the only positive root",
        ),
        Check(
            "sharpness of CDAT below 2, end over half",
            ends["below"] / data.runs["below"].sharpness[p.shown // 2],
            1.02,
            2.0,
            "it never stops",
        ),
        near("eta lambda of CDAT 2 at the end", data.runs["on"].edge[-1], 2.0, 1e-3, "y goes to 0"),
    )
