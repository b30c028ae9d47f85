"""The figure of a convergence study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import style

from .figure import STYLE, HouseFigure, inches

if TYPE_CHECKING:
    from .convergence import Convergence, Slope


def draw(study: Convergence, width: str | float) -> HouseFigure:
    """Bias of the mean and spread of one run against d, with fitted slopes in the legend."""
    w = inches(width)
    with style.context(STYLE):
        figure = HouseFigure(figsize=(w, 0.68 * w))
        axes = figure.add_subplot()
        d = study.dimensions
        spread, bias = (study.spread, study.spread_error), (np.abs(study.bias), study.bias_error)
        _series(axes, d, *spread, study.spread_slope, "C0", "o", "spread of one run")
        _series(axes, d, *bias, study.bias_slope, "C1", "s", "|bias of the mean|")
        axes.set(xscale="log", yscale="log", xlabel="dimension $d$", ylabel="relative to theory")
        axes.set_xticks(d, [str(n) for n in d])
        axes.minorticks_off()
        if study.label:
            axes.set_title(study.label, loc="left")
        figure.legend(loc="outside lower left")
    return figure


def _series(
    axes: Any,
    d: np.ndarray,
    values: np.ndarray,
    errors: np.ndarray,
    slope: Slope,
    colour: str,
    marker: str,
    name: str,
) -> None:
    """Points with two standard errors, and the fitted power law with its interval."""
    below = np.minimum(2 * errors, 0.95 * values)
    axes.errorbar(d, values, [below, 2 * errors], fmt=marker, color=colour, capsize=2, lw=0.8)
    interval = f"{slope.low:.2f} to {slope.high:.2f}".replace("-", "−")
    label = f"{name}: $d^{{{slope.value:.2f}}}$ (95 %: {interval})"
    axes.plot(d, abs(slope.prefactor) * d**slope.value, color=colour, lw=1, label=label)
