r"""Mini-batches of signSGD: the sign of the mean, its saturation, and votes of signs.

The sign of the mean of B gradients has the drift :math:`g_B\approx\sqrt{2B/\pi}\,P^{-1/2}` in the
limit; at finite d coordinates with :math:`B\rho_i^2` of order one saturate, as Student's law of B
degrees of freedom (split equations). A majority vote gains less, a mean of signs only averages the
noise (derived here, after arXiv 2411.12135). Time counts steps; samples are B times as many.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.core.curve import Curve
from ....solvers.solve import solve
from ....solvers.streaming.finite_size import drift_gain
from ....solvers.streaming.stationary import stationary
from ....theory.covariance import power_law
from ....theory.methods import SignSGD
from ....theory.noise import Gaussian
from ....theory.streaming.modes import modes
from ....theory.streaming.problem import LeastSquares
from ...agreement.compare import compare
from ...figures.registry import ordered
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, agreement, near
from ..look import (
    EXACT,
    KINDS,
    RISK,
    SEQUENCE,
    THEORY,
    TIME,
    direct,
    key,
    outside_its_range,
    points,
    residual,
    sheet,
)

TITLE = "mini-batches of signSGD: limit, saturation at finite d, and three ways to take signs"
CAPTION = (
    "(a) Risk under the sign of the mean of B gradients: limit (line), split equations that "
    "saturate at finite d (dashes), runs at d = {dimension}. (b) Three ways to take signs of "
    "{voters} gradients. Below, runs against the split equations. Take-away: batches speed "
    "signSGD up like the root of B until single coordinates saturate; votes gain less, and a "
    "mean of signs gains no drift."
)

MEAN, VOTES = "sign-of-mean", ("majority-vote", "mean-of-signs")
Case = tuple[str, int]


@dataclass(frozen=True)
class Parameters:
    """Odd batches of the sign of the mean; all three aggregates at one of them."""

    dimension: int = 200
    exponent: float = 0.3
    noise: float = 0.5
    rate: float = 0.3
    batches: tuple[int, ...] = (1, 3, 9, 27)
    voters: int = 9
    until: float = 2.5
    points: int = 26
    runs: int = 200
    seed: int = 7


QUICK = Parameters()
FULL = Parameters(dimension=400, batches=(1, 3, 9, 27, 81), runs=400)


@dataclass(frozen=True, eq=False)
class Data:
    """Limit, split equations and runs by case, (aggregate, batch); and where the limits stall.

    ``load`` is η tr D^½/(2d), which 2R g_B(R) equals at rest.
    """

    limit: dict[Case, Curve]
    split: dict[Case, Curve]
    runs: dict[Case, Curve]
    rest: dict[int, float]
    load: float
    variance: float


def compute(parameters: Parameters) -> Data:
    """One problem, a method for every case."""
    p = parameters
    problem = LeastSquares(power_law(p.dimension, p.exponent), noise=Gaussian(p.noise))
    cases = [(MEAN, batch) for batch in p.batches] + [(name, p.voters) for name in VOTES]
    methods = {case: SignSGD(p.rate, batch=case[1], aggregate=case[0]) for case in cases}
    axis = {"until": p.until, "points": p.points}
    limit, split, runs = {}, {}, {}
    for k, (case, method) in enumerate(methods.items()):
        seed = np.random.SeedSequence(p.seed, spawn_key=(k,))
        runs[case] = simulate(problem, method, runs=p.runs, seed=seed, progress=False, **axis)
        # the limit is shown where B is no longer small against d, beside what corrects it
        with outside_its_range():
            limit[case] = solve(problem, method, **axis)
            split[case] = solve(problem, method, correction="split", **axis)
    rest = {batch: float(stationary(problem, methods[MEAN, batch]).roots[0]) for batch in p.batches}
    load = p.rate * modes(problem, methods[MEAN, p.voters]).mean_rate / 2
    return Data(limit, split, runs, rest, load, p.noise**2)


def draw(data: Data, width: str | float) -> HouseFigure:
    """The sign of the mean by batch, and the three aggregates at one batch."""
    largest = max(batch for _, batch in data.runs)
    voters = next(batch for name, batch in data.runs if name != MEAN)
    shades = ordered([batch for name, batch in data.runs if name == MEAN])
    colours = {case: shades[case[1]] for case in data.runs if case[0] == MEAN}
    colours |= {(name, voters): SEQUENCE[k] for k, name in enumerate(VOTES)}

    def panels(axes: Any) -> None:
        for case, colour in colours.items():
            name, batch = case
            if name == MEAN:
                _case(axes[0], data, case, colour, "split equations" if batch == largest else "")
            if batch == voters:
                _case(axes[1], data, case, colour)
        axes[0].set(title="sign of the mean")
        axes[1].set(title=f"$B={voters}$")
        for axis in axes:
            axis.set(xlabel=TIME, ylabel=RISK, yscale="log")
        ends = {case: (curve.risk[-1], colours[case]) for case, curve in data.split.items()}
        direct(axes[0], {f"$B={case[1]}$": end for case, end in ends.items() if case[0] == MEAN})
        direct(
            axes[1],
            {c[0].replace("-", " "): end for c, end in ends.items() if c[1] == voters},
        )
        key(axes[0], KINDS, 3)

    return sheet(panels, width, columns=2, aspect=0.7, strips=(0, 1))


def _case(axis: Any, data: Data, case: Case, colour: str, label: str = "") -> None:
    """The limit as a line, the split equations dashed over it; residuals are those of the split."""
    limit, split = data.limit[case], data.split[case]
    axis.plot(limit.time, limit.risk, color=colour, **THEORY)
    axis.plot(split.time, split.risk, color="black", label=label or None, zorder=2.5, **EXACT)
    points(axis, data.runs[case], colour)
    residual(axis, split, data.runs[case], colour)


def checks(data: Data) -> tuple[Check, ...]:
    """Runs against the split equations, the limit refuted at the largest batch, and its rest."""
    worst = max(data.runs, key=lambda case: (case[0] == MEAN, case[1]))
    # what is announced for large batches would hide the saturation that is looked for here
    limit = compare(data.limit[worst], data.runs[worst], margin=0)
    agreements = (
        agreement(
            "split equations, {}, B = {}".format(*case),
            compare(split, data.runs[case], margin=_finite_steps(data, case)),
            of="drift",
        )
        for case, split in data.split.items()
    )
    rests = (
        near(
            f"2 R g_B(R) at rest over its value, B = {batch}",
            2 * risk * _drift(batch, 2 * risk + data.variance) / data.load,
            1,
            1e-6,
            "closed form for Gaussian noise",
        )
        for batch, risk in data.rest.items()
    )
    return (
        *agreements,
        Check(
            f"the limit alone, B = {worst[1]}",
            float(limit.p_values.min()),
            0,
            limit.level,
            "refuted: B rho^2 is not small",
        ),
        *rests,
    )


def _finite_steps(data: Data, case: Case) -> np.ndarray:
    """What steps of finite length leave out: that of single signs, by the gain in drift."""
    aggregate, batch = case
    gain = drift_gain(SignSGD(1.0, batch=batch, aggregate=aggregate)) if batch > 1 else 1.0
    single = data.split[MEAN, 1]
    return gain * np.interp(data.runs[case].time, single.time, single.diagnostics["finite_size"])


def _drift(batch: int, power: float) -> float:
    """g_B of Gaussian noise, (2/√π) Γ((B+1)/2)/Γ(B/2) P^(−1/2)."""
    ratio = np.exp(math.lgamma((batch + 1) / 2) - math.lgamma(batch / 2))
    return float(2 / np.sqrt(np.pi) * ratio / np.sqrt(power))
