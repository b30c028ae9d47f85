r"""The noise kernel norm along the training of a network, over rates and batches.

If the kernel stood still the norm would stay in proportion to the rate while
:math:`\eta\lambda_{\max}\ll2`, where it is :math:`\frac{\eta c}2\operatorname{tr}N`, and a rate
that starts above 1 would diverge. What the kernel of a network does instead is measured: no theory
says where it settles. Criterion of arXiv 2404.19261; the norm is the lower estimate of `probe`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....theory.methods import SGD
from ...figures.registry import ordered
from ...figures.style import HouseFigure
from ...networks.digits import digits_network
from ...networks.train import train
from ..check import Check, exceeds
from ..look import EXACT, REFERENCE, SIMULATION, direct, key, outside_its_range, sheet

TITLE = "the noise kernel norm along training of a network on digits, over rates and batches"
CAPTION = (
    "Lower estimate of the noise kernel norm of a tanh network on {examples} digits under SGD, "
    "{runs} starts (means over the runs that train ± 2 s.e.). (a), (b) Along training at batches "
    "of {shown[0]} and {shown[1]}, rates at the right; (c) over the rate, settled (circles) and at "
    "the start (dashes, median, where it is finite). Take-away: the kernel gives way: what trains "
    "comes down below 1, also from above, and the settled norm grows slower than the rate; the "
    "norm at the start does not tell which rates train."
)

Array = np.ndarray
#: fraction of runs that train from which a cell has a mean
MOST = 0.75


@dataclass(frozen=True)
class Parameters:
    """A tanh network on digits; rates and batches, on the same starts."""

    examples: int = 40
    hidden: tuple[int, ...] = (16,)
    batches: tuple[int, ...] = (2, 4, 8)
    shown: tuple[int, int] = (2, 8)
    rates: tuple[float, ...] = (0.02, 0.04, 0.08, 0.16, 0.32)
    steps: int = 400
    every: int = 40
    settled: int = 200
    runs: int = 8
    seed: int = 1


QUICK = Parameters()
FULL = Parameters(
    examples=60,
    hidden=(24,),
    batches=(2, 4, 8, 16),
    shown=(2, 16),
    steps=800,
    every=80,
    settled=400,
    runs=12,
)


@dataclass(frozen=True, eq=False)
class Data:
    """By batch and rate the norm along every run, (run, time), NaN from where it diverged."""

    shown: tuple[int, int]
    time: Array
    settled: float
    norms: dict[int, dict[float, Array]]

    def starts(self, batch: int, rate: float) -> Array:
        """The norm of every run at its start."""
        return self.norms[batch][rate][:, 0]

    def ends(self, batch: int, rate: float) -> Array:
        """ln of the norm of every run, mean over the settled times; NaN where it diverged."""
        return np.log(self.norms[batch][rate][:, self.time >= self.settled]).mean(axis=1)


def compute(parameters: Parameters) -> Data:
    """All batches and rates; run k of each has the start of every other run k."""
    p = parameters
    network = digits_network(p.examples, seed=p.seed, hidden=p.hidden)
    options: dict[str, Any] = {"every": p.every, "runs": p.runs, "seed": p.seed, "workers": 1}
    norms: dict[int, dict[float, Array]] = {}
    with outside_its_range():  # runs that diverge are part of the answer
        for batch in p.batches:
            norms[batch] = {}
            for rate in p.rates:
                curve = train(network, SGD(rate, batch=batch), p.steps, progress=False, **options)
                norms[batch][rate] = curve.sample("kernel_norm")
    return Data(p.shown, curve.time, p.settled, norms)


def draw(data: Data, width: str | float) -> HouseFigure:
    """Norms along training for two batches, and over the rate."""
    rates = list(next(iter(data.norms.values())))
    shades, tones = ordered(rates), ordered(list(data.norms))

    def panels(axes: Any) -> None:
        for axis, batch in zip(axes, data.shown, strict=False):
            _along(axis, data, batch, shades)
        for batch, cells in data.norms.items():
            start = [np.median(data.starts(batch, rate)) for rate in rates]
            finite = np.isfinite(start)
            axes[2].plot(
                np.array(rates)[finite], np.array(start)[finite], color=tones[batch], **EXACT
            )
            for rate in cells:
                ends = np.exp(data.ends(batch, rate))
                if trains(ends).size:
                    mean, error = _mean(trains(ends))
                    axes[2].errorbar(rate, mean, 2 * error, color=tones[batch], **SIMULATION)
        axes[2].set(xscale="log", xlabel=r"rate $\eta$", title="start and settled")
        for axis in axes:
            axis.axhline(1, **REFERENCE)
            axis.set(yscale="log", ylabel=r"noise kernel norm $\mathcal{K}$", ylim=(0.03, 5))
        lines = {"runs that train, mean ± 2 s.e.": SIMULATION, "at the start (c)": EXACT}
        lines |= {r"$\mathcal{K}=1$": REFERENCE}
        key(axes[0], lines, 6, colours={f"$B={B}$ (c)": c for B, c in tones.items()})

    return sheet(panels, width, columns=3, aspect=0.95)


def trains(values: Array) -> Array:
    """The runs that did not diverge, where these are most; otherwise none."""
    kept = values[np.isfinite(values.reshape(len(values), -1)).all(axis=1)]
    return kept if len(kept) >= MOST * len(values) else kept[:0]


def _along(axis: Any, data: Data, batch: int, shades: dict[Any, Any]) -> None:
    ends: dict[str, tuple[float, Any]] = {}
    for rate, norms in data.norms[batch].items():
        kept = norms[np.isfinite(norms[:, -1])]
        if len(kept) < MOST * len(norms):
            continue
        finite = np.where(np.isfinite(kept), kept, np.nan)
        mean, error = _mean(finite)
        axis.errorbar(data.time, mean, 2 * error, color=shades[rate], elinewidth=0.8, **SIMULATION)
        ends[rf"$\eta={rate:g}$"] = float(mean[-1]), shades[rate]
    axis.set(xlabel="step", title=f"$B={batch}$", yscale="log", ylim=(0.03, 5))
    direct(axis, ends)


def _mean(values: Array) -> tuple[Any, Any]:
    """Over the runs, with its standard error."""
    return values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))


def checks(data: Data) -> tuple[Check, ...]:
    """By batch: the largest rate that trains settles below 1, and over the rates the norm grows
    slower than they do; over all: what starts above 1 comes down."""
    found, down = [], []
    for batch, cells in data.norms.items():
        rates = [rate for rate in cells if trains(data.ends(batch, rate)).size]
        top = trains(data.ends(batch, rates[-1]))
        name = f"B = {batch}: settled norm below 1 at the largest rate that trains"
        found.append(exceeds(name, -top, "K < 1 where it trains"))
        name, left = f"B = {batch}: power of the rate, below 1", 1 - _powers(data, batch, rates)
        found.append(exceeds(name, left, "1 if the kernel stood still"))
        for rate in rates:
            starts, ends = data.starts(batch, rate), data.ends(batch, rate)
            down += list(ends[(starts > 1) & np.isfinite(ends)])
    origin = "a start above 1 is no bound for what trains"
    name = "runs that start above 1 and train: settled norm below 1"
    return (*found, exceeds(name, -np.array(down), origin))


def _powers(data: Data, batch: int, rates: list[float]) -> Array:
    """Power of the rate in the settled norm of every start that trains at all of the rates."""
    ends = np.array([data.ends(batch, rate) for rate in rates])
    kept = ends[:, np.isfinite(ends).all(axis=0)]
    return np.asarray(np.polyfit(np.log(rates), kept, 1)[0])
