r"""Noise reshaping: the signs of correlated inputs have the covariance of an arcsine.

.. math:: K_\sigma=\tfrac2\pi\arcsin C=\tfrac2\pi C+(1-\tfrac2\pi)I+O(C_{i\ne j}^3)

(after arXiv 2411.12135): weak correlations shrink by 2/π, strong ones stay, and small eigenvalues
are raised, since all that an entry of C loses goes to the diagonal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

from ....solvers.streaming.advice.effects import Reshaping, effects
from ....theory.covariance import Covariance, from_matrix, toeplitz
from ....theory.noise import Gaussian
from ....theory.streaming.problem import LeastSquares
from ...figures.style import HouseFigure
from ..check import Check, near
from ..look import COLOURS, REFERENCE, SIMULATION, THEORY, sheet

TITLE = "noise reshaping: correlations of the inputs, of their signs, and the spectra of both"
CAPTION = (
    "(a) Correlations of the inputs and (b) of their signs in {dimension} dimensions, (c) the "
    "spectra, with {rows} drawn signs as markers. Take-away: the sign lifts the small "
    "eigenvalues of the gradient noise and keeps the trace, which no preconditioning of SGD "
    "does."
)


@dataclass(frozen=True)
class Parameters:
    """Correlations that decay and change sign with the distance, and rows drawn from them."""

    dimension: int = 60
    correlation: float = 0.95
    period: float = 12.0
    rows: int = 20_000
    weak: tuple[float, ...] = (0.1, 0.2, 0.4)
    seed: int = 6


QUICK = Parameters()
FULL = Parameters(dimension=200, rows=200_000)


@dataclass(frozen=True, eq=False)
class Data:
    """C and K_σ; the covariance of drawn signs; their mean squares along the eigenvectors of K_σ,
    with standard errors, (2, d); what the weak law leaves out, by correlation."""

    effect: Reshaping
    drawn: np.ndarray
    along: np.ndarray
    rows: int
    remainders: dict[float, float]


def _effect(covariance: Covariance) -> Reshaping:
    return effects(LeastSquares(covariance, noise=Gaussian(1.0)), 1.0).reshaping


def compute(parameters: Parameters) -> Data:
    """A damped wave of correlations; Toeplitz ones for the weak law."""
    p = parameters
    distance = np.subtract.outer(np.arange(p.dimension), np.arange(p.dimension))
    wave = np.cos(2 * np.pi * distance / p.period)
    covariance = from_matrix(toeplitz(p.dimension, p.correlation).matrix * wave)
    rng = np.random.default_rng(p.seed)
    root = covariance.eigenvectors * np.sqrt(covariance.eigenvalues)
    signs = np.sign(rng.standard_normal((p.rows, p.dimension)) @ root.T)
    remainders = {}
    for correlation in p.weak:
        weak = _effect(toeplitz(p.dimension, correlation))
        remainders[correlation] = float(np.abs(weak.sign_covariance - weak.weak).max())
    effect = _effect(covariance)
    squares = (signs @ np.linalg.eigh(effect.sign_covariance)[1]) ** 2
    along = np.stack([squares.mean(axis=0), squares.std(axis=0, ddof=1) / np.sqrt(p.rows)])
    return Data(effect, signs.T @ signs / p.rows, along, p.rows, remainders)


def draw(data: Data, width: str | float) -> HouseFigure:
    """Both matrices in one scale of colours, and three spectra."""

    def panels(axes: Any) -> None:
        matrices = data.effect.correlation, data.effect.sign_covariance
        names = r"inputs, $C$", r"signs, $K_\sigma=\frac{2}{\pi}\arcsin C$"
        for axis, matrix, name in zip(axes, matrices, names, strict=False):
            image = axis.imshow(matrix, cmap="PuOr", vmin=-1, vmax=1, rasterized=True)
            axis.set(title=name, xlabel="coordinate", ylabel="coordinate")
        axes[0].figure.colorbar(
            image, ax=list(axes[:2]), location="bottom", shrink=0.5, label="correlation"
        )
        _spectra(axes[2], data)

    return sheet(panels, width, columns=3, aspect=0.95)


def _spectra(axis: Any, data: Data) -> None:
    plain, signs = data.effect.spectra
    weak, drawn = map(np.linalg.eigvalsh, (data.effect.weak, data.drawn))
    rank = np.arange(1, plain.size + 1)
    shown = np.unique(np.geomspace(1, plain.size, 14).astype(int)) - 1
    axis.plot(rank, plain[::-1], color=COLOURS["SGD"], label="$C$", **THEORY)
    axis.plot(rank, signs[::-1], color=COLOURS["signSGD"], label=r"$K_\sigma$", **THEORY)
    axis.plot(rank, weak[::-1], label="weak law", **REFERENCE)
    axis.plot(
        rank[shown], drawn[::-1][shown], color=COLOURS["signSGD"], label="drawn signs", **SIMULATION
    )
    axis.set(xscale="log", yscale="log", xlabel="rank", ylabel="eigenvalue", title="spectra")
    axis.legend(loc="lower left")


def checks(data: Data) -> tuple[Check, ...]:
    """Drawn signs, the trace, the smallest eigenvalue, and the order of the weak law."""
    effect = data.effect
    plain, signs = effect.spectra
    error = np.sqrt((1 - effect.sign_covariance**2) / data.rows)
    pairs = np.triu_indices(len(error), 1)
    z = np.abs(data.drawn - effect.sign_covariance)[pairs] / error[pairs]
    sizes, left = np.array(list(data.remainders.items())).T
    orders = np.diff(np.log(left)) / np.diff(np.log(sizes))
    return (
        Check(
            "drawn signs, largest deviation in standard errors",
            z.max(),
            0,
            np.sqrt(2 * np.log(z.size / 1e-3)),
            "normal tail at 1e-3 over all pairs",
        ),
        Check(
            "drawn signs along the eigenvectors of K_sigma, largest |z| of their mean squares",
            np.abs((data.along[0] - signs) / data.along[1]).max(),
            0,
            norm.isf(0.5e-3 / signs.size),
            f"normal tail at 1e-3 over all; the trace of C is {plain.sum():.4g} too",
        ),
        Check(
            "drawn signs: least mean square above the smallest eigenvalue of C, in s.e.",
            (data.along[0][0] - plain[0]) / data.along[1][0],
            4,
            np.inf,
            "the small eigenvalues are lifted",
        ),
        near(
            "order of the weak law's remainder",
            orders[0],
            3,
            sizes[1] ** 2,
            "arcsine series, to order C^2",
        ),
    )
