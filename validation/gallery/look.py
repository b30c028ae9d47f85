"""One colour a method and one line style a kind of curve, across the whole gallery."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes

from ..figure import STYLE, HouseFigure, inches

#: the palette of Okabe and Ito, told apart with any colour vision
COLOURS = {
    "SGD": "#0072B2",
    "signSGD": "#D55E00",
    "clipped SGD": "#009E73",
    "Adam": "#CC79A7",
    "gradient descent": "#000000",
}
#: families of curves that are no methods: noise laws, dimensions, batches
SEQUENCE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
#: kinds of curves
THEORY: dict[str, Any] = {"linestyle": "-", "linewidth": 1.3}
SIMULATION: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 2.4}
PUBLISHED: dict[str, Any] = {"linestyle": (0, (1, 1)), "linewidth": 1.0}
EXACT: dict[str, Any] = {"linestyle": (0, (5, 1.5)), "linewidth": 1.0}
REFERENCE: dict[str, Any] = {"linestyle": "-", "linewidth": 0.6, "color": "0.5"}


def sheet(
    draw: Callable[[Any], None],
    width: str | float,
    *,
    rows: int = 1,
    columns: int = 1,
    aspect: float = 0.75,
    **options: Any,
) -> HouseFigure:
    """Return a figure of panels that `draw` fills, in the house style.

    Parameters
    ----------
    draw : callable
        Takes the array of axes, (rows, columns).
    width : {"neurips", "icml"} or float
        Below 4.5 inches the panels of a row are put under each other.
    aspect : float
        Height of a panel over its width.
    """
    w = inches(width)
    if w < 4.5 and columns > 1:
        rows, columns, aspect = rows * columns, 1, min(aspect, 0.62)
    with style.context(STYLE):
        figure = HouseFigure(figsize=(w, rows * (aspect * w / columns + 0.35)))
        axes = figure.subplots(rows, columns, squeeze=False, **options)
        draw(axes.ravel())
    return figure


def band(axes: Axes, time: np.ndarray, low: np.ndarray, high: np.ndarray, colour: str) -> None:
    """Shade what single runs do."""
    axes.fill_between(time, low, high, color=colour, alpha=0.2, linewidth=0)


def thin(array: np.ndarray, count: int = 20) -> np.ndarray:
    """Return at most `count` evenly spaced indices, for markers."""
    return np.unique(np.linspace(0, array.size - 1, count).round().astype(int))
