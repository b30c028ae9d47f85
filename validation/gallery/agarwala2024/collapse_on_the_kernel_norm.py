"""At equal flow time the loss of small batches depends on rate and batch through K alone.

To first order the closure in flow time τ = ηt/(1 − μ) knows η, B and μ by ηc/(1 − μ) only, and so
does K; what is left is of order ηλ_max for plain SGD, and of order ηλ_max/(1 − μ)² with momentum.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ....solvers.curve import Curve
from ....solvers.sharpening.critical import critical_rate
from ....solvers.solve import solve
from ....theory.methods import SGD
from ....theory.sharpening.linear_model import LinearModel
from ...compare import compare
from ...figure import HouseFigure
from ...simulate import simulate
from ..check import Check, agreement
from ..look import SEQUENCE, SIMULATION, THEORY, kinds, sheet
from ._models import gaussian_features

TITLE = "collapse of the loss of small batches on the noise kernel norm, with and without momentum"


@dataclass(frozen=True)
class Parameters:
    """Batches at several norms, stopped at one flow time; momenta at one batch and one norm."""

    data: int = 100
    batches: tuple[int, ...] = (1, 2, 4, 8, 32)
    norms: tuple[float, ...] = (0.2, 0.35, 0.5, 0.65, 0.8)
    flow_time: float = 3.0
    momenta: tuple[float, ...] = (0.0, 0.5, 0.9)
    momentum_batch: int = 2
    momentum_norm: float = 0.5
    runs: int = 200
    seed: int = 1


QUICK = Parameters()
FULL = Parameters(data=200, norms=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8), runs=1000)


@dataclass(frozen=True, eq=False)
class Case:
    """SGD up to one flow time: its rate, ηλ_max, the exact mean loss and the runs."""

    rate: float
    step: float
    theory: Curve
    runs: Curve

    @property
    def end(self) -> float:
        """ln of final over first loss, exact."""
        return float(np.log(self.theory.loss[-1] / self.theory.loss[0]))


@dataclass(frozen=True, eq=False)
class Data:
    """By batch the cases at each norm, and by momentum those at one norm."""

    norms: np.ndarray
    batches: dict[int, tuple[Case, ...]]
    momenta: dict[float, Case]
    largest_small_batch: int


def compute(parameters: Parameters) -> Data:
    """The rate of every case follows from its norm, and its steps from the rate."""
    p, model = parameters, gaussian_features(parameters.data, parameters.seed)

    def case(batch: int, norm: float, momentum: float, points: int) -> Case:
        method = SGD(1.0, batch=batch, momentum=momentum)
        method = replace(method, rate=float(critical_rate(model, method, level=norm)))
        return _case(model, method, p, points)

    batches = {B: tuple(case(B, K, 0.0, 1) for K in p.norms) for B in p.batches}
    momenta = {mu: case(p.momentum_batch, p.momentum_norm, mu, 20) for mu in p.momenta}
    return Data(np.array(p.norms), batches, momenta, p.data // 25)


def _case(model: LinearModel, method: SGD, p: Parameters, points: int) -> Case:
    rate = float(method.rate)
    last = p.flow_time * (1 - method.momentum) / rate
    times = np.unique(np.rint(np.linspace(0, last, points + 1)))
    theory = solve(model, method, times=times, limit="exact")
    runs = simulate(model, method, times=times, runs=p.runs, seed=p.seed, progress=False)
    return Case(rate, rate * model.sharpness, theory, runs)


def draw(data: Data, width: str | float) -> HouseFigure:
    """Final loss against the norm and against the rate; loss over time for several momenta."""

    def panels(axes: Any) -> None:
        for colour, (batch, cases) in zip(SEQUENCE, data.batches.items(), strict=False):
            rates = np.array([case.step for case in cases])
            for axis, x in zip(axes, (data.norms, rates), strict=False):
                axis.plot(x, [case.theory.loss[-1] for case in cases], color=colour, **THEORY)
                ends = [case.runs.loss[-1] for case in cases]
                axis.plot(x, ends, color=colour, label=f"$B={batch}$", **SIMULATION)
        for colour, (momentum, case) in zip(SEQUENCE, data.momenta.items(), strict=False):
            time = case.step * case.theory.time / (1 - momentum)
            axes[2].plot(time, case.theory.loss, color=colour, **THEORY)
            label = rf"$\mu={momentum:g}$"
            axes[2].plot(time, case.runs.loss, color=colour, label=label, **SIMULATION)
        for axis in axes:
            axis.set(yscale="log")
        end = "loss at equal flow time"
        axes[0].set(xlabel=r"noise kernel norm $\mathcal{K}_{\mathrm{exact}}$", ylabel=end)
        axes[1].set(xlabel=r"$\eta\lambda_{\max}$", ylabel=end, xscale="log")
        axes[2].set(xlabel=r"flow time $\eta\lambda_{\max}t/(1-\mu)$", ylabel="loss $|z|^2/(2D)$")
        axes[0].legend(loc="upper left")
        axes[2].legend(loc="upper right", title=r"equal $\mathcal{K}$")
        key = kinds({"exact second moments": THEORY, "mean of runs": SIMULATION})
        axes[0].figure.legend(handles=key, loc="outside upper left", ncols=2)

    return sheet(panels, width, columns=3, aspect=1.05)


def checks(data: Data) -> tuple[Check, ...]:
    """Runs on the exact curves; the spread at equal norm is of the order of the step."""
    small = {B: cases for B, cases in data.batches.items() if data.largest_small_batch >= B}
    ends = np.array([[case.end for case in cases] for cases in small.values()])
    steps = np.array([[case.step for case in cases] for cases in small.values()])
    spread, scale = np.ptp(ends, axis=0), np.ptp(ends)
    found = [
        Check("spread of ln loss over small batches at equal norm, in units of rate · sharpness",
              float((spread / steps.max(axis=0)).max()), 0, 1, "first order of the step"),
        Check("share of that spread in the range over norms", float(spread.max() / scale), 0, 0.1,
              "rate · sharpness of the largest small batch"),
    ]  # fmt: skip
    worst = max(_largest_z(case) for cases in data.batches.values() for case in cases)
    points = sum(len(cases) for cases in data.batches.values())
    origin = f"normal quantile 1 - 5e-4/{2 * points}, Bonferroni"
    found.append(Check("largest z of final losses of runs", worst, 0, _quantile(points), origin))
    plain = data.momenta[0.0]
    for momentum, case in data.momenta.items():
        label = f"momentum {momentum:g}: exact mean loss against runs"
        found.append(agreement(label, compare(case.theory, case.runs)))
        if not momentum:
            continue
        apart = abs(case.end - plain.end) / (case.step / (1 - momentum) ** 2)
        label = f"momentum {momentum:g}: departure of ln loss, in units of the order that is left"
        found.append(Check(label, apart, 0, 1, "first order of rate · sharpness/(1 - mu)²"))
    return tuple(found)


def _largest_z(case: Case) -> float:
    return compare(case.theory, case.runs).max_z


def _quantile(points: int) -> float:
    from scipy.special import ndtri

    return float(-ndtri(5e-4 / (2 * points)))
