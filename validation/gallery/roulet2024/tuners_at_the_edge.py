r"""Sharpness, step and their product under four step rules; the spiral of a constant one.

On the toy loss a constant rate circles around :math:`y=\eta\lambda-2=0`, on level sets of
:math:`\mathcal H=\frac12y^2+\eta^2(\frac b2x^2-a\ln|x|)` that the map leaves slowly; a fraction of
the edge sharpens for ever; CDAT with scale 2 pins the sharpness, and a little less does not.
Setting of arXiv 2407.06183, formulas derived here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ....solvers.core.curve import Curve
from ....solvers.solve import solve
from ....solvers.tuners.predictions import tuner_predictions
from ....theory.methods import CDAT, GradientDescent, OnEdge
from ....theory.tuners.averages import averaged_constant, cdat_theory
from ....theory.tuners.problem import SharpnessToy
from ...figures.registry import colours, woven
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, near
from ..look import key, sheet

TITLE = "constant rate, fraction of the edge, CDAT at 2 and below: sharpness, step and product"
CAPTION = (
    "(a) Sharpness, with the slow law, (b) step and (c) product less 2 under four step rules; (d) "
    "the spiral of a constant rate, across levels of the energy of the average. Take-away: a "
    "fraction of the edge sharpens for ever, CDAT at 2 pins the sharpness."
)


@dataclass(frozen=True)
class Parameters:
    """The toy, the rates and scales, and how many steps; and for the checks the shares of alpha at
    which a circle is measured, and how far a small one is from rest, relative."""

    l0: float = 4.0
    k: float = 1.0
    alpha: float = 1e-3
    x: float = 0.03
    rate: float = 0.5
    fraction: float = 0.9
    below: float = 1.9998
    steps: int = 1500
    shown: int = 12_000
    shares: tuple[float, ...] = (1.0, 1 / 4, 1 / 16)
    small: float = 0.03


QUICK = Parameters()
FULL = Parameters(steps=2000, shown=40_000)


@dataclass(frozen=True, eq=False)
class Data:
    """By label the run in its own coordinates, the slow laws, and what is predicted; a small circle
    about rest, and by the share of alpha the steps of the first circle, of map and average."""

    parameters: Parameters
    runs: dict[str, Curve]
    laws: dict[str, Curve]
    cycle: Any
    balance: float
    small: Curve
    circles: np.ndarray


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
    near_rest = replace(toy, start=((1 + p.small) * toy.balance, 0.0))
    small = simulate(near_rest, constant, times=np.arange(p.steps + 1))
    circles = np.array([_first_circle(p, share) for share in p.shares])
    return Data(p, runs, laws, tuner_predictions(toy, constant), toy.balance, small, circles)


def _first_circle(p: Parameters, share: float) -> tuple[float, float]:
    """Steps of the first circle, of the map and of its average, from the same place relative to
    rest: x goes like the root of alpha, and so does the frequency."""
    root = float(np.sqrt(share))
    toy = SharpnessToy(p.l0, p.k, share * p.alpha, start=(root * p.x, 0.0))
    method, times = GradientDescent(p.rate), np.arange(round(p.steps / root) + 1)
    run, average = (
        simulate(toy, method, times=times),
        solve(toy, method, times=times, limit="averaged"),
    )
    return float(_turns(run)[0]), float(_turns(average)[0])


def _turns(run: Curve) -> np.ndarray:
    """When the product rises through 2, linearly between two steps."""
    y = run.edge - 2
    at = np.flatnonzero((y[:-1] < 0) & (y[1:] >= 0))
    return np.asarray(run.time[at] + y[at] / (y[at] - y[at + 1]))


def names(p: Parameters) -> dict[str, str]:
    """Legend of each rule."""
    return {
        "constant": f"rate {p.rate:g}",
        "fraction": f"{p.fraction:g} of the edge",
        "on": "CDAT 2",
        "below": f"CDAT {p.below:g}",
    }


LAW: dict[str, Any] = {"color": "black", "linestyle": (0, (1, 1.5))}
LEVEL: dict[str, Any] = {"color": "0.6", "linewidth": 0.6}
BALANCE: dict[str, Any] = {"color": "0.2", "marker": "+", "linestyle": "none", "markersize": 5}


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
                run = data.runs[kind]
                values = run[name] - (2 if name == "edge" else 0)
                # at 2 and just below, CDAT has one product as far as a line can tell
                line = woven(1, 2) if (name, kind) == ("edge", "below") else "-"
                axis.plot(run.time, values, color=rules[kind], linestyle=line, label=title)
            axis.set(xlabel="step", ylabel=label)
        for law in data.laws.values():
            axes[0].plot(law.time, law.sharpness, **LAW)
        axes[2].set(ylim=(-0.22, 0.05), xlim=(0, 2 * p.steps))
        _spiral(axes[3], data)
        lines = {"slow law (a)": LAW, "constant energy (d)": LEVEL, "balance (d)": BALANCE}
        key(axes[0], lines, columns=3)

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
    axis.plot(data.balance, 0, **BALANCE)
    axis.set(xlabel="$|x|$", ylabel="$y$")


def energy(p: Parameters, x: Any, y: Any) -> Any:
    """H, from the derivation."""
    numbers = {"a": p.k * p.alpha, "b": p.k**2 / 2, "eta": p.rate}
    return averaged_constant().functions["H"](x=x, y=y, **numbers)


def checks(data: Data) -> tuple[Check, ...]:
    """Circles of a constant rate, the laws of the sharpness, and what CDAT pins."""
    return (*_circles(data), _fraction(data), _below(data), *_pinned(data))


def _circles(data: Data) -> tuple[Check, ...]:
    """The first circle against its average as alpha falls; period and growth of a small one."""
    p, run = data.parameters, data.small
    root = np.sqrt(p.shares)
    steps = data.circles[:, 0] / data.circles[:, 1]
    curved, straight = np.polyfit(root, steps, 2)[-1], np.polyfit(root[1:], steps[1:], 1)[-1]
    turns, y = _turns(run), run.edge - 2
    at = np.flatnonzero((y[:-1] < 0) & (y[1:] >= 0))
    heights = energy(p, np.abs(run.x), y)[at] - energy(p, data.balance, 0.0)
    growth = np.log(heights[-1] / heights[0]) / (at[-1] - at[0]) / 2
    orders = p.rate**2 * p.k * p.alpha + p.small**2
    origin = "squares of eta sqrt(a) and of the amplitude"
    return (
        near(
            "steps of the first circle over those of the average, alpha to 0",
            curved,
            1.0,
            abs(curved - straight),
            "orders of eta sqrt(a): parabola less straight line",
        ),
        near(
            "steps of a small circle over the derived ones",
            np.diff(turns).mean() / data.cycle.period,
            1.0,
            orders,
            origin,
        ),
        near(
            "log growth of a small spiral in a step over the log of its modulus",
            growth / np.log(data.cycle.modulus),
            1.0,
            orders,
            origin,
        ),
    )


def _fraction(data: Data) -> Check:
    """At ηλ = 2φ a step adds to λ² 4φ(a − bx²) and the square of what it adds to λ, and x falls by
    1 − 2φ: the law leaves out the sums of bx² and of that square."""
    p = data.parameters
    run, law = data.runs["fraction"].sharpness, data.laws["fraction"].sharpness
    drift, shrink = 4 * p.fraction * p.k * p.alpha, (1 - 2 * p.fraction) ** 2
    transient = 2 * p.fraction * (p.k * p.x) ** 2 / (1 - shrink)
    squares = drift / 4 * np.log(run[-1] ** 2 / run[0] ** 2)
    return near(
        "sharpness at a fraction of the edge over its law",
        run[-1] / law[-1],
        1.0,
        (transient + squares) / (2 * run[-1] ** 2),
        "the transient of x, and a sum for an integral",
    )


def _below(data: Data) -> Check:
    """Growth of λ² over the second half, over 4a times the sum of 1 − q at the q that is kept.

    In the run q relaxes to the kept one at a rate r, and is behind by at most the drift of that
    over r, the largest of the run, or by what it started from.
    """
    p, run = data.parameters, data.runs["below"]
    known = {"alpha": p.alpha, "x_star": data.balance, "sigma": p.below}
    f = cdat_theory().functions
    lam, half, step = run.sharpness, p.shown // 2, 1e-6
    kept = f["q_lambda"](lambda_=lam, **known)
    # d ln q = 2 (ηλ − 2) in a step
    high, low = (f["product"](lambda_=lam, q=(1 + s) * kept, **known) for s in (step, -step))
    behind = np.abs(np.gradient(kept)) / ((low - high) / step)
    behind = max(float(behind.max()), abs(float(run.x[0] / data.balance) ** 2 - kept[0]))
    grown = lam[-1] ** 2 - lam[half] ** 2
    return Check(
        "CDAT below 2: growth of the squared sharpness over the second half, over its law",
        grown / np.sum(4 * p.k * p.alpha * (1 - kept[half:-1])),
        1 - behind / float((1 - kept[half:]).min()),
        1.0,
        "q is behind by its drift over its relaxation at most; 0 would be pinned",
    )


def _pinned(data: Data) -> tuple[Check, ...]:
    """CDAT at 2: e = 1 − x²/x*² dies, and λ stays where that leaves it.

    A step moves ln x² by 2y, λ by (2/λ)ae, and y = (2αk/λ²)e(1 + e/(4(1 − e))): so that
    ė = −r e(1 − 3e/4) with r = 8αk/λ², and λ³/(1 − 3e/4) is conserved.
    """
    p, run = data.parameters, data.runs["on"]
    left = 1 - (run.x / data.balance) ** 2
    rate = 8 * p.alpha * p.k / run.sharpness**2
    logs = np.log(left / (1 - 0.75 * left))
    end, first = (
        (lam**3 / (1 - 0.75 * e)) for lam, e in ((run.sharpness[k], left[k]) for k in (-1, 0))
    )
    origin = "a flow for steps: relative order of the rate"
    return (
        near(
            "CDAT 2: decay of 1 - x^2/x*^2 over its law",
            (logs[0] - logs[-1]) / rate[:-1].sum(),
            1.0,
            rate.max(),
            origin,
        ),
        near(
            "CDAT 2: sharpness at the end, over where it is pinned",
            (end / first) ** (1 / 3),
            1.0,
            rate.max(),
            origin,
        ),
    )
