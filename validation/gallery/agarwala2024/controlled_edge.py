"""The noise kernel norm held at a target against constant rates, at equal numbers of steps.

On a linear model to hold the norm is one constant rate, so that it can at best equal the best one:
the question is how much a target loses. On a network the norm moves; the answer is measured.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

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
from ..look import EXACT, SEQUENCE, SIMULATION, THEORY, kinds, sheet
from ._models import gaussian_features

TITLE = "the noise kernel norm held at a target against constant rates, at equal steps"
CAPTION = (
    "Loss after equal steps where the noise kernel norm is held at a target and where the "
    "rate is constant: a linear model and a network on digits. Take-away: to hold the norm "
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
FULL = Parameters(data=200, batch=8, linear_runs=1000, examples=100, hidden=(32,), steps=1000,
                  every=25, held=(0.2, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9, 1.5),
                  rates=(0.02, 0.03, 0.04, 0.06, 0.08, 0.12, 0.16, 0.32), runs=10)  # fmt: skip


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
            axes[0].plot(list(report.held), held, color=colour, label=f"{steps} steps", **THEORY)
            axes[0].axhline(best, color=colour, **EXACT)
        axes[0].set(ylabel="ln loss above the best target's", title="linear model")
        axes[0].set(xlabel=r"$\mathcal{K}$ held at", ylim=(-0.15, 2.2))
        axes[0].legend(loc="upper right", handlelength=0.8)
        groups = ((data.network.held, SEQUENCE[3]), (data.network.constant, "black"))
        for axis, (group, colour) in zip(axes[1:], groups, strict=True):
            _ends(axis, group, colour)
            axis.set(ylabel="ln final loss", ylim=_limits(data.network))
        axes[1].set(xlabel=r"$\mathcal{K}$ held at (dotted: diverged)")
        axes[1].set(title="network, norm held")
        axes[2].set(xlabel=r"rate $\eta$ (dotted: diverged)", title="network, constant rate")
        lines = {"held, exact": THEORY, "best constant rate": EXACT, "runs, mean": SIMULATION}
        axes[0].figure.legend(handles=kinds(lines), loc="outside upper left", ncols=3)

    return sheet(panels, width, columns=3, aspect=1.05)


def _ends(axis: Any, group: Any, colour: str) -> None:
    """Mean and standard error over the seeds."""
    trained = [x for x, (mean, _) in group.items() if math.isfinite(mean)]
    means, errors = np.array([group[x] for x in trained]).T
    axis.errorbar(trained, means, errors, color=colour, elinewidth=0.8, **SIMULATION)
    for gone in sorted(set(group) - set(trained)):
        axis.axvline(gone, color=colour, linestyle=":", linewidth=0.8)
    axis.set(xscale="log")
    axis.set_xticks(list(group), [f"{x:g}" for x in group])
    axis.minorticks_off()


def _limits(report: ControlReport) -> tuple[float, float]:
    """The same for both groups."""
    groups = (report.held, report.constant)
    ends = [mean for group in groups for mean, _ in group.values() if math.isfinite(mean)]
    return min(ends) - 0.3, max(ends) + 0.3


def checks(data: Data) -> tuple[Check, ...]:
    """No target beats the best constant rate of a linear model; norms above 1 diverge.

    Whether control helps the network is measured, and no theory says what it must be.
    """
    found = [
        Check(
            f"linear model, {steps} steps: ln loss of the best target above the best rate's",
            report.difference,
            -1e-6,
            math.inf,
            "a held norm is a constant rate",
        )
        for steps, report in data.linear.items()
    ]
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
