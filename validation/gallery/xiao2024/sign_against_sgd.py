"""signSGD and SGD tuned to stall at the same risk, under three laws of the noise.

Gaussian noise slows signs by 4/π² alone (Ψ = 1); under Cauchy noise SGD has no limit and signs do;
Rademacher noise has no mass near 0 (Ψ → 0) and slows signs most. After arXiv 2411.12135; the
methods are compared at equal stationary risk, not at equal rates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ....solvers.core.curve import Curve
from ....solvers.solve import solve
from ....solvers.streaming.advice.rates import rate_for_risk
from ....theory.core.errors import NoLimit
from ....theory.covariance import power_law
from ....theory.methods import SGD, Method, SignSGD
from ....theory.noise import Cauchy, Gaussian, Noise, Rademacher
from ....theory.streaming.problem import LeastSquares
from ...agreement.compare import compare
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, agreement, near
from ..look import COLOURS, KINDS, REFERENCE, RISK, TIME, key, pair, sheet

TITLE = "signSGD against SGD at equal stationary risk: Gaussian, Cauchy and Rademacher noise"
CAPTION = (
    "Risk of signSGD and SGD at rates that stall at one risk (grey), under three laws of "
    "noise, with residuals of the runs at d = {dimension} below. Take-away: under Cauchy "
    "noise SGD has no limit at all and signSGD converges; under noise of two values the sign "
    "loses."
)


@dataclass(frozen=True)
class Parameters:
    """A power law of the variances, and the risk at which both methods stall."""

    dimension: int = 400
    exponent: float = 0.3
    scale: float = 0.5
    risk: float = 0.05
    until: float = 40.0
    points: int = 41
    runs: int = 320
    seed: int = 2


QUICK = Parameters()
FULL = Parameters(dimension=1000, runs=400)


@dataclass(frozen=True, eq=False)
class Data:
    """Limit and runs by law and method, and the laws under which SGD was refused."""

    risk: float
    theory: dict[tuple[str, str], Curve]
    runs: dict[tuple[str, str], Curve]
    refused: tuple[str, ...]


def _laws(scale: float) -> dict[str, Noise]:
    laws = (Gaussian(scale), Cauchy(scale), Rademacher(scale))
    return {type(law).__name__: law for law in laws}


def compute(parameters: Parameters) -> Data:
    """Each method at the rate that stalls at the target risk, where there is one."""
    p = parameters
    covariance = power_law(p.dimension, p.exponent)
    theory: dict[tuple[str, str], Curve] = {}
    runs: dict[tuple[str, str], Curve] = {}
    refused = []
    for law, noise in _laws(p.scale).items():
        problem = LeastSquares(covariance, noise=noise)
        for name, method in _tuned(problem, p.risk).items():
            if method is None:
                refused.append(law)
                continue
            axis = {"until": p.until, "points": p.points}
            theory[law, name] = solve(problem, method, **axis)
            seed = np.random.SeedSequence(p.seed, spawn_key=(len(runs),))
            runs[law, name] = simulate(
                problem, method, runs=p.runs, seed=seed, progress=False, **axis
            )
    return Data(p.risk, theory, runs, tuple(refused))


def _tuned(problem: LeastSquares, risk: float) -> dict[str, Method | None]:
    """Both methods at their rate for the risk; None where there is no limit to tune."""
    found: dict[str, Method | None] = {}
    for name, method in (("signSGD", SignSGD(1.0)), ("SGD", SGD(1.0))):
        try:
            found[name] = replace(method, rate=rate_for_risk(problem, method, risk))
        except NoLimit:
            found[name] = None
    return found


def draw(data: Data, width: str | float) -> HouseFigure:
    """One panel a law, risk on a logarithmic axis."""
    laws = list(dict.fromkeys(law for law, _ in data.runs))

    def panels(axes: Any) -> None:
        for axis, law in zip(axes, laws, strict=True):
            axis.axhline(data.risk, **REFERENCE, zorder=0)
            for name in ("signSGD", "SGD"):
                if (law, name) in data.runs:
                    pair(axis, data.theory[law, name], data.runs[law, name], COLOURS[name], name)
            axis.set(yscale="log")
            axis.set(xlabel=TIME, ylabel=RISK, title=f"{law} noise", ylim=(0.6 * data.risk, 1.2))
            if law in data.refused:
                axis.text(
                    0.97,
                    0.97,
                    "SGD: no limit,\n$\\sigma^2=\\infty$",
                    ha="right",
                    va="top",
                    transform=axis.transAxes,
                    color=COLOURS["SGD"],
                )
        key(axes[0], KINDS, 4)

    return sheet(panels, width, columns=3, aspect=0.9, strips=(0, 1, 2))


def checks(data: Data) -> tuple[Check, ...]:
    """Runs agree with their limit, all stall at one risk, and SGD is refused under Cauchy noise."""
    agreements = (
        agreement(f"{name}, {law} noise", compare(data.theory[law, name], runs))
        for (law, name), runs in data.runs.items()
    )
    return (*agreements, *_plateaus(data), *_refusals(data))


def _plateaus(data: Data) -> tuple[Check, ...]:
    """The risk of the runs at the end, where its limit has come to rest."""
    found = []
    for (law, name), runs in data.runs.items():
        theory = data.theory[law, name]
        # what is left of a transient is below what it lost in the last quarter
        left = abs(theory.risk[-1] - theory.risk[3 * theory.time.size // 4])
        allowed = 4 * runs.sem("risk")[-1] + left
        allowed += theory.diagnostics["finite_size"][-1] * data.risk
        found.append(
            near(
                f"stationary risk of {name}, {law} noise",
                runs.risk[-1],
                data.risk,
                allowed,
                "4 standard errors, rest of the transient, announced O(1/d)",
            )
        )
    return tuple(found)


def _refusals(data: Data) -> tuple[Check, ...]:
    refused = data.refused == ("Cauchy",)
    return (
        near(
            "SGD is refused under Cauchy noise, and only there",
            refused,
            1,
            0,
            "no limit where the variance is infinite",
        ),
    )
