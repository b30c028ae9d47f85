r"""Sharpness along SGD for several batches: T1 averaged over batches, and runs at finite P.

Noise shifts the NTK by about :math:`\kappa t\,h^2c|z|^2({\rm tr}\,\Theta\,I-2\Theta)`: eigenvalues
with :math:`2\lambda>{\rm tr}\,\Theta` are slowed, below that the isotropic part
:math:`\kappa|\theta|^2I` hides it. Without that part the top eigenvalue falls with smaller batches
in both cases. Model of arXiv 2404.19261 and 2210.04860, formulas derived here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.core.curve import Curve
from ....solvers.solve import solve
from ....theory.methods import SGD
from ....theory.second_order.problem import QuadraticRegression
from ...agreement.compare import compare
from ...figures.registry import ordered
from ...figures.style import HouseFigure
from ...simulate import simulate
from ..check import Check, agreement, near
from ..look import BAND, HIGH, KINDS, LOW, SIMULATION, THEORY, band, key, sheet, thin

TITLE = "sharpness along SGD for several batches: all of it, and without the isotropic part"
CAPTION = (
    "Sharpness along SGD for three batches, all of it and without the isotropic part, where "
    "one eigenvalue dominates (above) and where none does (below); bands of the largest and the "
    "smallest batch. Take-away: noise takes "
    "sharpness from a dominating mode; where none dominates the isotropic part hides it."
)


@dataclass(frozen=True)
class Parameters:
    """Spectra of Θ₀ by whether 2λ₁ exceeds the trace; κ, rate, batches, steps; ensembles."""

    dominant: tuple[float, ...] = (2.4, 0.5, 0.4, 0.3, 0.2, 0.1)
    spread: tuple[float, ...] = (1.3, 1.0, 0.9, 0.8, 0.6, 0.4)
    parameters: int = 400
    curvature: float = 0.04
    rate: float = 1.1
    batches: tuple[int, ...] = (6, 2, 1)
    steps: int = 24
    runs: int = 200
    mask_samples: int = 250
    seed: int = 4


QUICK = Parameters()
FULL = Parameters(parameters=1000, runs=1000, mask_samples=2000)


@dataclass(frozen=True, eq=False)
class Data:
    """Theory and runs, by batch, of both spectra."""

    parameters: Parameters
    spectra: dict[str, dict[int, tuple[Curve, Curve]]]


def problem_of(p: Parameters, spectrum: tuple[float, ...]) -> QuadraticRegression:
    """Random eigenvectors and residual signs."""
    rng, size = np.random.default_rng(p.seed), len(spectrum)
    U = np.linalg.qr(rng.standard_normal((size, size)))[0]
    residual = U @ rng.choice([-1.0, 1.0], size)
    gram = (U * spectrum) @ U.T
    return QuadraticRegression(size, p.parameters, p.curvature, (gram + gram.T) / 2, residual)


def compute(parameters: Parameters) -> Data:
    """The same curvatures for every batch, so that differences between batches are sharp."""
    p = parameters
    spectra = {
        r"$2\lambda_1>\mathrm{tr}\,\Theta_0$": p.dominant,
        r"$2\lambda_1<\mathrm{tr}\,\Theta_0$": p.spread,
    }
    return Data(p, {name: _along(p, problem_of(p, s)) for name, s in spectra.items()})


def _along(p: Parameters, problem: QuadraticRegression) -> dict[int, tuple[Curve, Curve]]:
    common: dict[str, Any] = {"until": p.steps, "points": 9, "seed": p.seed, "progress": False}
    found = {}
    for batch in p.batches:
        method = SGD(p.rate, batch=batch)
        theory = solve(problem, method, mask_samples=p.mask_samples, **common)
        found[batch] = theory, simulate(problem, method, runs=p.runs, **common)
    return found


def draw(data: Data, width: str | float) -> HouseFigure:
    """One row a spectrum; on the right without the isotropic part."""

    def panels(axes: Any) -> None:
        for row, (name, curves) in enumerate(data.spectra.items()):
            left, right = axes[2 * row : 2 * row + 2]
            shades = ordered(list(curves))
            for batch, pair in curves.items():
                colour = shades[batch]
                _draw_batch(left, data.parameters, batch, pair, colour, False)
                _draw_batch(right, data.parameters, batch, pair, colour, True)
            word = "a mode dominates" if ">" in name else "none dominates"
            left.set(xlabel="step", ylabel=r"$\eta\lambda_{\max}$", title=f"{word}, {name}")
            right.set(xlabel="step", ylabel=r"$\eta(\lambda_{\max}-\kappa|\theta|^2)$")
            right.set_title(f"{word}; no isotropic part")
        key(axes[0], KINDS, columns=3, bands=(BAND,))

    return sheet(panels, width, rows=2, columns=2, aspect=0.7)


def edge(p: Parameters, curve: Curve, bare: bool) -> np.ndarray:
    """rate · sharpness of every sample, or without what all directions share."""
    values = curve.sample("sharpness") if curve.runs else curve["sharpness"][None]
    shared = curve.sample("isotropic") if curve.runs else curve["isotropic"][None]
    return p.rate * (values - shared if bare else values)


def _draw_batch(
    axis: Any, p: Parameters, batch: int, pair: tuple[Curve, Curve], colour: str, bare: bool
) -> None:
    theory, runs = pair
    label = f"$B={batch}$" + (" (full)" if batch == len(p.dominant) else "")
    axis.plot(theory.time, edge(p, theory, bare).mean(axis=0), color=colour, label=label, **THEORY)
    values, some = edge(p, runs, bare), thin(runs.time)
    if batch in (p.batches[0], p.batches[-1]):
        low, high = np.quantile(values, (LOW, HIGH), axis=0)
        band(axis, runs.time, low, high, colour)
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    axis.errorbar(
        runs.time[some], values.mean(axis=0)[some], 2 * error[some], color=colour, **SIMULATION
    )


def checks(data: Data) -> tuple[Check, ...]:
    """T1 against runs for every batch; conservative sharpening without the isotropic part."""
    found = []
    for name, curves in data.spectra.items():
        words = "dominant top" if ">" in name else "spread spectrum"
        found += [
            agreement(f"sharpness, {words}, B = {batch}", compare(*pair, "sharpness"))
            for batch, pair in curves.items()
        ]
        found += _conservative(data.parameters, words, curves)
    return tuple(found)


def _conservative(
    p: Parameters, words: str, curves: dict[int, tuple[Curve, Curve]]
) -> tuple[Check, Check]:
    """What a batch of one takes from the overlap part at the last step: that it does, and T1."""
    full, one = curves[p.batches[0]], curves[p.batches[-1]]
    (expected, own), (taken, error) = (
        _mean(edge(p, many, True)[:, -1] - edge(p, single, True)[:, -1])
        for many, single in zip(full, one, strict=True)
    )
    name = f"taken by noise without the isotropic part, {words}"
    return (
        Check(name, taken / error, 3.5, np.inf, "standard errors of the paired difference"),
        near(
            f"{name}: runs, around T1",
            taken,
            expected,
            3.5 * np.hypot(error, own),
            "3.5 standard errors of both",
        ),
    )


def _mean(values: np.ndarray) -> tuple[float, float]:
    """Mean and standard error."""
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(values.size))
