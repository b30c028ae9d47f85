"""One vocabulary of lines, markers and bands across the whole gallery.

Lines are theory, hollow markers are means over runs with two standard errors, shaded bands hold 5
to 95 % of single runs; colours are those of the register, one sequential map shades what has an
order. Dashes and dots are the second and third theory of a figure, named in its legend.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ...solvers.core.curve import Curve
from ...theory.core.errors import ValidityWarning
from ..agreement.compare import common_times, interpolate
from ..figures.axis import spaced
from ..figures.registry import METHODS
from .sheet import sheet

__all__ = ["sheet"]

#: methods, as everywhere
COLOURS = METHODS
#: things without an order that are neither methods nor laws: orbits, modes, forms
SEQUENCE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
#: kinds of curves
THEORY: dict[str, Any] = {"linestyle": "-", "linewidth": 1.3}
SIMULATION: dict[str, Any] = {
    "linestyle": "none",
    "marker": "o",
    "markersize": 3,
    "markerfacecolor": "white",
    "markeredgewidth": 0.8,
}
#: runs with no theory beside them, joined to lead the eye
LINKED: dict[str, Any] = SIMULATION | {"linestyle": "-", "linewidth": 0.8}
PUBLISHED: dict[str, Any] = {"linestyle": (0, (1, 1)), "linewidth": 1.2}
EXACT: dict[str, Any] = {"linestyle": (0, (5, 1.5)), "linewidth": 1.0}
REFERENCE: dict[str, Any] = {"linestyle": "-", "linewidth": 0.6, "color": "0.5"}
#: runs on real rows, beside those on Gaussian inputs
ROWS: dict[str, Any] = {
    "linestyle": "none",
    "marker": "x",
    "markersize": 4,
    "markeredgewidth": 1.0,
    "zorder": 4,
}
#: single runs or points, of which nothing is averaged
POINTS: dict[str, Any] = {"linestyle": "none", "marker": ".", "markersize": 2.5}

TIME = "time $t$ = steps$/d$"
RISK = "excess risk $R$"
#: what the kinds are called
RUNS = "simulation, mean ± 2 s.e."
BAND = "band of one run, 5–95 %"
KINDS: dict[str, dict[str, Any]] = {"theory": THEORY, RUNS: SIMULATION}
#: quantiles of single runs that a band shows
LOW, HIGH = 0.05, 0.95
SHADE = 0.2


@contextmanager
def outside_its_range() -> Iterator[None]:
    """Silence the warnings of a theory that a figure takes beyond its range on purpose."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ValidityWarning)
        yield


def pair(
    axes: Any,
    theory: Curve,
    runs: Curve,
    colour: Any,
    label: str = "",
    *,
    spread: bool = False,
    quantity: str = "risk",
    markers: int = 12,
) -> None:
    """Draw the limit as a line, the mean of the runs with two standard errors as markers, and
    their residual where the panel has a strip for it."""
    axes.plot(theory.time, theory[quantity], color=colour, label=label or None, **THEORY)
    if spread:
        low, high = (runs.quantile(quantity, level) for level in (LOW, HIGH))
        band(axes, runs.time, low, high, colour)
    points(axes, runs, colour, markers, quantity)
    residual(axes, theory, runs, colour, quantity, markers)


def points(
    axes: Any,
    runs: Curve,
    colour: Any,
    markers: int = 12,
    quantity: str = "risk",
    *,
    time: np.ndarray | None = None,
    **look: Any,
) -> None:
    """Draw the mean of the runs with two standard errors, over a time of the caller's if given."""
    where = runs.time if time is None else time
    at = spaced(where, markers, axes.get_xscale() == "log")
    errors = 2 * runs.sem(quantity)[at] if runs.runs > 1 else None
    style = SIMULATION | {"zorder": 3} | look
    axes.errorbar(where[at], runs[quantity][at], errors, color=colour, elinewidth=0.8, **style)


def residual(
    axes: Any,
    theory: Curve,
    runs: Curve,
    colour: Any,
    quantity: str = "risk",
    markers: int = 12,
    **look: Any,
) -> None:
    """Draw (mean − theory)/theory in percent with two standard errors into the panel's strip."""
    strip = axes.figure.strips.get(axes)
    if strip is None or runs.runs < 2:
        return
    keep = np.flatnonzero(common_times(theory, runs))
    keep = keep[spaced(runs.time[keep], markers, axes.get_xscale() == "log")]
    line = interpolate(theory.time, theory[quantity], runs.time[keep])
    middle, error = runs[quantity][keep] / line - 1, runs.sem(quantity)[keep] / np.abs(line)
    style = SIMULATION | look | {"markersize": look.get("markersize", 3) * 2 / 3}
    strip.errorbar(
        runs.time[keep], 100 * middle, 200 * error, color=colour, elinewidth=0.7, **style
    )


def band(axes: Axes, time: np.ndarray, low: np.ndarray, high: np.ndarray, colour: Any) -> None:
    """Shade what single runs do."""
    axes.fill_between(time, low, high, color=colour, alpha=SHADE, linewidth=0)


def kinds(styles: Mapping[str, Mapping[str, Any]]) -> list[Line2D]:
    """Return a grey sample of each style, or one of its own colour, under its label."""
    return [
        Line2D([], [], label=label, **{"color": "0.3", **style}) for label, style in styles.items()
    ]


def shaded(label: str = BAND, colour: Any = "0.3", alpha: float = SHADE) -> Patch:
    """Return the sample of a band."""
    return Patch(facecolor=colour, alpha=alpha, linewidth=0, label=label)


def key(
    axes: Axes,
    styles: Mapping[str, Mapping[str, Any]],
    columns: int = 4,
    *,
    colours: Mapping[str, Any] | None = None,
    bands: Mapping[str, Any] | tuple[str, ...] = (),
) -> None:
    """Put above the figure what stands for what.

    Parameters
    ----------
    axes : Axes
        Its own labels come last.
    styles : mapping of name to line style
    colours : mapping of name to colour, optional
        They come first, as thick lines.
    bands : names of shaded bands, with their colours where these are their own
    """
    handles: list[Any] = [
        Line2D([], [], color=colour, linewidth=3, label=name)
        for name, colour in (colours or {}).items()
    ]
    handles += kinds(styles)
    named = dict(bands) if isinstance(bands, Mapping) else dict.fromkeys(bands, "0.3")
    handles += [shaded(name, colour) for name, colour in named.items()]
    handles += axes.get_legend_handles_labels()[0]
    above(axes.figure, handles, columns)


def above(figure: Any, handles: list[Any], columns: int = 4) -> None:
    """Put the samples above the figure, in as many columns as its width holds."""
    for count in range(min(columns, len(handles)), 0, -1):
        legend = figure.legend(handles=handles, loc="outside upper left", ncols=count)
        if count == 1 or legend.get_window_extent().width <= figure.bbox.width:
            return
        legend.remove()


def direct(axes: Any, labels: Mapping[str, tuple[float, Any]], size: float = 7) -> None:
    """Name lines at their right ends, in their colours, moved apart where they would touch.
    A name may have several lines.

    Parameters
    ----------
    labels : mapping of text to (height in data, colour)
        Heights that are not finite are left out.
    """
    low, high = axes.get_ylim()
    log = axes.get_yscale() == "log"
    place = (
        (lambda y: np.log(y / low) / np.log(high / low))
        if log
        else (lambda y: (y - low) / (high - low))
    )
    shown = {text: (float(place(y)), c) for text, (y, c) in labels.items() if np.isfinite(y)}
    texts = sorted(shown, key=lambda text: shown[text][0])
    heights = np.clip([shown[text][0] for text in texts], 0, 1)
    tall = np.array([1 + text.count("\n") for text in texts])
    step = 1.25 * size / (72 * max(axes.figure.panel_height, 0.5)) * (tall[1:] + tall[:-1]) / 2
    for _ in range(100):  # push neighbours apart until none touches
        gaps = step - np.diff(heights)
        if not np.any(gaps > 1e-6):
            break
        for k in np.flatnonzero(gaps > 1e-6):
            heights[k] -= gaps[k] / 2
            heights[k + 1] += gaps[k] / 2
    for text, height in zip(texts, heights, strict=True):
        axes.annotate(
            text,
            (1, height),
            (3, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            va="center",
            color=shown[text][1],
            fontsize=size,
            annotation_clip=False,
        )


def thin(array: np.ndarray, count: int = 20) -> np.ndarray:
    """Return at most `count` evenly spaced indices, for markers."""
    return spaced(array, count)
