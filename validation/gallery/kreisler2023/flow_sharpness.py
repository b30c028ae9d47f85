r"""Gradient descent lowers the sharpness at the end of gradient flow, and stops at the edge.

The sharpness of the iterate oscillates; that of the point where gradient flow would end,
:math:`\varphi=\sum_i1/x_i`, falls in every step with M <= 1. Descent follows the attractor of the
step projected back to its flow curve, from right to left, until :math:`\eta\varphi` is just below
2. Model of arXiv 2305.13064; formulas derived here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import f as variances

from ....solvers.core.curve import Curve
from ....solvers.gradient_flow_sharpness.quasi_static import (
    Bifurcation,
    quasi_static_attractors,
    shift_of,
)
from ....solvers.gradient_flow_sharpness.stopping import stopping_point
from ....theory.gradient_flow_sharpness.problem import ScalarNetwork
from ....theory.methods import GradientDescent
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, below, beyond, exceeds, near
from ..look import REFERENCE, SEQUENCE, THEORY, above, kinds, sheet

TITLE = "the sharpness at the end of gradient flow falls; that of the iterate oscillates"
CAPTION = (
    "(a) Sharpness of the iterate and of the point where gradient flow would end; (b) the product "
    "π of the weights along the run over that sharpness φ, on the attractor of the quasi-static "
    "map; (c) predicted and found ends. Take-away: descent lowers the sharpness at the end of flow "
    "until it is just below 2."
)

Array = np.ndarray


@dataclass(frozen=True)
class Parameters:
    """A shape (log squares), rate · φ and π at the start, steps; products of the diagram; starts
    of the ends that are predicted."""

    shape: tuple[float, ...] = (1.5, -0.3, -1.2)
    product: float = 2.6
    first: float = 1.05
    steps: int = 4000
    products: int = 121
    settle: int = 6000
    samples: int = 32
    starts: int = 24
    long: int = 300_000
    seed: int = 5


QUICK = Parameters()
FULL = Parameters(products=601, settle=20_000, samples=64, starts=100, long=1_000_000)


@dataclass(frozen=True, eq=False)
class Data:
    """One run, the attractor, and pairs (predicted, found) of rate · φ at the end."""

    parameters: Parameters
    rate: float
    run: Curve
    diagram: Bifurcation
    ends: Array


def _network(x: Array, product: float) -> ScalarNetwork:
    return ScalarNetwork(np.sqrt(x + shift_of(x, product)))


def compute(p: Parameters) -> Data:
    """Follow one run from far beyond the edge, the quasi-static map, and many runs from near it."""
    x = np.exp(np.array(p.shape) - np.mean(p.shape))
    rate = p.product / float(np.sum(1 / x))
    run = simulate(_network(x, p.first), GradientDescent(rate), times=np.arange(p.steps + 1))
    products = np.linspace(1.9, p.product, p.products)
    diagram = quasi_static_attractors(x, products, p.first, steps=p.settle, samples=p.samples)
    return Data(p, rate, run, diagram, _ends(p))


def _ends(p: Parameters) -> Array:
    rng, found = np.random.default_rng(p.seed), list[tuple[float, float]]()
    while len(found) < p.starts:
        u = rng.standard_normal(rng.integers(2, 5)) * rng.uniform(0.2, 0.8)
        x = np.exp(u - u.mean())
        offset, error = rng.uniform(0.01, 0.1), rng.uniform(0.01, 0.1) * rng.choice([-1, 1])
        rate = (2 + offset) / float(np.sum(1 / x))
        if rate * x.size > 1.95:
            continue  # the least sharpness is close to the edge: it stops late
        problem, method = _network(x, 1 + error), GradientDescent(rate)
        end = simulate(problem, method, p.long, points=2)
        found.append((float(stopping_point(problem, method)), rate * end.flow_sharpness[-1]))
    return np.array(found)


def draw(data: Data, width: str | float) -> HouseFigure:
    """Iterate and end of flow over steps; the diagram with the run; predicted and found ends."""

    def panels(axes: Any) -> None:
        p, run, eta = data.parameters, data.run, data.rate
        shown = slice(0, 120)
        axes[0].plot(
            run.time[shown],
            eta * run.hessian[shown],
            color=SEQUENCE[1],
            linewidth=0.6,
            label="iterate",
        )
        axes[0].plot(
            run.time[shown],
            eta * run.flow_sharpness[shown],
            color=SEQUENCE[0],
            label="end of flow",
            **THEORY,
        )
        axes[0].axhline(2, **REFERENCE)
        axes[0].set(xlabel="step", ylabel=r"$\eta\,\cdot$ sharpness")
        axes[0].set_ylim(top=1.3 * axes[0].get_ylim()[1])  # room for the names
        axes[0].legend(loc="upper right")
        wide = np.repeat(data.diagram.products[:, None], data.diagram.attractor.shape[1], 1)
        axes[1].plot(wide, data.diagram.attractor, ".", color="0.65", markersize=0.8)
        axes[1].plot(
            eta * run.flow_sharpness, run["product"], ".", color=SEQUENCE[0], markersize=1.5
        )
        axes[1].axvline(2, **REFERENCE)
        axes[1].set(
            xlabel=r"end of flow $\eta\varphi$", ylabel=r"product $\pi$", xlim=(1.9, p.product)
        )
        ends = data.ends
        axes[2].plot(ends[:, 0], ends[:, 1], "o", color=SEQUENCE[0], markersize=2.5)
        low = float(ends.min()) - 0.01
        axes[2].plot([low, 2], [low, 2], **REFERENCE)
        axes[2].set(xlabel=r"predicted $\eta\varphi_\infty$", ylabel="found")
        dots = {"marker": ".", "markersize": 5, "linestyle": "none"}
        lines = {"quasi-static attractor (b)": {"color": "0.65", **dots}}
        lines |= {
            "the run, and ends of many": {"color": SEQUENCE[0], **dots},
            "2, equality": REFERENCE,
        }
        above(axes[0].figure, kinds(lines), 3)

    return sheet(panels, width, columns=3, aspect=0.95)


def checks(data: Data) -> tuple[Check, ...]:
    """What falls and what does not, where cycles begin, and the ends."""
    return (*_falls(data), _cycles(data), *_predicted(data))


def _falls(data: Data) -> tuple[Check, ...]:
    """φ falls in every step that moves it, the iterate's sharpness does not; and it ends below the
    edge."""
    run, eta = data.run, data.rate
    phi, sharp = run.flow_sharpness, run.sharpness
    # what is left to fall is more than rounding of all the steps
    moving = phi[:-1] / phi[-1] - 1 > phi.size * np.finfo(float).eps
    return (
        near(
            "share of steps in which the flow's sharpness falls, before it rests",
            np.mean(np.diff(phi)[moving] < 0),
            1,
            0,
            "every one; M <= 1 is sufficient",
        ),
        Check(
            "largest rise of the flow's sharpness in a step, relative",
            np.max(np.diff(phi) / phi[:-1]),
            -np.inf,
            phi.size * np.finfo(float).eps,
            "rounding of all the steps, at rest too",
        ),
        below("largest M of the run", np.nanmax(run.certificate), 1, "premise"),
        beyond(
            "fall of the flow's sharpness over the run, relative",
            1 - phi[-1] / phi[0],
            0,
            "it moves",
        ),
        beyond(
            "largest rise of the iterate's, relative",
            np.max(np.diff(sharp)) / sharp[0],
            0,
            "that of the iterate is not monotone",
        ),
        below("rate · sharpness at the end of the run", eta * phi[-1], 2, "below the edge"),
    )


def _cycles(data: Data) -> Check:
    """The first product at which the step does not come to rest; at 2 itself it does so slowly."""
    products = data.diagram.products
    spacing = float(products[1] - products[0])
    begin = products[data.diagram.periods != 1].min()
    return near("where cycles begin", begin, 2, spacing, "period doubling at 2, on the grid")


def _predicted(data: Data) -> tuple[Check, ...]:
    """Ends of many starts: the prediction of each against one end for all, and against the edge."""
    predicted, found = data.ends.T
    missed, count = found - predicted, found.size
    share = np.mean(missed**2) / found.var(ddof=1)
    return (
        Check(
            "square of what is missed of an end over the variance of the ends",
            share,
            0,
            float(variances.ppf(1e-3, count, count - 1)),
            "F at 1e-3: better than any one end for all of them",
        ),
        exceeds(
            "ln of the distance from 2 over what is missed",
            np.log((2 - found) / np.abs(missed)),
            "the edge itself is no prediction",
            level=1e-3,
        ),
    )
