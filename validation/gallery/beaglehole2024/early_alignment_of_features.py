r"""The centred correlation of features and gradients at the first instant of training.

Limit of large d against draws of W₀ over k/d, and the data that reverse it in a wide network:
:math:`2\sqrt r/(1+r)`. After arXiv 2402.05271; model and formulas of our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.core.blas import one_thread
from ....solvers.feature_alignment.early import early_alignment
from ....theory.feature_alignment.problem import QuadraticNetwork
from ...figures.registry import ordered
from ...figures.style import HouseFigure
from ..check import Check, largest, near
from ..look import EXACT, REFERENCE, SIMULATION, THEORY, key, sheet

TITLE = "features and gradients at the first instant of training, and data that pull them apart"
CAPTION = (
    "(a) Correlation of the centred features with the outer product of gradients at t = 0+ over "
    "the width, for two eigenvalues r and 1 of the inputs: limit (lines), draws of the first "
    "weights (markers, ± 2 s.e.), wide limit (dashed). (b) The same over r for three widths, with "
    "the bound; d = {dimension}. Take-away: only wide networks are misled; at k = d the "
    "correlation stays high."
)

Array = np.ndarray


@dataclass(frozen=True)
class Parameters:
    """Dimension, ratios of the eigenvalues, widths over d, draws, and the seed."""

    dimension: int = 80
    ratios: tuple[float, ...] = (1.0, 4.0, 16.0, 64.0)
    widths: tuple[float, ...] = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
    shown: tuple[float, ...] = (1.0, 10.0, 100.0)
    draws: int = 32
    seed: int = 20240501


QUICK = Parameters()
FULL = Parameters(dimension=120, draws=64)


@dataclass(frozen=True, eq=False)
class Data:
    """Draws by ratio, one row a width, and those in half the dimension."""

    parameters: Parameters
    draws: dict[float, Array]
    halved: dict[float, Array]


def problem_of(d: int, ratio: float, width: float, seed: int = 0) -> QuadraticNetwork:
    """Distinct units: width · d."""
    units = 2 * int(round(width * d))
    return QuadraticNetwork.reversing(units, d, ratio, seed=seed)


def compute(p: Parameters) -> Data:
    """Draw first weights for every ratio and width."""
    with one_thread():
        whole, halved = (
            {ratio: np.array([_draws(p, d, ratio, w) for w in p.widths]) for ratio in p.ratios}
            for d in (p.dimension, p.dimension // 2)
        )
    return Data(p, whole, halved)


def _draws(p: Parameters, d: int, ratio: float, width: float) -> list[float]:
    return [early_alignment(problem_of(d, ratio, width, p.seed + k)).value for k in range(p.draws)]


def _limit(ratio: float, width: float, form: str = "limit") -> float:
    return early_alignment(problem_of(1000, ratio, width), form).value


def draw(data: Data, width: str | float) -> HouseFigure:
    """Over the width, and over the ratio."""
    p = data.parameters

    def panels(axes: Any) -> None:
        shades = ordered(p.ratios).values()
        fine = np.geomspace(min(p.widths), 40 * max(p.widths), 60)
        for ratio, colour in zip(p.ratios, shades, strict=True):
            axes[0].plot(fine, [_limit(ratio, w) for w in fine], color=colour, **THEORY)
            mean, sem = data.draws[ratio].mean(axis=1), _sem(data.draws[ratio])
            axes[0].errorbar(p.widths, mean, 2 * sem, color=colour, zorder=3, **SIMULATION)
            wide = _limit(ratio, 1.0, "wide")
            axes[0].plot([fine[-1] / 6, fine[-1]], [wide, wide], color=colour, **EXACT)
        axes[0].set(xscale="log", xlabel="width over dimension $k/d$", ylabel="centred correlation")
        r = np.geomspace(1, 1000, 60)
        for w, colour in zip(p.shown, ordered(p.shown).values(), strict=True):
            values = [_limit(x, w) for x in r]
            axes[1].plot(r, values, color=colour, label=f"$k/d={w:g}$", **THEORY)
        axes[1].plot(r, 2 * np.sqrt(r) / (1 + r), color="black", label="bound", **EXACT)
        axes[1].axhline(0, **REFERENCE)
        axes[1].set(xscale="log", xlabel="ratio of eigenvalues $r$", ylabel="centred correlation")
        axes[1].legend(loc="lower left")
        key(
            axes[0],
            {"limit": THEORY, "draws, mean ± 2 s.e.": SIMULATION, "wide limit": EXACT},
            colours={f"$r={x:g}$": c for x, c in zip(p.ratios, shades, strict=True)},
        )

    return sheet(panels, width, columns=2, aspect=0.8)


def _sem(draws: Array) -> Array:
    return np.asarray(draws.std(axis=1, ddof=1) / np.sqrt(draws.shape[1]))


def checks(data: Data) -> tuple[Check, ...]:
    """Draws against the limit; famous values; the symmetry of d/k."""
    p = data.parameters
    return (
        largest(
            "largest |z| of draws at d and half of d, extrapolated, from the limit",
            [_scores(data, ratio) for ratio in p.ratios],
            origin="; the next order is what was removed over min(d, k)",
        ),
        near("r = 1, k = d", _limit(1.0, 1.0), 5 / np.sqrt(28), 1e-12, "closed form"),
        near("r = 16, k = d", _limit(16.0, 1.0), 0.79017, 5e-6, "sanity value"),
        near("r = 16, wide", _limit(16.0, 1.0, "wide"), 8 / 17, 1e-12, "closed form"),
        near(
            "r = 1, k = 4d less 4k = d", _limit(1.0, 4.0) - _limit(1.0, 0.25), 0, 1e-12, "symmetry"
        ),
    )


def _scores(data: Data, ratio: float) -> Array:
    """Of the mean at 1/d → 0 by a line through two d: what is left is an order higher."""
    p, small, whole = data.parameters, data.halved[ratio], data.draws[ratio]
    line = np.array([_limit(ratio, w) for w in p.widths])
    removed = whole.mean(axis=1) - small.mean(axis=1)
    allowed = np.abs(removed) / (p.dimension * np.minimum(1, np.array(p.widths)))
    off = whole.mean(axis=1) + removed - line
    beyond = np.sign(off) * np.maximum(np.abs(off) - allowed, 0)
    return np.asarray(beyond / np.hypot(2 * _sem(whole), _sem(small)))
