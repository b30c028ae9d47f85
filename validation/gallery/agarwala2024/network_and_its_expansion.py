"""A network on digits beside its linear and its quadratic expansion, in space and in training.

From a random start training leaves the region of the expansion within some steps; from a point
further on, where it moves less, the expansion keeps up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ....solvers.core.curve import Curve
from ....solvers.solve import solve
from ....theory.linear.problem import LinearModel
from ....theory.methods import GradientDescent
from ...figures.style import HouseFigure
from ...networks.digits import digits_network
from ...networks.expansion import Expansion, quadratic_expansion
from ...networks.mlp import MLP
from ...networks.train import train
from ...simulate import simulate
from ..check import Check, exceeds, near, power_at_zero
from ..look import EXACT, REFERENCE, SEQUENCE, SIMULATION, THEORY, above, direct, kinds, sheet, thin

TITLE = "a network on digits and its quadratic expansion: error in space, loss and sharpness"
CAPTION = (
    "(a) Error of the linear and the quadratic expansion of a network in space, r.m.s. over "
    "{directions} directions; (b), (c) loss and sharpness of one run, and of both expansions from "
    "the start and from step {points[1]}. Take-away: from where the network moves slowly the "
    "quadratic model is nearer in loss and sharpness than the linear one ({judged} steps, in the "
    "mean of ln over {starts} starts)."
)


@dataclass(frozen=True)
class Parameters:
    """A tanh network that tells odd from even digits, and gradient descent."""

    data: int = 40
    hidden: tuple[int, ...] = (6,)
    shortest: float = 1e-3
    longest: float = 1.0
    directions: int = 20
    scale: float = 0.3
    rate: float = 0.1
    points: tuple[int, ...] = (0, 80)
    steps: int = 60
    starts: int = 16
    judged: int = 20
    seed: int = 1


QUICK = Parameters()
FULL = Parameters(data=60, hidden=(8,), directions=200, starts=24)


@dataclass(frozen=True, eq=False)
class Data:
    """Errors of z about the first point, (directions, lengths), by order; and training.

    The linear and the quadratic model start at each of the points of the network's path; `shares`
    are errors of the quadratic over those of the linear model from the last point on, over as many
    steps as are judged, (starts,).
    """

    judged: int
    lengths: np.ndarray
    errors: dict[int, np.ndarray]
    rate: float
    network: Curve
    linear: dict[int, Curve]
    quadratic: dict[int, Curve]
    shares: dict[str, np.ndarray]


def compute(parameters: Parameters) -> Data:
    """One path of descent, and expansions about points on it."""
    p = parameters
    digits = digits_network(p.data, seed=p.seed)
    odd = digits.targets[:, 1::2].sum(axis=1, keepdims=True)
    network = MLP(digits.inputs, odd, hidden=p.hidden)
    lengths = np.geomspace(p.shortest, p.longest, 13)
    # its first start is the one that is shown
    rng = np.random.default_rng(p.seed)
    starts = [p.scale * network.start(rng) for _ in range(p.starts)]
    expansion = quadratic_expansion(network, starts[0])
    shown = _trained(network, starts[0], p.points, p)
    brief = replace(p, steps=p.judged)
    others = [_trained(network, start, p.points[-1:], brief) for start in starts[1:]]
    return Data(
        p.judged,
        lengths,
        {order: _errors(network, expansion, starts[0], lengths, order, p) for order in (1, 2)},
        p.rate,
        *shown,
        {
            name: np.array([_share(*curves, name, p) for curves in (shown, *others)])
            for name in ("loss", "sharpness")
        },
    )


def _trained(
    network: MLP, start: np.ndarray, points: tuple[int, ...], p: Parameters
) -> tuple[Curve, dict[int, Curve], dict[int, Curve]]:
    """Descent of the network, and of its linear and quadratic models from points on its path."""
    path, last = _path(network, start, p), max(points) + p.steps
    expansions = {t: quadratic_expansion(network, path[t]) for t in points}
    return (
        train(network, GradientDescent(p.rate), last, every=1, start=start, progress=False),
        {t: _linear(expansion, p) for t, expansion in expansions.items()},
        {t: _quadratic(expansion, p) for t, expansion in expansions.items()},
    )


def _path(network: MLP, start: np.ndarray, p: Parameters) -> list[np.ndarray]:
    path = [start]
    for _ in range(max(p.points)):
        step = network.gradient(path[-1], np.ones(network.data)) / network.data
        path.append(path[-1] - p.rate * step)
    return path


def _errors(
    network: MLP, expansion: Expansion, start: Any, lengths: Any, order: int, p: Parameters
) -> np.ndarray:
    """Root mean square over the examples, in random directions."""
    directions = np.random.default_rng(p.seed).standard_normal((p.directions, start.size))
    units = directions / np.linalg.norm(directions, axis=1, keepdims=True)

    def error(d: np.ndarray) -> float:
        gap = network.residual(start + d).ravel() - expansion.residual(d, order)
        return float(np.sqrt(np.mean(gap**2)))

    return np.array([[error(length * unit) for length in lengths] for unit in units])


def _linear(expansion: Expansion, p: Parameters) -> Curve:
    model = LinearModel(expansion.problem.G, residual=expansion.problem.z0)
    return solve(model, GradientDescent(p.rate), until=p.steps, points=p.steps + 1)


def _quadratic(expansion: Expansion, p: Parameters) -> Curve:
    options: dict[str, Any] = {"points": p.steps + 1, "runs": 1, "tensor": expansion.tensor}
    method = GradientDescent(p.rate)
    return simulate(expansion.problem, method, until=p.steps, progress=False, **options)


def draw(data: Data, width: str | float) -> HouseFigure:
    """Error against the distance; loss and sharpness against the step."""

    def panels(axes: Any) -> None:
        slopes = {}
        for colour, (order, errors) in zip(SEQUENCE, data.errors.items(), strict=False):
            axes[0].plot(data.lengths, errors.mean(axis=0), color=colour, **SIMULATION)
            scale = errors.mean(axis=0)[0] / data.lengths[0] ** (order + 1)
            axes[0].plot(data.lengths, scale * data.lengths ** (order + 1), **REFERENCE)
            slopes[f"slope {order + 1}"] = errors.mean(axis=0)[-1], colour
        axes[0].set(xscale="log", yscale="log", xlabel=r"distance $|\theta-\theta_0|$")
        axes[0].set(ylabel=r"r.m.s. error of $z$")
        direct(axes[0], slopes)
        models = ((data.linear, EXACT, SEQUENCE[0]), (data.quadratic, THEORY, SEQUENCE[1]))
        for axis, name in zip(axes[1:], ("loss", "sharpness"), strict=True):
            factor = 1.0 if name == "loss" else data.rate
            shown = thin(data.network.time, 28)
            values = factor * data.network[name][shown]
            axis.plot(data.network.time[shown], values, color="black", **SIMULATION)
            for curves, line, colour in models:
                for first, curve in curves.items():
                    axis.plot(first + curve.time, factor * curve[name], color=colour, **line)
            axis.set(xlabel="step $t$")
        axes[1].set(yscale="log", ylabel="loss $|z|^2/(2D)$")
        axes[2].set(ylabel=r"$\eta\lambda_{\max}$")
        lines = {"network, one run": {"color": "black", **SIMULATION}}
        lines |= {"linear expansion": {"color": SEQUENCE[0], **EXACT}}
        lines |= {"quadratic expansion": {"color": SEQUENCE[1], **THEORY}}
        above(axes[0].figure, kinds(lines), 3)

    return sheet(panels, width, columns=3, aspect=1.05)


def checks(data: Data) -> tuple[Check, ...]:
    """The order of either error; over starts the quadratic model is nearer than the linear one."""
    found = []
    for order, errors in data.errors.items():
        slope, slopes = power_at_zero(data.lengths[:5], errors[:, :5].mean(axis=0))
        label = f"slope of the error of order {order} against the distance, at no distance"
        origin = "Taylor; a straight line in the distance, and how far slopes differ"
        found.append(near(label, slope, order + 1, np.ptp(slopes), origin))
    first, last = min(data.linear), max(data.linear)
    start = abs(data.network.sharpness[first] / data.quadratic[first].sharpness[0] - 1)
    found.append(near("sharpness at the start, relative gap", start, 0, 1e-9, "formula"))
    for name, shares in data.shares.items():
        label = f"{name}: the quadratic model nearer than the linear, {data.judged} steps from "
        label = f"{label}t = {last}, -ln of the share"
        found.append(exceeds(label, -np.log(shares), "an order higher", level=1e-3))
    return tuple(found)


def _share(
    network: Curve,
    linear: dict[int, Curve],
    quadratic: dict[int, Curve],
    name: str,
    p: Parameters,
) -> float:
    """Root mean square error of the quadratic over that of the linear model, from the last point.

    At single steps the linear model may cross the network.
    """
    point, count = p.points[-1], p.judged + 1
    true = network[name][point:][:count]
    above, under = (
        float(np.linalg.norm(models[point][name][:count] - true)) for models in (quadratic, linear)
    )
    return above / under
