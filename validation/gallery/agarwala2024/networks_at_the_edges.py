r"""Rate · sharpness and the noise kernel norm along the training of small networks on digits.

Both objectives start at one θ, where the outputs are small: all C classes are equally likely there,
and by :math:`H=(I-\tfrac1C11^\top)/C` the sharpness of the cross-entropy is 1/C of that of the
squared loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import kendalltau

from ....solvers.core.curve import Curve
from ....theory.methods import SGD
from ...figures.registry import ordered
from ...figures.style import HouseFigure
from ...networks.digits import digits_network
from ...networks.mlp import MLP
from ...networks.train import train
from ..check import Check, beyond, exceeds, near
from ..look import REFERENCE, SIMULATION, band, key, sheet

TITLE = "small networks on digits: rate · sharpness, noise kernel norm and loss over training"
CAPTION = (
    "Rate times sharpness, bracket of the noise kernel norm and loss along training of small "
    "networks on {data} digits, {runs} runs; squared loss first, then cross-entropy. Take-away: "
    "descent stops at 2, smaller batches stay below it, and the norm settles below 1."
)
NAMES = {"squared": "squared loss", "cross_entropy": "cross-entropy"}


@dataclass(frozen=True)
class Parameters:
    """One rate for all batches, the largest of which is all of the data: gradient descent."""

    data: int = 64
    hidden: tuple[int, ...] = (16, 16)
    start: float = 0.3
    batches: tuple[int, ...] = (64, 16, 6, 3)
    squared_rate: float = 0.4
    cross_entropy_rate: float = 0.3
    squared_steps: int = 1600
    cross_entropy_steps: int = 300
    points: int = 15
    runs: int = 4
    seed: int = 1


QUICK = Parameters()
FULL = Parameters(
    data=128,
    hidden=(24, 24),
    batches=(128, 32, 12, 6),
    squared_steps=3200,
    cross_entropy_steps=600,
    points=20,
    runs=4,
)


@dataclass(frozen=True, eq=False)
class Data:
    """The curves of every batch, by objective; the rate of each objective.

    ``outputs`` is the size of the outputs at the start beside usual ones, start^layers.
    """

    curves: dict[str, dict[int, Curve]]
    rates: dict[str, float]
    classes: int
    outputs: float


def compute(parameters: Parameters) -> Data:
    """All batches from one start, smaller than usual so that there is room to sharpen."""
    p = parameters
    rates = {"squared": p.squared_rate, "cross_entropy": p.cross_entropy_rate}
    steps = {"squared": p.squared_steps, "cross_entropy": p.cross_entropy_steps}
    networks = {name: _network(p, name) for name in NAMES}
    curves = {name: _curves(p, networks[name], rates[name], steps[name]) for name in NAMES}
    classes = networks["cross_entropy"].targets.shape[1]
    return Data(curves, rates, classes, p.start ** (len(p.hidden) + 1))


def _network(p: Parameters, objective: str) -> MLP:
    return digits_network(p.data, seed=p.seed, hidden=p.hidden, objective=objective)


def _curves(p: Parameters, network: MLP, rate: float, steps: int) -> dict[int, Curve]:
    start = p.start * network.start(np.random.default_rng(p.seed))
    options: dict[str, Any] = {"start": start, "runs": p.runs, "seed": p.seed, "workers": 1}
    every, methods = steps // p.points, {B: SGD(rate, batch=B) for B in p.batches}
    return {
        B: train(network, method, steps, every=every, progress=False, **options)
        for B, method in methods.items()
    }


def draw(data: Data, width: str | float) -> HouseFigure:
    """Sharpness, norms and loss from above; one column an objective."""

    def panels(axes: Any) -> None:
        shades = ordered(sorted(next(iter(data.curves.values()))))
        for row, (name, curves) in enumerate(data.curves.items()):
            edge, norm, loss = axes[3 * row : 3 * row + 3]
            for batch, curve in curves.items():
                colour, rate = shades[batch], data.rates[name]
                look = {"color": colour, **SIMULATION}
                edge.errorbar(
                    curve.time, rate * curve.sharpness, 2 * rate * curve.sem("sharpness"), **look
                )
                loss.errorbar(curve.time, curve.loss, 2 * curve.sem("loss"), **look)
                if np.any(curve.kernel_trace > 0):
                    _norm(norm, curve, colour)
            edge.axhline(2, **REFERENCE)
            norm.axhline(1, **REFERENCE)
            edge.set_ylabel(r"$\eta\lambda_{\max}$")
            norm.set(yscale="log", ylabel=r"bracket of $\mathcal{K}$")
            loss.set(yscale="log", ylabel="loss")
            for axis in (edge, norm, loss):
                axis.set(title=NAMES[name], xlabel="step $t$")
        shown = {f"$B={batch}$": colour for batch, colour in shades.items()}
        lines = {"networks, mean ± 2 s.e.; lower estimate of $\\mathcal{K}$": SIMULATION}
        key(axes[0], lines, 3, colours=shown, bands=("up to the bound above",))

    return sheet(panels, width, rows=2, columns=3, aspect=0.85)


def _norm(axis: Any, curve: Curve, colour: str) -> None:
    """The lower estimate, and the bracket up to the bound above."""
    axis.plot(curve.time, curve.kernel_norm, color=colour, **SIMULATION)
    band(axis, curve.time, curve.kernel_norm, curve.kernel_upper, colour)


def checks(data: Data) -> tuple[Check, ...]:
    """Descent ends at its edge, smaller batches below it; norms of order one where they train; the
    start of the cross-entropy beside that of the squared loss."""
    curves, rate = data.curves["squared"], data.rates["squared"]
    plateaus = {B: rate * _late(curve.sample("sharpness")) for B, curve in curves.items()}
    full = next(iter(curves.values()))
    crossed = np.argmax(rate * full.sharpness > 2)
    swing = float((rate * full.sharpness[crossed:]).max()) - 2
    origin = "edge of stability: within what it went beyond"
    label = "squared loss, full batch: late rate · sharpness"
    found = [near(label, next(iter(plateaus.values())).mean(), 2, swing, origin)]
    found.append(_in_order(plateaus, "late rate · sharpness rises"))
    norms = {B: -_late(c.sample("kernel_norm")) for B, c in list(curves.items())[1:]}
    found.append(_in_order(norms, "late kernel norm, lower estimate, falls"))
    last, lowest = list(norms.items())[-1]
    label = f"squared loss, B = {last}: late kernel norm, lower estimate"
    found.append(exceeds(f"{label}, below 1", 1 + lowest, "K < 1 where it trains"))
    found += _flat_start(data)
    for name, group in data.curves.items():
        for batch, curve in group.items():
            loss = curve.sample("loss")
            label = f"{NAMES[name]}, B = {batch}: ln of first over final loss, least of all runs"
            found.append(
                beyond(label, np.log(loss[:, 0] / loss[:, -1]).min(), 0, "every run trains")
            )
    return tuple(found)


def _in_order(samples: dict[int, np.ndarray], name: str) -> Check:
    """Over the batches, by Kendall's test; all runs of the full batch are one."""
    full = max(samples)
    found = []
    for batch, values in samples.items():
        alike = batch == full and np.ptp(values) == 0
        found += [(batch, value) for value in (values[:1] if alike else values)]
    p = float(kendalltau(*np.transpose(found), alternative="greater").pvalue)
    label = f"squared loss: {name} with the batch, p-value of the contrary"
    return Check(label, p, 0, 1e-3, f"Kendall's test over {len(found)} runs")


def _flat_start(data: Data) -> list[Check]:
    """Loss and sharpness of the cross-entropy where all classes are equally likely."""
    squared, entropy = (next(iter(group.values())) for group in data.curves.values())
    share = data.classes * entropy.sharpness[0] / squared.sharpness[0]
    origin = "classes equally likely, but for outputs of size start^layers"
    return [
        near(
            "cross-entropy: first loss over ln C",
            entropy.loss[0] / np.log(data.classes),
            1,
            data.outputs,
            origin,
        ),
        near(
            "cross-entropy: C times first sharpness over that of the squared loss",
            share,
            1,
            data.outputs,
            origin,
        ),
    ]


def _late(samples: np.ndarray) -> np.ndarray:
    """Mean of each run over the last third."""
    return samples[:, -(samples.shape[1] // 3) :].mean(axis=1)
