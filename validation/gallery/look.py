"""One colour a method and one line style a kind of curve, across the whole gallery.

Where a figure shows one method only, the colours tell batches, laws or sizes apart; dashes and dots
are also the second and third theory of a figure, named in its legend.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ..figures.style import STYLE, HouseFigure, inches

#: the palette of Okabe and Ito, told apart with any colour vision
COLOURS = {
    "SGD": "#0072B2",
    "signSGD": "#D55E00",
    "clipped SGD": "#009E73",
    "Adam": "#CC79A7",
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
    narrow: int = 1,
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
    narrow : int
        Panels that stay beside each other below 4.5 inches.
    """
    w = inches(width)
    if w < 4.5 and columns > narrow:
        rows, columns = rows * columns // narrow, narrow
        # a page is 9 inches high
        aspect = min(aspect, 0.62 if rows <= 3 else 0.5) if narrow == 1 else aspect
    with style.context(STYLE):
        figure = HouseFigure(figsize=(w, rows * (aspect * w / columns + 0.35)))
        axes = figure.subplots(rows, columns, squeeze=False, **options)
        draw(axes.ravel())
    return figure


def kinds(styles: Mapping[str, Mapping[str, Any]]) -> list[Line2D]:
    """Return a grey sample of each style, or one of its own colour, under its label."""
    return [
        Line2D([], [], label=label, **{"color": "0.3", **style}) for label, style in styles.items()
    ]


def key(axes: Axes, styles: Mapping[str, Mapping[str, Any]], columns: int = 4) -> None:
    """Put above the figure what its line styles stand for, and the labels of a panel.

    At most two columns where the figure is narrow.
    """
    handles = [*kinds(styles), *axes.get_legend_handles_labels()[0]]
    columns = columns if axes.figure.get_figwidth() > 4.5 else min(columns, 2)  # type: ignore[union-attr]
    axes.figure.legend(handles=handles, loc="outside upper left", ncols=columns)


def band(axes: Axes, time: np.ndarray, low: np.ndarray, high: np.ndarray, colour: str) -> None:
    """Shade what single runs do."""
    axes.fill_between(time, low, high, color=colour, alpha=0.2, linewidth=0)


def thin(array: np.ndarray, count: int = 20) -> np.ndarray:
    """Return at most `count` evenly spaced indices, for markers."""
    return np.unique(np.linspace(0, array.size - 1, count).round().astype(int))
