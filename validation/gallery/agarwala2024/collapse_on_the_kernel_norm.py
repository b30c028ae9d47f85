"""At equal flow time the loss of small batches depends on rate and batch through K alone.

To first order the closure in flow time τ = ηt/(1 − μ) knows η, B and μ by ηc/(1 − μ) only, and so
does K; what is left is of order ηλ_max for plain SGD, and of order ηλ_max/(1 − μ)² with momentum.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ....solvers.core.curve import Curve
from ....solvers.linear.critical import critical_rate
from ....solvers.solve import solve
from ....theory.linear.problem import LinearModel
from ....theory.methods import SGD
from ...agreement.compare import compare
from ...figures.registry import ordered
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, agreement, near
from ..look import KINDS, SIMULATION, THEORY, direct, key, points, sheet
from ._models import gaussian_features

TITLE = "collapse of the loss of small batches on the noise kernel norm, with and without momentum"
CAPTION = (
    "Loss at one flow time (a) over the noise kernel norm and (b) over the rate, for several "
    "batches; (c) loss along flow time for three momenta at one norm. Take-away: small "
    "batches depend on rate and batch through the kernel norm alone."
)


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
    """SGD up to one flow time: ηλ_max, the exact mean loss and the runs, and that time in steps.

    It lies between the last two times.
    """

    step: float
    theory: Curve
    runs: Curve
    last: float

    def final(self, curve: Curve) -> float:
        """Loss of a curve at the flow time, which a whole number of steps would miss."""
        return float(np.exp(np.interp(self.last, curve.time, np.log(curve.loss))))

    @property
    def ended(self) -> tuple[float, float]:
        """Mean loss of the runs at the flow time, and its standard error."""
        mean = self.final(self.runs)
        return mean, mean * float(self.runs.sem("loss")[-1] / self.runs.loss[-1])

    @property
    def end(self) -> float:
        """ln of final over first loss, exact."""
        return float(np.log(self.final(self.theory) / self.theory.loss[0]))


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
    early = np.rint(np.linspace(0, last, points + 1)[:-1])
    times = np.unique([*early, np.floor(last), np.floor(last) + 1])
    theory = solve(model, method, times=times, limit="exact")
    runs = simulate(model, method, times=times, runs=p.runs, seed=p.seed, progress=False)
    return Case(rate * model.sharpness, theory, runs, last)


def draw(data: Data, width: str | float) -> HouseFigure:
    """Final loss against the norm and against the rate; loss over time for several momenta."""

    def panels(axes: Any) -> None:
        for cases, colour in zip(
            data.batches.values(), ordered(list(data.batches)).values(), strict=True
        ):
            rates = np.array([case.step for case in cases])
            for axis, x in zip(axes, (data.norms, rates), strict=False):
                axis.plot(x, [case.final(case.theory) for case in cases], color=colour, **THEORY)
                ends, errors = np.transpose([case.ended for case in cases])
                axis.errorbar(x, ends, 2 * errors, color=colour, **SIMULATION)
        last: dict[str, tuple[float, Any]] = {}
        for (momentum, case), colour in zip(
            data.momenta.items(), ordered(list(data.momenta)).values(), strict=True
        ):
            time = case.step * case.theory.time / (1 - momentum)
            axes[2].plot(time, case.theory.loss, color=colour, **THEORY)
            points(axes[2], case.runs, colour, 14, "loss", time=time)
            last[rf"$\mu={momentum:g}$"] = float(case.theory.loss[-1]), colour
        for axis in axes:
            axis.set(yscale="log")
        end = "loss at equal flow time"
        axes[0].set(xlabel=r"noise kernel norm $\mathcal{K}_{\mathrm{exact}}$", ylabel=end)
        axes[1].set(xlabel=r"$\eta\lambda_{\max}$", ylabel=end, xscale="log")
        axes[2].set(xlabel=r"flow time $\eta\lambda_{\max}t/(1-\mu)$", ylabel="loss $|z|^2/(2D)$")
        axes[2].set_title(r"equal $\mathcal{K}$")
        direct(axes[2], last)
        shown = {f"$B={batch}$": colour for batch, colour in ordered(list(data.batches)).items()}
        key(axes[0], KINDS, 4, colours=shown)

    return sheet(panels, width, columns=3, aspect=1.05)


def checks(data: Data) -> tuple[Check, ...]:
    """Runs on the exact curves; at equal norm only orders of the step are left."""
    worst = max(_largest_z(case) for cases in data.batches.values() for case in cases)
    points = sum(case.runs.time.size - 1 for cases in data.batches.values() for case in cases)
    origin = f"normal quantile 1 - 5e-4/{2 * points}, Bonferroni"
    agreed = [
        agreement(
            f"momentum {momentum:g}: exact mean loss against runs", compare(case.theory, case.runs)
        )
        for momentum, case in data.momenta.items()
    ]
    return (
        *_left_at_equal_norm(data),
        Check("largest z of final losses of runs", worst, 0, _quantile(points), origin),
        *agreed,
        _order_of_momentum(data),
    )


def _left_at_equal_norm(data: Data) -> list[Check]:
    """ln loss of the small batches is a straight line in x = ηλ_max, up to the second order.

    A step contracts a mode by ln(1 − u)² = −2u(1 + u/2 + u²/3 + …) with u = ηλ <= x, and feeds it
    by the kernel ηc/(2 − u) = (ηc/2)(1 + u/2 + u²/4 + …): flow time and norm are off by shares of
    at most x/2, and what follows is at most 2x/3 of that. Each is worth its own slope of ln loss.
    """
    small = [cases for batch, cases in data.batches.items() if data.largest_small_batch >= batch]
    ends = np.array([[case.end for case in cases] for cases in small])
    steps = np.array([[case.step for case in cases] for cases in small])
    worth = _slopes(data).sum(axis=0)
    spread = np.ptp(ends, axis=0) / np.ptp(steps, axis=0) / (worth / 2)
    slope = (ends[1] - ends[0]) / (steps[1] - steps[0])
    left = ends[2:] - ends[1] - slope * (steps[2:] - steps[1])
    left /= (steps[2:] - steps[1]) * (steps[2:] - steps[0]) * worth / 3
    shows = f"a norm off by {_detectable(data, worth):.2g} % shows"
    return [
        Check(
            "spread of ln loss over small batches at equal norm, in first orders of the step",
            float(spread.max()),
            0,
            1,
            "x/2 of flow time and of the norm, times their slopes",
        ),
        Check(
            "what is left of it off the line through the two smallest, in second orders",
            float(np.abs(left).max()),
            0,
            1,
            f"2x/3 of that; {shows}",
        ),
    ]


def _slopes(data: Data) -> np.ndarray:
    """Of ln loss at the largest small batch in the logarithms of norm and flow time, absolute."""
    cases = data.batches[data.largest_small_batch]
    norm = np.gradient([case.end for case in cases], np.log(data.norms))
    time = [np.diff(np.log(case.theory.loss[-2:]))[0] * case.last for case in cases]
    return np.abs(np.array([norm, time]))


def _detectable(data: Data, worth: np.ndarray) -> float:
    """Per cent of K at the largest small batch that move ln loss by its second order."""
    steps = np.array([case.step for case in data.batches[data.largest_small_batch]])
    return float(100 * np.max(steps**2 * worth / 3 / _slopes(data)[0]))


def _order_of_momentum(data: Data) -> Check:
    """Power of x = ηλ_max μ/(1 − μ)², by which heavy ball lags, of what it does to ln loss."""
    moving = {mu: case for mu, case in data.momenta.items() if mu > 0}
    x = np.array([case.step * mu / (1 - mu) ** 2 for mu, case in moving.items()])
    apart = np.array([case.end for case in moving.values()]) - data.momenta[0.0].end
    span = np.log(x[-1] / x[0])
    power = np.log(np.abs(apart[-1] / apart[0])) / span
    return near(
        "power of rate · sharpness mu/(1 - mu)² of what momentum does to ln loss",
        power,
        1,
        (x[-1] - x[0]) / span,
        "first order, next order relative",
    )


def _largest_z(case: Case) -> float:
    return compare(case.theory, case.runs).max_z


def _quantile(points: int) -> float:
    from scipy.special import ndtri

    return float(-ndtri(5e-4 / (2 * points)))
