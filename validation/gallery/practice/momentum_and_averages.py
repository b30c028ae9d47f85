"""Slow momentum on a power law, the risk of an average, and where momentum rests up to its edge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.core.curve import Curve
from ....solvers.memory.rest import stability_limit
from ....solvers.solve import solve
from ....solvers.streaming.stationary import stationary
from ....theory.covariance import isotropic, power_law
from ....theory.methods import SGD, Method, slow_memory, uniform
from ....theory.noise import Gaussian
from ....theory.streaming.problem import LeastSquares
from ...figures.registry import colours, ordered
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, tested
from ..look import BAND, KINDS, REFERENCE, RISK, THEORY, TIME, direct, key, pair, sheet

TITLE = "slow momentum and averages of the iterates: theory, runs, resting risk"
CAPTION = (
    "(a) SGD without momentum, with a slow memory, and with one that lengthens, γ = c/(1 + t), on "
    "a power law of {dimension} eigenvalues; (b) the iterate and its uniform average; (c) where "
    "the risk rests against the rate, with a direct part κ, up to the edge of stability (vertical "
    "lines). Take-away: momentum speeds up the small eigenvalues, and without a direct part the "
    "edge stays at 2."
)


@dataclass(frozen=True)
class Parameters:
    """Spectrum, rates and memories."""

    dimension: int
    runs: int
    exponent: float = 1.0
    noise: float = 0.15
    rate: float = 0.5
    until: float = 8.0
    points: int = 25
    forgetting: float = 2.0
    direct: tuple[float, ...] = (0.0, 0.5, 2.0)
    seed: int = 1


QUICK = Parameters(dimension=400, runs=400)
FULL = Parameters(dimension=800, runs=800)


@dataclass(frozen=True, eq=False)
class Data:
    """Theory and runs by name; of each κ the rates, the risk at rest and the edge."""

    pairs: dict[str, tuple[Curve, Curve]]
    average: tuple[Curve, Curve]
    rests: dict[float, tuple[np.ndarray, np.ndarray, float]]
    noise: float
    forgetting: float


def methods_of(p: Parameters) -> dict[str, Method]:
    """The methods of the first panel, all with the same rate."""
    lengthening = slow_memory(f"{p.forgetting}/(1 + t)", direct=1.0)
    return {
        "SGD": SGD(p.rate),
        "slow memory": SGD(p.rate, momentum=slow_memory(p.forgetting, direct=1.0)),
        "lengthening memory": SGD(p.rate, momentum=lengthening),
    }


def compute(parameters: Parameters) -> Data:
    """Solve, simulate, and look for where momentum rests."""
    p = parameters
    problem = LeastSquares(power_law(p.dimension, p.exponent), Gaussian(p.noise))
    grid = {"points": p.points}
    runs = {**grid, "runs": p.runs, "seed": p.seed}
    pairs = {
        name: (solve(problem, m, p.until, **grid), simulate(problem, m, p.until, **runs))
        for name, m in methods_of(p).items()
    }
    even = LeastSquares(isotropic(p.dimension), Gaussian(p.noise))
    averaged = SGD(p.rate, average=uniform())
    average = (solve(even, averaged, p.until, **grid), simulate(even, averaged, p.until, **runs))
    rests = {kappa: _rests(even, p.forgetting, kappa) for kappa in p.direct}
    return Data(pairs, average, rests, p.noise, p.forgetting)


def _rests(
    problem: LeastSquares, gamma: float, kappa: float
) -> tuple[np.ndarray, np.ndarray, float]:
    memory = slow_memory(gamma, direct=kappa)
    edge = stability_limit(problem, SGD(1.0, momentum=memory))
    rates = edge * np.linspace(0.02, 0.97, 20)
    found = [stationary(problem, SGD(float(rate), momentum=memory)).roots[0] for rate in rates]
    return rates, np.array(found), edge


def draw(data: Data, width: str | float) -> HouseFigure:
    """Momentum, averages, and resting risks."""
    shown = colours([*data.pairs, "average"])
    iterate, average = shown["SGD"], shown.pop("average")
    shades = ordered(list(data.rests))

    def panels(axes: Any) -> None:
        for name, both in data.pairs.items():
            pair(axes[0], *both, shown[name])
        axes[0].set(yscale="log", ylabel=RISK, xlabel=TIME, title="momentum, power law")
        theory, runs = data.average
        for quantity, colour in (("risk", iterate), ("average_risk", average)):
            pair(axes[1], theory, runs, colour, quantity=quantity, spread=True)
        axes[1].set(yscale="log", xlabel=TIME, ylabel=RISK, title="iterate and average")
        named = ("iterate", "risk", iterate), ("average", "average_risk", average)
        direct(axes[1], {text: (float(theory[q][-1]), colour) for text, q, colour in named})
        for kappa, (rates, risks, edge) in data.rests.items():
            colour = shades[kappa]
            axes[2].plot(rates, risks, color=colour, **THEORY)
            axes[2].axvline(edge, **REFERENCE | {"color": colour})
            where = (edge, 1), (-2, -4)
            axes[2].annotate(
                rf"$\kappa={kappa:g}$",
                *where,
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                color=colour,
                fontsize=7,
                rotation=90,
                ha="right",
                va="top",
            )
        axes[2].set(
            yscale="log", xlabel=r"rate $\eta$", ylabel="risk at rest", title="rest and edge"
        )
        axes[2].set_ylim(top=300)  # room for the names
        key(axes[0], KINDS, colours=shown, bands=(BAND,))

    return sheet(panels, width, columns=3, aspect=0.95, strips=(0, 1))


def checks(data: Data) -> tuple[Check, ...]:
    """Limits against runs, the formula of the resting risk and of the edge, and the speed-up."""
    agreements = [tested(name, *both, of="drift") for name, both in data.pairs.items()]
    agreements.append(tested("average", *data.average, quantity="average_risk"))
    gaps = [np.abs(np.log(_formula(data, k) / rest[1])).max() for k, rest in data.rests.items()]
    plain, slow = (data.pairs[name][1] for name in ("SGD", "lengthening memory"))
    return (
        *agreements,
        Check(
            "largest |log| of resting risk over its formula",
            float(max(gaps)),
            0,
            1e-6,
            "closed form at K = 1",
        ),
        Check("edge without a direct part", data.rests[0.0][2], 2 - 1e-6, 2 + 1e-6, "η < 2"),
        Check(
            "runs: last risk of SGD above that of a lengthening memory, in s.e.",
            float((plain.risk[-1] - slow.risk[-1]) / np.hypot(plain.sem()[-1], slow.sem()[-1])),
            4,
            np.inf,
            "small eigenvalues are sped up",
        ),
    )


def _formula(data: Data, kappa: float) -> np.ndarray:
    eta, gamma = data.rests[kappa][0], data.forgetting
    room = 2 * eta * kappa + 2 * gamma - eta**2 * kappa**2 - eta * gamma * (1 + kappa)
    return eta * data.noise**2 * (eta * kappa**2 + gamma * (1 + kappa)) / (2 * room)
