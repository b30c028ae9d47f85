r"""The part of the Hessian that is often left out, in one unit that learns one unit.

A gradient penalty without it drives another way; a penalty on the trace of the whole Hessian loses
the unit at a lower strength than one on the Gauss–Newton part; and as the activation sharpens to a
ReLU its mean stays, on ever fewer inputs. Model derived here, after arXiv 2401.10809.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ....solvers.core.curve import Curve
from ....solvers.hessian.minima import penalised_minima
from ....solvers.hessian.parts import hessian_parts
from ....solvers.solve import solve
from ....theory.activations import GELU, ReLU
from ....theory.hessian.problem import SingleIndex
from ....theory.methods import SAM, SGD, GradientDescent, GradientPenalty
from ....theory.methods.weight_noise import OBJECTIVES
from ...agreement.compare import compare
from ...figures.registry import colours, woven
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, agreement, beyond, near
from ..look import REFERENCE, RUNS, SIMULATION, THEORY, direct, key, points, sheet

TITLE = "the neglected part of the Hessian: what it does to penalties, and where it sits"
CAPTION = (
    "One unit that learns one unit, d = 200. (a) Loss along descent, gradient penalties with and "
    "without the neglected part, and SAM: maps of the population (lines) and of SGD with batches "
    "of 800 (dots, mean of 40 runs, bars 2 s.e.). (b) Length of the best aligned unit "
    "against the squared length of the weight noise, and for the two penalties that truncate it. "
    "(c) Trace per dimension of the neglected part against the sharpness of GELU; line: ReLU. "
    "Take-away: a penalty on the whole trace loses the unit before one on its Gauss-Newton part "
    "does, while the noise itself shrinks it mildly."
)
#: methods of (a) and penalties of (b)
NAMES = {
    "descent": "gradient descent",
    "penalty": "penalty",
    "penalty, no neglected part": "penalty, Gauss-Newton part",
    "SAM": "SAM",
    "exact": "weight noise",
    "hessian": "penalty",
    "gauss-newton": "penalty, Gauss-Newton part",
}


@dataclass(frozen=True)
class Parameters:
    """The start, rate, ρ and steps; noise and batch; the squared lengths of noise; β."""

    norm: float = 0.8
    overlap: float = 0.3
    rate: float = 0.4
    strength: float = 1.0
    steps: int = 25
    dimension: int = 200
    batch: int = 800
    runs: int = 40
    variances: tuple[float, float, int] = (0.0, 3.0, 61)
    sharpest: float = 100.0
    seed: int = 7


QUICK = Parameters()
FULL = replace(QUICK, runs=400, variances=(0.0, 3.0, 301))


@dataclass(frozen=True, eq=False)
class Data:
    """Curves by name, SGD and its runs, minima by objective, and traces over β."""

    parameters: Parameters
    curves: dict[str, Curve]
    theory: Curve
    runs: Curve
    variances: np.ndarray
    minima: dict[str, np.ndarray]
    betas: np.ndarray
    neglected: np.ndarray
    limit: float


def compute(p: Parameters) -> Data:
    """Solve the maps, run SGD, and find the minima and the traces."""
    problem = SingleIndex(p.dimension, norm=p.norm, overlap=p.overlap)
    methods = {
        "descent": GradientDescent(p.rate),
        "penalty": GradientPenalty(p.rate, p.strength),
        "penalty, no neglected part": GradientPenalty(p.rate, p.strength, "gauss-newton"),
        "SAM": SAM(p.rate, p.strength),
    }
    times = np.arange(p.steps + 1)
    curves = {name: solve(problem, method, times=times) for name, method in methods.items()}
    sgd = SGD(p.rate, batch=p.batch)
    seen = times[:: max(1, p.steps // 8)]
    theory = solve(problem, sgd, times=seen)
    runs = simulate(problem, sgd, times=seen, runs=p.runs, seed=p.seed)
    low, high, count = p.variances
    variances = np.linspace(low, high, int(count))
    minima = {
        kind: np.array([penalised_minima(GELU(), s2, kind).best for s2 in variances])
        for kind in OBJECTIVES
    }
    betas = np.geomspace(0.3, p.sharpest, 40)
    shapes = [replace(problem, activation=GELU(float(beta))) for beta in betas]
    neglected = np.array([hessian_parts(shape).neglected for shape in shapes])
    limit = hessian_parts(replace(problem, activation=ReLU())).neglected
    return Data(p, curves, theory, runs, variances, minima, betas, neglected, limit)


def draw(data: Data, width: str | float) -> HouseFigure:
    """Losses over steps; minima over the noise; the trace over the sharpness."""

    def panels(axes: Any) -> None:
        shown = colours([*NAMES.values(), "SGD"])
        for name, curve in data.curves.items():
            # SAM lies on the penalty
            look = THEORY | {"linestyle": woven(1, 2) if name == "SAM" else "-"}
            axes[0].plot(curve.time, curve["loss"], color=shown[NAMES[name]], **look)
        axes[0].plot(data.theory.time, data.theory["loss"], color=shown["SGD"], **THEORY)
        points(axes[0], data.runs, shown["SGD"], quantity="loss")
        axes[0].set(xlabel="step", ylabel="loss", yscale="log")
        for kind, best in data.minima.items():
            axes[1].plot(data.variances, best, color=shown[NAMES[kind]])
        axes[1].set(
            xlabel=r"strength $\sigma^2d$", ylabel=r"length of the best unit", ylim=(0, 1.05)
        )
        axes[2].plot(data.betas, data.neglected, color="black")
        axes[2].axhline(data.limit, **REFERENCE)
        direct(axes[2], {"ReLU": (data.limit, "0.5")})
        axes[2].set(xscale="log", xlabel=r"sharpness $\beta$ of GELU", ylabel="neglected trace$/d$")
        key(axes[0], {"population": THEORY, RUNS: SIMULATION}, colours=shown)

    return sheet(panels, width, columns=3, aspect=1.0)


def _lost(data: Data, kind: str) -> float:
    """The least squared length of noise at which the best unit is shorter than one half; infinite
    where none is."""
    lost = data.variances[data.minima[kind] < 0.5]
    return float(lost[0]) if lost.size else np.inf


def checks(data: Data) -> tuple[Check, ...]:
    """SGD against its map; where the units are lost; the limit of the ReLU."""
    report = compare(data.theory, data.runs, quantity="overlap", margin=0.0)
    spacing = float(np.diff(data.variances)[0])
    first, last = (name for name in data.curves if name.startswith("penalty"))
    apart = data.curves[first]["loss"][-1] / data.curves[last]["loss"][-1]
    late = data.neglected[-2:] / data.limit - 1
    # a straight line in 1/beta, to 0
    gap = float(np.polyfit(1 / data.betas[-2:], late, 1)[-1])
    return (
        agreement("overlap of SGD against its map", report),
        beyond(
            "strength that loses the unit, tr GN less tr H, in steps of the noise",
            (_lost(data, "gauss-newton") - _lost(data, "hessian")) / spacing,
            1,
            "either is known to a step; the trace adds what grows with the residual",
        ),
        Check(
            "length left by the noise itself where tr H has lost it",
            float(np.interp(_lost(data, "hessian"), data.variances, data.minima["exact"])),
            0.5,
            1.0,
            "not lost, by the same measure",
        ),
        beyond(
            "loss at the end, penalty with the neglected part over that without",
            apart,
            1,
            "without it the penalty drives faster here; both maps are exact, equal ones give 1",
        ),
        near(
            "neglected trace over the ReLU's less 1, beta to infinity",
            gap,
            0.0,
            abs(late[-1] - gap),
            "O(1/beta): what the extrapolation took away",
        ),
    )
