"""Batches: clipping every sample keeps the gain of clipping, clipping their mean loses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.core.curve import Curve
from ....solvers.solve import solve
from ....solvers.streaming.advice.clipping.thresholds import best_threshold
from ....solvers.streaming.expectations import expectations
from ....theory.covariance import isotropic
from ....theory.methods import SGD, ClippedSGD
from ....theory.methods.clipped import CLIPS
from ....theory.noise import GaussianMixture
from ....theory.streaming.problem import LeastSquares
from ...figures.registry import ordered
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import ROUNDING, Check, near, tested
from ..look import (
    BAND,
    COLOURS,
    KINDS,
    REFERENCE,
    RISK,
    SEQUENCE,
    THEORY,
    TIME,
    key,
    pair,
    sheet,
)

TITLE = "clipping every sample against clipping the mean gradient as the batch grows"
CAPTION = (
    "Risk where every sample is clipped (a) and where their mean is (b), for several batches "
    "at d = {dimension}; (c) the largest gain at equal drift. Take-away: clipping every "
    "sample keeps its gain at any batch, clipping the mean loses it."
)

NAMES = {"per-sample": "clip every sample", "mean": "clip the mean"}
#: thresholds tried on the mean gradient, in root mean squares of its residuals
TRIED = np.geomspace(0.05, 2.0, 7)


@dataclass(frozen=True)
class Parameters:
    """Isotropic data, rare outliers, one rate and threshold for every batch."""

    dimension: int
    runs: int
    batches: tuple[int, ...] = (1, 3, 6)
    ladder: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64, 128, 256)
    weights: tuple[float, float] = (0.9, 0.1)
    scales: tuple[float, float] = (0.3, 2.5)
    rate: float = 1.2
    threshold: float = 0.5
    risk: float = 0.05
    until: float = 5.0
    points: int = 26
    seed: int = 1


QUICK = Parameters(dimension=400, runs=200)
FULL = Parameters(dimension=1000, runs=400)


@dataclass(frozen=True, eq=False)
class Data:
    """By what is clipped: limit and runs of each batch, and the best μ²/ν over the ladder."""

    paths: dict[str, dict[int, tuple[Curve, Curve]]]
    ladder: np.ndarray
    gains: dict[str, np.ndarray]
    kurtosis: float


def compute(parameters: Parameters) -> Data:
    """Both ways to clip, over batches."""
    p = parameters
    problem = LeastSquares(isotropic(p.dimension), GaussianMixture(p.weights, p.scales))
    return Data(
        {clip: {B: _path(problem, p, clip, B) for B in p.batches} for clip in CLIPS},
        np.array(p.ladder),
        {clip: np.array([_gain(problem, p.risk, clip, B) for B in p.ladder]) for clip in CLIPS},
        _kurtosis(problem.noise, p.risk),
    )


def _path(problem: LeastSquares, p: Parameters, clip: str, batch: int) -> tuple[Curve, Curve]:
    method = ClippedSGD(p.rate, p.threshold, batch=batch, clip=clip)
    theory = solve(problem, method, p.until, points=p.points)
    return theory, simulate(problem, method, p.until, points=p.points, runs=p.runs, seed=p.seed)


def _gain(problem: LeastSquares, risk: float, clip: str, batch: int) -> float:
    """Largest μ²/ν over thresholds: noise of SGD over that of clipping, at equal drift."""
    unclipped = float(expectations(problem, SGD(1.0, batch=batch)).N(risk))
    best = best_threshold(problem, [risk])
    # of one sample the best one is known
    thresholds = best if clip == "per-sample" else [*TRIED * np.sqrt(unclipped), *best]
    gains = []
    for c in thresholds:
        found = expectations(problem, ClippedSGD(1.0, float(c), batch=batch, clip=clip))
        gains.append(float(found.mu(risk) ** 2 / found.N(risk)) * unclipped)
    return max(gains)


def _kurtosis(noise: Any, risk: float) -> float:
    """E ℓ⁴/(E ℓ²)² of the residual."""
    variance = float(noise.variance)
    fourth = 12 * risk**2 + 12 * risk * variance + float(noise.moment(4))
    return fourth / (2 * risk + variance) ** 2


def draw(data: Data, width: str | float) -> HouseFigure:
    """The risk under either way to clip, and the gain at equal drift."""
    batches = list(next(iter(data.paths.values())))
    shades = ordered(batches)

    def panels(axes: Any) -> None:
        for axis, (clip, name) in zip(axes, NAMES.items(), strict=False):
            for batch, (theory, runs) in data.paths[clip].items():
                pair(axis, theory, runs, shades[batch], spread=True)
            axis.set(yscale="log", xlabel=TIME, ylabel=RISK, title=name)
        low = min(axis.get_ylim()[0] for axis in axes[:2])
        for axis in axes[:2]:
            axis.set_ylim(low, 1.2)
        _gains(axes[2], data)
        named = {f"$B$ = {batch}": colour for batch, colour in shades.items()}
        key(axes[0], KINDS, 3, colours=named, bands=(BAND,))

    return sheet(panels, width, columns=3, aspect=0.95, strips=(0, 1))


def _gains(axis: Any, data: Data) -> None:
    colours = (COLOURS["clipped SGD"], SEQUENCE[4])
    for colour, (clip, name) in zip(colours, NAMES.items(), strict=True):
        axis.plot(data.ladder, data.gains[clip], color=colour, **THEORY)
        middle = data.ladder.size // 2
        axis.annotate(
            name,
            (data.ladder[middle], data.gains[clip][middle]),
            color=colour,
            fontsize=7,
            xytext=(2, 3),
            textcoords="offset points",
        )
    axis.axhline(1, **REFERENCE)
    axis.set(
        xscale="log",
        xlabel="batch $B$",
        ylabel=r"largest $\mu^2/\nu$",
        title="gain at equal drift",
        ylim=(0.8, 1.15 * data.gains["mean"][0]),
    )


def checks(data: Data) -> tuple[Check, ...]:
    """Limits against runs; the gain of every sample is constant, that of the mean is lost."""
    agreements = [
        tested(f"{NAMES[clip]}, B = {batch}", theory, runs)
        for clip, paths in data.paths.items()
        for batch, (theory, runs) in paths.items()
    ]
    each, mean = data.gains["per-sample"], data.gains["mean"]
    # S^2 concentrates: E[1/S] = (B P)^(-1/2) (1 + 3 (kurtosis - 1)/(8 B) + ...)
    order = 0.75 * (data.kurtosis - 1) - 2
    late = data.ladder[-2:] * (mean[-2:] - 1)
    return (
        *agreements,
        near(
            "clip the mean: B (gain - 1), B to infinity",
            2 * late[-1] - late[-2],
            order,
            abs(late[-1] - late[-2]),
            "expansion in 1/B, extrapolated from the two largest; what the last step took away",
        ),
        near(
            "gain of the mean over that of every sample at B = 1",
            mean[0] / each[0],
            1,
            ROUNDING,
            "one sample: both clips are the same, and so is the best threshold",
        ),
    )
