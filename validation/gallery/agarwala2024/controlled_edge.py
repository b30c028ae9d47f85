"""The noise kernel norm held at a target against constant rates, at equal numbers of steps.

On a linear model to hold the norm is one constant rate, so that it can at best equal the best one:
the question is how much a target loses. On a network the norm moves; the answer is measured.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from ....solvers.core.curve import Curve
from ....solvers.linear.critical import critical_rate
from ....solvers.solve import solve
from ....theory.methods import SGD
from ...agreement.compare import compare
from ...figures.registry import ordered
from ...figures.style import HouseFigure
from ...networks.control import ControlReport, control_linear, control_network
from ...networks.digits import digits_network
from ...simulate import simulate
from ..check import Check, agreement
from ..look import EXACT, SEQUENCE, SIMULATION, THEORY, key, sheet
from ._models import gaussian_features

TITLE = "the noise kernel norm held at a target against constant rates, at equal steps"
CAPTION = (
    "Loss after equal steps where the noise kernel norm is held at a target and where the "
    "rate is constant: (a) a linear model, for three budgets, and (b) a network on digits, {runs} "
    "runs. Take-away: to hold the norm "
    "did not beat the best constant rate."
)


@dataclass(frozen=True)
class Parameters:
    """A linear model at several budgets; a tanh network on digits at one."""

    data: int = 50
    batch: int = 4
    budgets: tuple[int, ...] = (30, 100, 300)
    targets: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    checked: float = 0.5
    linear_runs: int = 1500
    examples: int = 40
    hidden: tuple[int, ...] = (16,)
    steps: int = 120
    every: int = 20
    held: tuple[float, ...] = (0.25, 0.5, 0.75, 1.5)
    rates: tuple[float, ...] = (0.04, 0.08, 0.16, 0.32)
    runs: int = 5
    seed: int = 1


QUICK = Parameters()
FULL = Parameters(
    data=100,
    batch=6,
    linear_runs=1500,
    examples=60,
    hidden=(24,),
    steps=300,
    every=25,
    held=(0.2, 0.3, 0.4, 0.5, 0.75, 1.5),
    rates=(0.02, 0.04, 0.08, 0.12, 0.16, 0.32),
    runs=10,
)


@dataclass(frozen=True, eq=False)
class Data:
    """Reports of the linear model by budget, its runs at the checked target, and the network's."""

    linear: dict[int, ControlReport]
    theory: Curve
    runs: Curve
    network: ControlReport


def compute(parameters: Parameters) -> Data:
    """Exact for the linear model; paired over starts and batches for the network."""
    p = parameters
    model, method = gaussian_features(p.data, p.seed), SGD(1.0, batch=p.batch)
    held = replace(method, rate=float(critical_rate(model, method, level=p.checked)))
    network = digits_network(p.examples, seed=p.seed, hidden=p.hidden)
    options: dict[str, Any] = {"runs": p.runs, "every": p.every, "seed": p.seed}
    return Data(
        {steps: control_linear(model, method, steps, targets=p.targets) for steps in p.budgets},
        solve(model, held, times=(0, *p.budgets), limit="exact"),
        simulate(
            model, held, times=(0, *p.budgets), runs=p.linear_runs, seed=p.seed, progress=False
        ),
        control_network(network, method, p.steps, targets=p.held, rates=p.rates, **options),
    )


def draw(data: Data, width: str | float) -> HouseFigure:
    """Final loss against the target, linear model and network; and against constant rates."""

    def panels(axes: Any) -> None:
        shades = ordered(list(data.linear))
        for steps, report in data.linear.items():
            colour = shades[steps]
            first = min(report.held.values())[0]
            held = [mean - first for mean, _ in report.held.values()]
            best = min(mean for mean, _ in report.constant.values()) - first
            axes[0].plot(list(report.held), held, color=colour, **THEORY)
            axes[0].axhline(best, color=colour, **EXACT)
        axes[0].set(ylabel="ln loss above the best target's", title="linear model")
        axes[0].set(xlabel=r"$\mathcal{K}$ held at", ylim=(-0.15, 2.2))
        _ends(axes[1], data.network)
        lines = {"theory, norm held (a)": THEORY, "best constant rate": EXACT}
        lines |= {"network, mean ± 2 s.e. (b)": SIMULATION}
        shown = {f"{steps} steps": colour for steps, colour in shades.items()}
        key(axes[0], lines, 3, colours=shown)

    return sheet(panels, width, columns=2, aspect=0.8)


def _ends(axis: Any, report: ControlReport) -> None:
    """Held norms and constant rates on one axis: mean and two standard errors over the seeds."""
    names, at = [], 0
    best = min(mean for mean, _ in report.constant.values() if math.isfinite(mean))
    axis.axhline(best, color="black", **EXACT)
    groups = ((report.held, SEQUENCE[0], r"$\mathcal{K}$"), (report.constant, "black", r"$\eta$"))
    for group, colour, letter in groups:
        for x, (mean, error) in group.items():
            names.append(f"{letter}\n{x:g}")
            if math.isfinite(mean):
                axis.errorbar(at, mean, 2 * error, color=colour, elinewidth=0.8, **SIMULATION)
            else:
                axis.text(
                    at,
                    0.5,
                    "diverged",
                    rotation=90,
                    ha="center",
                    va="center",
                    fontsize=6,
                    color=colour,
                    transform=axis.get_xaxis_transform(),
                )
            at += 1
        at += 1
        names.append("")
    shown = [k for k, name in enumerate(names) if name]
    axis.set_xticks(shown, [names[k] for k in shown])
    axis.set(title=f"network, {report.steps} steps", ylabel="ln final loss")
    axis.set_xlabel(r"norm $\mathcal{K}$ held at, or constant rate $\eta$")


def checks(data: Data) -> tuple[Check, ...]:
    """The loss at a held norm; what diverges is on the right side of K = 1.

    That no target beats the best constant rate of a linear model is no finding: there a held norm
    is one. Whether control helps the network is measured, and no theory says what it must be.
    """
    found = []
    label = "linear model, norm held: exact mean loss against runs"
    found.append(agreement(label, compare(data.theory, data.runs)))
    held = data.network.held.items()
    trained = {target: math.isfinite(mean) for target, (mean, _) in held}
    lost = sum(not stayed for target, stayed in trained.items() if target <= 0.5)
    kept = sum(stayed for target, stayed in trained.items() if target > 1)
    origin = "the lower estimate is not far below K_exact"
    return (
        *found,
        Check("network: norms up to 1/2 at which a run diverged", lost, 0, 0, origin),
        Check("network: norms above 1 at which no run diverged", kept, 0, 0, "K_exact > 1"),
    )
