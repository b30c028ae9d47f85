r"""What batch noise shifts: SGD − gradient descent against limiting SDE − its flow.

The SDE is weakly of first order in h, and so is the shift itself: h → 0 is gradient flow. The
curves of SDE and SGD differ by O(h) anyhow; their *shifts* are what is compared, on the same
random curvatures. Model of arXiv 2404.19261, formulas derived here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

from ....solvers.core.curve import Curve
from ....solvers.solve import solve
from ....theory.methods import SGD, GradientDescent
from ....theory.second_order.problem import QuadraticRegression
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, near
from ..look import COLOURS, REFERENCE, SIMULATION, THEORY, band, key, sheet

TITLE = "what batch noise shifts, against the step: SGD and its limiting SDE"
CAPTION = (
    "What batch noise shifts in (a) the squared residual and (b) the sharpness, over the step h: "
    "the SDE less its flow (line, {runs} paths), SGD less gradient descent (markers, {runs} runs) "
    "at equal time {time}. Take-away: the shifts are those of the SDE, to first order in the step."
)

Array = np.ndarray
QUANTITIES = ("loss", "sharpness")


@dataclass(frozen=True)
class Parameters:
    """Spectrum of Θ₀, κ, P; steps h up to the flow time τ, the step of the scheme, runs."""

    spectrum: tuple[float, ...] = (2.0, *23 * (0.5,))
    curvature: float = 0.05
    parameters: int = 28
    time: float = 0.36
    steps: tuple[float, ...] = (0.009, 0.012, 0.018, 0.024, 0.036)
    scheme: float = 0.036
    runs: int = 500
    seed: int = 4


QUICK = Parameters()
FULL = Parameters(steps=(0.006, 0.009, 0.012, 0.018, 0.036), scheme=0.018, runs=4000)


@dataclass(frozen=True, eq=False)
class Data:
    """Shifts (quantity, run) of |z|² and λ_max at the last time, by h."""

    parameters: Parameters
    sgd: dict[float, Array]
    sde: dict[float, Array]


def problem_of(p: Parameters) -> QuadraticRegression:
    """Random eigenvectors; the residual has the same square along each."""
    rng, size = np.random.default_rng(p.seed), len(p.spectrum)
    U = np.linalg.qr(rng.standard_normal((size, size)))[0]
    gram = (U * p.spectrum) @ U.T
    residual = U @ rng.choice([-1.0, 1.0], size)
    return QuadraticRegression(size, p.parameters, p.curvature, (gram + gram.T) / 2, residual)


def compute(parameters: Parameters) -> Data:
    """Dense curvatures: run k has the same one in all four ensembles."""
    p, problem = parameters, problem_of(parameters)
    common: dict[str, Any] = {"points": 2, "seed": p.seed, "progress": False}
    paths = common | {"limit": "sde", "paths": p.runs, "step": p.scheme}
    flow = solve(problem, GradientDescent(p.steps[0]), p.time, **paths)
    sgd, sde = {}, {}
    for h in p.steps:
        noisy, quiet = SGD(h * problem.data, batch=1), GradientDescent(h * problem.data)
        runs, still = (
            simulate(problem, method, round(p.time / h), runs=p.runs, engine="dense", **common)
            for method in (noisy, quiet)
        )
        sgd[h] = shift(runs, still)
        sde[h] = shift(solve(problem, noisy, p.time, **paths), flow)
    return Data(p, sgd, sde)


def shift(noisy: Curve, quiet: Curve) -> Array:
    """What noise does to |z|² and λ_max at the last time, run by run."""
    data = noisy.provenance["problem"]["data"]
    return np.stack(
        [
            factor * (noisy.sample(name) - quiet.sample(name))[:, -1]
            for name, factor in zip(QUANTITIES, (2 * data, data), strict=True)
        ]
    )


def draw(data: Data, width: str | float) -> HouseFigure:
    """Shift of |z|² and of λ_max against h."""

    def panels(axes: Any) -> None:
        h = np.array(data.parameters.steps)
        for k, (axis, name) in enumerate(zip(axes, (r"$|z|^2$", r"$\lambda_{\max}$"), strict=True)):
            mean, error = statistics(data.sde, k)
            axis.plot(h, mean, color=COLOURS["SGD"], label="theory: SDE less flow", **THEORY)
            band(axis, h, mean - 2 * error, mean + 2 * error, COLOURS["SGD"])
            mean, error = statistics(data.sgd, k)
            axis.errorbar(
                h,
                mean,
                2 * error,
                color=COLOURS["SGD"],
                elinewidth=0.6,
                label="simulation: SGD less gradient descent ± 2 s.e.",
                **SIMULATION,
            )
            axis.axhline(0, **REFERENCE)
            axis.set(xlabel="step $h$", ylabel=f"shift of {name}", xlim=(0, None))
        key(axes[0], {}, 3, bands={"± 2 s.e. of the SDE": COLOURS["SGD"]})

    return sheet(panels, width, columns=2, aspect=0.85)


def statistics(shifts: dict[float, Array], quantity: int) -> tuple[Array, Array]:
    """Mean and standard error of a shift, by h."""
    values = np.array([found[quantity] for found in shifts.values()])
    return values.mean(axis=1), values.std(axis=1, ddof=1) / np.sqrt(values.shape[1])


def checks(data: Data) -> tuple[Check, ...]:
    """The two shifts over all h, and the first order of that of SGD."""
    found = []
    for k, name in enumerate(QUANTITIES):
        mean, error = statistics(data.sgd, k)
        found += [
            _agreement(data, k),
            _first_order(data, k),
            Check(
                f"shift of {name} in standard errors, largest h",
                abs(mean[-1]) / error[-1],
                norm.isf(0.5e-3),
                np.inf,
                "there is a shift, normal tail at 1e-3",
            ),
        ]
    return tuple(found)


def _agreement(data: Data, quantity: int) -> Check:
    """Least squares over all h of SGD = (1 + x) SDE.

    The scheme and SGD depart from the SDE to the same side, by λ_max times their own step. Run by
    run, because ensembles of several h share their batches.
    """
    p, of = data.parameters, {"SGD": data.sgd, "SDE": data.sde}
    (_, a), (sde, b) = (statistics(shifts, quantity) for shifts in of.values())
    weight = sde / (a**2 + b**2)
    sgd, paths = (
        np.array([found[quantity] for found in shifts.values()]) for shifts in of.values()
    )
    excess = weight @ (sgd - paths) / (weight @ sde)
    error = excess.std(ddof=1) / np.sqrt(excess.size)
    order = p.spectrum[0] * max(p.scheme, *p.steps)
    return near(
        f"shift of {QUANTITIES[quantity]}, SGD over SDE, all h",
        1 + excess.mean(),
        1,
        3.5 * error + order,
        "3.5 standard errors + lambda_max times the step",
    )


def _first_order(data: Data, quantity: int) -> Check:
    """Power of h of the shift of SGD, between the extreme steps.

    The next order is noise upon noise, relative to the first the noise kernel norm h tr Θ₀/2.
    """
    p = data.parameters
    ends = np.array([data.sgd[h][quantity] for h in (p.steps[0], p.steps[-1])])
    mean, span = ends.mean(axis=1), np.log(p.steps[-1] / p.steps[0])
    relative = np.diff(ends / mean[:, None], axis=0)[0]
    error = relative.std(ddof=1) / np.sqrt(relative.size)
    order = sum(p.spectrum) / 2 * (p.steps[-1] - p.steps[0])
    return near(
        f"power of h of the shift of {QUANTITIES[quantity]}",
        np.log(mean[1] / mean[0]) / span,
        1,
        (3.5 * error + order) / span,
        "3.5 standard errors + the change of K_trace",
    )
