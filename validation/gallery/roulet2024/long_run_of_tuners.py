r"""The long run of every tuner on a toy with a minimum: who wins a step and who wins the run.

Greedy, CDAT below 2 and fractions of the edge keep sharpening and slow down; CDAT at 2 pins the
sharpness and its loss stalls; Polyak steps beyond the edge a third of the time and converges many
orders of magnitude faster. The last panel repeats it with noisy gradients, by batch and scale.
Setting of arXiv 2407.06183; the loss is ours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ....solvers.core.curve import Curve
from ....theory.methods import CDAT, Armijo, OnEdge, Polyak
from ....theory.tuners.problem import SharpnessToy
from ...figures.registry import colours, ordered
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, below, beyond, near, tail
from ..look import LINKED, REFERENCE, SIMULATION, direct, key, sheet

TITLE = "every tuner on a toy with a minimum: loss, product of step and sharpness, batches"
CAPTION = (
    "(a) Loss and (b) sharpness of six step rules, (c) how often they step beyond the edge, "
    "(d) loss of CDAT over its scale and batch. Take-away: who wins a step does not win the "
    "run."
)

#: the rules that go on to sharpen
SHARPENING = ("greedy (CDAT 1)", "CDAT 1.9", "0.9 of the edge")
#: of a loss that has fallen by this much nothing is left but rounding
EPS = float(np.finfo(float).eps)
RULES: dict[str, Any] = {
    "greedy (CDAT 1)": CDAT(1.0),
    "CDAT 1.9": CDAT(1.9),
    "CDAT 2": CDAT(2.0),
    "0.9 of the edge": OnEdge(0.9),
    "Armijo": Armijo(0.1),
    "Polyak": Polyak(1.0),
}


@dataclass(frozen=True)
class Parameters:
    """The toy, its noise and batches, scales of CDAT, steps and runs."""

    l0: float = 2.0
    k: float = 1.0
    alpha: float = 0.1
    bounded: float = 0.01
    bulk: tuple[float, ...] = (0.5, 0.1)
    x: float = 0.1
    steps: int = 2000
    noise: float = 0.3
    batches: tuple[int, ...] = (1, 16, 256)
    scales: tuple[float, ...] = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75)
    noisy_steps: int = 300
    runs: int = 150
    seed: int = 0


QUICK = Parameters()
FULL = Parameters(steps=3000, runs=400)


@dataclass(frozen=True, eq=False)
class Data:
    """By rule the run; by batch the median loss and its error over the scales."""

    parameters: Parameters
    runs: dict[str, Curve]
    medians: dict[int, np.ndarray]
    errors: dict[int, np.ndarray]


def compute(parameters: Parameters) -> Data:
    """Every rule once, and CDAT with noise."""
    p = parameters
    toy = SharpnessToy(p.l0, p.k, p.alpha, p.bulk, p.bounded, (p.x, 0.0))
    times = np.arange(p.steps + 1)
    runs = {name: simulate(toy, rule, times=times) for name, rule in RULES.items()}
    noisy, medians, errors = replace(toy, noise=p.noise), {}, {}
    for batch in p.batches:
        last = [_losses(noisy, CDAT(s, largest=2.0, batch=batch), p) for s in p.scales]
        medians[batch] = np.array([np.median(one) for one in last])
        errors[batch] = np.array([_error(one) for one in last])
    return Data(p, runs, medians, errors)


def _losses(problem: SharpnessToy, method: CDAT, p: Parameters) -> np.ndarray:
    """Losses without the tilt at the end of every run; infinite where it was lost."""
    quiet = p.noisy_steps
    found = simulate(problem, method, times=[quiet], runs=p.runs, seed=p.seed, progress=False)
    x, lam = found.sample("x")[:, -1], found.sample("sharpness")[:, -1]
    u = (lam - p.l0) / p.k
    return np.nan_to_num(
        lam * x**2 / 2 + p.bounded * (u - p.alpha / p.bounded) ** 2 / 2, nan=np.inf
    )


def _error(losses: np.ndarray) -> float:
    """Half the distance of the order statistics one standard deviation from the median.

    NaN where both are infinite: half the runs were lost.
    """
    n = losses.size
    low, high = np.sort(losses)[[int(n / 2 - np.sqrt(n) / 2), int(n / 2 + np.sqrt(n) / 2)]]
    return float(high - low) / 2 if np.isfinite(low) else np.nan


def draw(data: Data, width: str | float) -> HouseFigure:
    """Loss and sharpness over time, a histogram of ηλ, and the loss over the scale."""
    p = data.parameters

    def panels(axes: Any) -> None:
        bins = np.geomspace(0.2, 10, 60)
        rules = colours(data.runs)
        for name, run in data.runs.items():
            colour = rules[name]
            axes[0].semilogy(
                run.time, np.maximum(run.loss, 1e-33), color=colour, linewidth=0.8, label=name
            )
            axes[1].plot(run.time, run.sharpness, color=colour, linewidth=0.8)
            edge = run.edge[run.step > 0]
            axes[2].hist(
                edge,
                bins,
                weights=np.full(edge.size, 1 / edge.size),
                histtype="step",
                color=colour,
                linewidth=0.9,
            )
        axes[0].set(xlabel="step", ylabel="loss")
        axes[1].set(xlabel="step", ylabel=r"sharpness $\lambda$")
        axes[2].axvline(2, **REFERENCE)
        axes[2].set(xlabel=r"$\eta\lambda$", ylabel="fraction of steps", xscale="log")
        for batch, colour in ordered(list(data.medians)).items():
            medians = data.medians[batch]
            shown = np.where(np.isfinite(medians), medians, np.nan)
            errors = 2 * np.nan_to_num(data.errors[batch], posinf=0.0)
            axes[3].errorbar(p.scales, shown, errors, color=colour, **LINKED)
        axes[3].set(
            xlabel="scale of CDAT", ylabel=f"median loss, step {p.noisy_steps}", yscale="log"
        )
        shades = ordered(list(data.medians))
        last = {b: medians[np.isfinite(medians)][-1] for b, medians in data.medians.items()}
        direct(axes[3], {f"$B={b}$": (float(end), shades[b]) for b, end in last.items()})
        key(axes[0], {"simulation, median ± 2 s.e. (d)": SIMULATION}, columns=3)

    return sheet(panels, width, rows=2, columns=2, aspect=0.66)


def checks(data: Data) -> tuple[Check, ...]:
    """Who wins the step, who converges, who pins, who sharpens, and what the batch changes."""
    return (*_step(data), *_polyak(data), *_pinned(data), *_sharpening(data), _batches(data))


def _step(data: Data) -> tuple[Check, ...]:
    """Greedy steps are exact line searches to second order: none of the other fixed rules has a
    lower loss after one step, and CDAT at 2 none in the first ones."""
    after = {name: run.loss[1] for name, run in data.runs.items()}
    greedy = after.pop("greedy (CDAT 1)")
    two = data.runs["CDAT 2"].loss / data.runs["greedy (CDAT 1)"].loss
    return (
        beyond(
            "least loss of another rule over greedy's, first step",
            min(after.values()) / greedy,
            1,
            "greedy wins the step",
        ),
        beyond(
            "least loss of CDAT 2 over greedy's, first 20 steps",
            two[1:21].min(),
            1,
            "and the first ones",
        ),
    )


def _polyak(data: Data) -> tuple[Check, ...]:
    """It converges, alone, and steps beyond the edge in every part of the run."""
    ends = {name: run.loss[-1] / run.loss[0] for name, run in data.runs.items()}
    polyak, run = ends.pop("Polyak"), data.runs["Polyak"]
    parts = np.array_split(run.edge[run.step > 0] > 2, 10)
    return (
        Check("Polyak: last loss over the first", polyak, 0, EPS, "rounding: it has converged"),
        Check(
            "least of that over the other rules",
            min(ends.values()),
            EPS,
            np.inf,
            "rounding: none of them has",
        ),
        beyond(
            "Polyak: least share of steps beyond the edge, tenths of the run",
            min(part.mean() for part in parts),
            0,
            "it works beyond the edge",
        ),
    )


def _pinned(data: Data) -> tuple[Check, ...]:
    """CDAT at 2 rests in the second half, where every other loss still falls."""
    half = data.parameters.steps // 2
    falls = {name: np.log(run.loss[half] / run.loss[-1]) for name, run in data.runs.items()}
    two, rounding = data.runs["CDAT 2"], half * EPS
    return (
        near(
            "CDAT 2: sharpness at the end over that at half",
            two.sharpness[-1] / two.sharpness[half],
            1,
            rounding,
            "pinned: rounding of every step",
        ),
        near(
            "CDAT 2: fall of ln loss over the second half",
            falls.pop("CDAT 2"),
            0,
            rounding,
            "it stalls: rounding of every step",
        ),
        beyond(
            "least fall of ln loss over the second half, other rules",
            min(falls.values()),
            0,
            "they go on",
        ),
    )


def _sharpening(data: Data) -> tuple[Check, ...]:
    """Three rules climb to the end of the valley; greedy ones by the zig-zag, in which two steps
    share the sum of the curvatures, 1/η + 1/η⁺ = λ + h."""
    p, greedy = data.parameters, data.runs["greedy (CDAT 1)"]
    half, top = p.steps // 2, p.l0 + p.k * p.alpha / p.bounded
    left = [
        (top - data.runs[name].sharpness[-1]) / (top - data.runs[name].sharpness[half])
        for name in SHARPENING
    ]
    pairs = (1 / greedy.edge[-2] + 1 / greedy.edge[-1]) - 1
    moved = abs(np.log(greedy.sharpness[-1] / greedy.sharpness[-2]))
    return (
        below(
            "what is left to the top of the sharpness, end over half, most of three rules",
            max(left),
            1,
            "they sharpen for ever",
        ),
        Check("least of it", min(left), 0, 1 - EPS, "and never pass the end of the valley"),
        near(
            "greedy: 1/(eta lambda) of two steps less 1, over the curvature of the valley",
            pairs / (p.bounded / greedy.sharpness[-1]),
            1,
            moved / (p.bounded / greedy.sharpness[-1]),
            "zig-zag in two directions; what lambda moves by in a step",
        ),
    )


def _batches(data: Data) -> Check:
    contrast = [_contrast(data, batch) for batch in (data.parameters.batches[i] for i in (0, -1))]
    return Check(
        "z-score: log loss of scale .25 over .75, largest batch less batch 1",
        (contrast[-1][0] - contrast[0][0]) / np.hypot(contrast[-1][1], contrast[0][1]),
        tail(2e-3, 1),
        np.inf,
        "which scale is best changes with the batch: normal tail at 1e-3",
    )


def _contrast(data: Data, batch: int) -> tuple[float, float]:
    """log of the loss at scale .25 over that at .75, and its standard error."""
    places = [data.parameters.scales.index(s) for s in (0.25, 0.75)]
    low, high = data.medians[batch][places]
    errors = data.errors[batch][places] / (low, high)
    return float(np.log(low / high)), float(np.hypot(*errors))
