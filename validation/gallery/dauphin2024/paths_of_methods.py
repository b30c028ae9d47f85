r"""Norm and overlap under descent, gradient penalties and SAM, with and without the neglected part.

Maps of one unit that learns one unit, and the time they need to a given overlap over the strength
:math:`\rho`. Model derived here, after arXiv 2401.10809.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ....solvers.core.curve import Curve
from ....solvers.solve import solve
from ....theory.hessian.problem import SingleIndex
from ....theory.methods import SAM, GradientDescent, GradientPenalty
from ...figures.registry import colours
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, beyond, near, power_at_zero
from ..look import EXACT, REFERENCE, SIMULATION, THEORY, key, sheet

TITLE = "paths of one unit under penalties and SAM, and the time to a given overlap"
CAPTION = (
    "One unit that learns one unit (GELU), maps of the population from the same start. (a) Norm "
    "and overlap along {steps} steps at strength {strength:g}: with the whole Hessian (lines), "
    "with its Gauss-Newton part (dashed); dots: the unit in d = 30 itself, its gradients by "
    "quadrature; grey: aligned units. (b) Steps until the overlap is {reached:g}, over the "
    "strength. Take-away: a penalty that drops the neglected part goes another way and reaches "
    "the teacher sooner; the normalised ones follow SAM."
)
KINDS: dict[str, tuple[Any, str]] = {
    "penalty": (lambda rate, rho: GradientPenalty(rate, rho), "full"),
    "penalty, no NME": (lambda rate, rho: GradientPenalty(rate, rho, "gauss-newton"), "half"),
    "normalised": (lambda rate, rho: GradientPenalty(rate, rho, "full", True), "full"),
    "normalised, no NME": (
        lambda rate, rho: GradientPenalty(rate, rho, "gauss-newton", True),
        "half",
    ),
    "SAM": (lambda rate, rho: SAM(rate, rho, True), "full"),
}

Array = np.ndarray


@dataclass(frozen=True)
class Parameters:
    """Start, rate, steps and ρ of (a); the overlap to be reached and the strengths of (b)."""

    norm: float = 0.8
    overlap: float = 0.05
    rate: float = 0.1
    steps: int = 60
    strength: float = 0.5
    reached: float = 0.8
    strengths: tuple[float, ...] = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0)
    longest: int = 45
    shown: int = 20


QUICK = Parameters()
FULL = replace(QUICK, strengths=tuple(np.round(np.linspace(0, 1, 51), 3).tolist()))


@dataclass(frozen=True, eq=False)
class Data:
    """Curves and units by method, and steps to the overlap by method, one a strength."""

    parameters: Parameters
    curves: dict[str, Curve]
    units: dict[str, Curve]
    times: dict[str, Array]


def compute(p: Parameters) -> Data:
    """Solve the maps."""
    problem = SingleIndex(30, norm=p.norm, overlap=p.overlap)
    methods = {"descent": GradientDescent(p.rate)}
    methods |= {name: make(p.rate, p.strength) for name, (make, _) in KINDS.items()}
    times = np.arange(p.steps + 1)
    curves = {name: solve(problem, method, times=times) for name, method in methods.items()}
    seen = times[: p.shown + 1 : 5]
    units = {
        name: simulate(problem, methods[name], times=seen, runs=1, progress=False)
        for name in ("penalty", "penalty, no NME", "SAM")
    }
    until = {
        name: np.array([_steps(problem, make(p.rate, rho), p) for rho in p.strengths])
        for name, (make, _) in KINDS.items()
    }
    return Data(p, curves, units, until)


def _steps(problem: SingleIndex, method: Any, p: Parameters) -> float:
    """Steps, linear between two, until the overlap is reached."""
    curve = solve(problem, method, times=np.arange(p.longest + 1))
    after = int(np.argmax(curve["overlap"] >= p.reached))
    if after == 0:
        return float("nan")
    low, high = curve["overlap"][after - 1 : after + 1]
    return float(after - 1 + (p.reached - low) / (high - low))


NAMES = {
    "penalty": "penalty",
    "normalised": "normalised penalty",
    "SAM": "normalised SAM",
    "descent": "gradient descent",
}


def draw(data: Data, width: str | float) -> HouseFigure:
    """Paths, and times over the strength."""
    p = data.parameters

    def panels(axes: Any) -> None:
        shown = colours(NAMES.values())
        descent = data.curves["descent"]
        axes[0].plot(descent["norm"], descent["overlap"], color=shown["gradient descent"], **THEORY)
        for name, (_, part) in KINDS.items():
            colour, look = shown[NAMES[name.split(",")[0]]], THEORY if part == "full" else EXACT
            curve = data.curves[name]
            axes[0].plot(curve["norm"], curve["overlap"], color=colour, **look)
            axes[1].plot(p.strengths, data.times[name], color=colour, **look)
        for name, unit in data.units.items():
            colour = shown[NAMES[name.split(",")[0]]]
            axes[0].plot(unit["norm"], unit["overlap"], color=colour, **SIMULATION)
        Q = np.linspace(0.4, 1.05, 50)
        axes[0].plot(Q, np.sqrt(Q), **REFERENCE)
        axes[0].set(xlabel="norm $Q$", ylabel="overlap $R$")
        axes[1].set(xlabel=r"strength $\rho$", ylabel=f"steps to $R={p.reached:g}$")
        styles = {"whole Hessian": THEORY, "Gauss-Newton": EXACT, "the unit itself": SIMULATION}
        key(axes[0], styles | {"aligned": REFERENCE}, colours=shown)

    return sheet(panels, width, columns=2, aspect=0.8)


def checks(data: Data) -> tuple[Check, ...]:
    """Maps against units; that all start as descent; and what the neglected part does to time."""
    p = data.parameters
    gap = max(
        float(np.abs(unit["overlap"] - data.curves[name]["overlap"][: p.shown + 1 : 5]).max())
        for name, unit in data.units.items()
    )
    start = [times[0] for times in data.times.values()]
    full, half = data.times["penalty"][-1], data.times["penalty, no NME"][-1]
    # between the smallest strengths
    gaps, strengths = np.abs(data.times["SAM"] - data.times["normalised"])[1:4], p.strengths[1:4]
    order, orders = power_at_zero(strengths, gaps)
    return (
        Check("largest gap of a unit to its map, overlap", gap, 0, 1e-6, "quadrature"),
        near("spread of the times at ρ = 0", np.ptp(start), 0, 1e-9, "all are descent there"),
        beyond("steps with the neglected part over those without", full / half, 1, "sooner"),
        near(
            "order in ρ of the gap of SAM to the normalised penalty, at ρ = 0",
            order,
            2,
            abs(order - orders[0]),
            "its square; straight line through two orders: what it took away",
        ),
    )
