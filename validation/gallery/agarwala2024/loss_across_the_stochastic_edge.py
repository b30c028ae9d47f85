"""Mean loss of SGD on a linear model for batches on both sides of the stochastic edge, K = 1."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes

from ....solvers.core.curve import Curve
from ....solvers.linear.critical import critical_rate
from ....solvers.linear.curve import NEAR_INSTABILITY
from ....solvers.linear.kernel_norm import noise_kernel_norm
from ....solvers.solve import solve
from ....theory.core.errors import ValidityWarning
from ....theory.linear.problem import LinearModel
from ....theory.methods import SGD
from ...agreement.compare import compare
from ...figures.registry import ordered
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, agreement, near
from ..look import (
    HIGH,
    LOW,
    PUBLISHED,
    RUNS,
    SIMULATION,
    THEORY,
    above,
    band,
    kinds,
    points,
    shaded,
    sheet,
)
from ._growth import Growth, growth, growth_check
from ._models import gaussian_features, power_law_features

TITLE = "mean loss of SGD on a linear model, for batches across the stochastic edge K = 1"
CAPTION = (
    "Mean loss for batches on both sides of K = 1: exact second moments, diagonal closure, "
    "and runs with the band of one run, with their mean where it says anything. Take-away: beyond "
    "K = 1 the mean square diverges; where few modes carry the trace (b) so few runs carry it that "
    "the others hardly grow."
)

#: norms below which a mean of runs has a standard error that can be believed: of one mode E z²
#: falls like 1 − K and E z⁴ like 1 − 3 K, by Wick's rule
JUDGED = 1 / 3
#: of the rate that is critical
ROUNDING = 1e-9


@dataclass(frozen=True)
class Parameters:
    """One rate, at which the critical batch has K = 1 exactly, and batches around it."""

    data: int = 60
    batches: tuple[int, ...] = (3, 4, 8, 20)
    critical: int = 4
    steps: int = 120
    runs: int = 2000
    walkers: int = 2000
    growth_steps: int = 480
    seed: int = 1


QUICK = Parameters()
FULL = Parameters(
    data=200, batches=(4, 8, 16, 40), critical=8, runs=2000, walkers=8000, growth_steps=1600
)


@dataclass(frozen=True, eq=False)
class Case:
    """One batch: K_exact, the two theories, the runs, and growth at the edge and beyond."""

    norm: float
    exact: Curve
    closure: Curve
    runs: Curve
    growth: Growth | None


@dataclass(frozen=True, eq=False)
class Data:
    """The cases of each model by batch."""

    critical: int
    models: dict[str, dict[int, Case]]


def compute(parameters: Parameters) -> Data:
    """Both models, at the rate that is critical for one batch."""
    models = {
        "Gaussian features": gaussian_features(parameters.data, parameters.seed),
        "power-law spectrum": power_law_features(parameters.data, parameters.seed),
    }
    cases = {name: _cases(model, parameters) for name, model in models.items()}
    return Data(parameters.critical, cases)


def _cases(model: LinearModel, parameters: Parameters) -> dict[int, Case]:
    rate = float(critical_rate(model, SGD(1.0, batch=parameters.critical)))
    return {B: _case(model, SGD(rate, batch=B), parameters) for B in parameters.batches}


def _case(model: LinearModel, method: SGD, parameters: Parameters) -> Case:
    until, seed = parameters.steps, parameters.seed
    with warnings.catch_warnings():  # that the closure is optimistic is what the figure shows
        warnings.simplefilter("ignore", ValidityWarning)
        closure = solve(model, method, until=until, limit="closure")
    norm = float(noise_kernel_norm(model, method))
    return Case(
        norm,
        solve(model, method, until=until, limit="exact"),
        closure,
        simulate(model, method, until=until, runs=parameters.runs, seed=seed, progress=False),
        growth(model, method, parameters.growth_steps, parameters.walkers, seed, halved=True)
        if norm > 1 - ROUNDING
        else None,
    )


def draw(data: Data, width: str | float) -> HouseFigure:
    """One panel a model, one colour a batch."""

    def panels(axes: Any) -> None:
        for axis, (name, cases) in zip(axes, data.models.items(), strict=True):
            shades = ordered(list(cases))
            for batch, case in cases.items():
                colour = shades[batch]
                _lines(axis, case, colour)
                label = rf"$B={batch}$: $\mathcal{{K}}={case.norm:.2f}$"
                axis.plot([], [], color=colour, label=label)
            axis.set(yscale="log", xlabel="step $t$", ylabel="loss $|z|^2/(2D)$", title=name)
            _limits(axis, cases)
            axis.legend(loc="lower left")
        lines = {"exact second moments": THEORY, "diagonal closure": PUBLISHED}
        key = [*kinds(lines | {RUNS: SIMULATION}), shaded()]
        above(axes[0].figure, key, 2)

    return sheet(panels, width, columns=2, aspect=1.0)


def _lines(axis: Axes, case: Case, colour: str) -> None:
    time = case.exact.time
    axis.plot(time, case.exact.loss, color=colour, **THEORY)
    axis.plot(time, case.closure.loss, color=colour, **PUBLISHED)
    low, high = (case.runs.quantile("loss", level) for level in (LOW, HIGH))
    band(axis, time, low, high, colour)
    if case.norm < NEAR_INSTABILITY:  # beyond, a mean of runs is that of its largest one
        points(axis, case.runs, colour, quantity="loss")


def _limits(axis: Axes, cases: dict[int, Case]) -> None:
    """Cut what diverges off, and leave room for the legend below."""
    lowest = min(float(case.runs.quantile("loss", 0.05).min()) for case in cases.values())
    highest = 1e3 * max(float(case.exact.loss[0]) for case in cases.values())
    axis.set_ylim(lowest * (lowest / highest) ** 0.55, highest)


def checks(data: Data) -> tuple[Check, ...]:
    """The mean loss inside its standard errors; the growth on either side of the edge."""
    found = []
    for name, cases in data.models.items():
        for batch, case in cases.items():
            if case.norm < JUDGED:
                label = f"{name}, B = {batch}: exact mean loss against runs"
                found.append(agreement(label, compare(case.exact, case.runs)))
            if case.growth is not None:
                found.append(growth_check(f"{name}, B = {batch}", case.growth))
        edge = cases[data.critical].growth
        assert edge is not None
        label = f"{name}: derived growth where K = 1"
        found.append(near(label, edge.theory, 0, ROUNDING, "K_exact against the second moments"))
    return tuple(found)
