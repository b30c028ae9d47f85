"""Loss against compute, one line a dimension, with the frontier and its power law."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib import colormaps, style

from ..figures.style import STYLE, HouseFigure, inches


def draw(frontier: Any, width: str | float) -> HouseFigure:
    """Return the figure of a frontier."""
    w = inches(width)
    with style.context(STYLE):
        figure = HouseFigure(figsize=(w, 0.62 * w))
        axes = figure.add_subplot()
        shades = colormaps["viridis"](np.linspace(0.9, 0.1, frontier.dimensions.size))
        for i, (curve, shade) in enumerate(zip(frontier.curves, shades, strict=True)):
            ends = i in (0, frontier.dimensions.size - 1)
            label = f"$d = {frontier.dimensions[i]}$" if ends else None
            axes.plot(frontier.compute_of(i), curve["loss"][1:], color=shade, lw=0.8, label=label)
        axes.plot(frontier.compute, frontier.loss, color="black", lw=1.6, label="frontier")
        exponent = frontier.exponents["loss"][0]
        middle = frontier.compute.size // 2
        line = frontier.loss[middle] * (frontier.compute / frontier.compute[middle]) ** -exponent
        label = rf"compute$^{{-{exponent:.3f}}}$"
        axes.plot(frontier.compute, line, color="C1", ls="--", lw=1.2, label=label)
        axes.set(xscale="log", yscale="log")
        axes.set_xlim(frontier.compute[0] / 10, frontier.compute[-1] * 10)
        low = min(float(c["loss"][-1]) for c in frontier.curves)
        axes.set_ylim(0.7 * low, 1.5 * max(float(c["loss"][0]) for c in frontier.curves))
        axes.set_xlabel("compute: parameters × samples")
        axes.set_ylabel("loss")
        axes.legend(loc="lower left")
    return figure
