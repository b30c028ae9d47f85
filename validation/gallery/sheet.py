"""The page of a figure: panels with letters, strips of residuals, plain ticks.

Narrow columns get two panels a row, and a last one that is alone takes the whole width.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
from matplotlib import style

from ..figures.style import STYLE, HouseFigure, inches
from ..figures.ticks import plain_ticks

#: share of a panel's height that its strip of residuals takes
STRIP = 0.3
#: below this width a figure is narrow
NARROW = 4.5
#: height over width, at most, of a panel that is alone on a wide page
FLAT = 0.5
#: how far apart the markers of two ensembles stand in a strip, in units of their spacing
APART = 0.18


def sheet(
    draw: Callable[[Any], None],
    width: str | float,
    *,
    rows: int = 1,
    columns: int = 1,
    aspect: float = 0.75,
    narrow: int | None = None,
    strips: Collection[int] = (),
    sharex: bool = False,
    sharey: bool = False,
) -> HouseFigure:
    """Return a figure of panels that `draw` fills, in the house style.

    Parameters
    ----------
    draw : callable
        Takes the array of axes, one after the other.
    width : {"neurips", "icml", "two-column"} or float
        Below 4.5 inches the panels are put in `narrow` columns.
    aspect : float
        Height of a panel over its width.
    narrow : int, optional
        Columns of a narrow figure: by default one for two panels, two for more.
    strips : numbers of panels
        Those with a strip below, ``figure.strips[axes]``, for residuals in percent.
    sharex, sharey : bool
    """
    w, count = inches(width), rows * columns
    if w < NARROW:
        columns = min(columns, narrow or (1 if count <= 2 else 2))
        aspect = min(aspect, 0.62) if columns == 1 else max(aspect, 0.85)
        rows = -(-count // columns)
    elif count == 1:
        aspect = min(aspect, FLAT)
    height, strip = aspect * w / columns, STRIP * 0.6 * w / columns
    tall = rows * (height + 0.2) + len({k // columns for k in strips}) * strip + 0.25
    with style.context(STYLE):
        figure = HouseFigure(figsize=(w, tall))
        figure.panel_height = height - 0.5
        axes = _panels(figure, count, (rows, columns), strips, sharex, sharey)
        draw(axes)
        for letter, one in enumerate(axes if count > 1 else ()):
            _letter(one, "abcdefghijkl"[letter])
        for one in axes:
            plain_ticks(one)
            _break_label(one, figure.panel_height)
            if one in figure.strips:
                _finish_strip(one, figure.strips[one])
    return figure


def _panels(
    figure: Any,
    count: int,
    shape: tuple[int, int],
    strips: Collection[int],
    sharex: bool,
    sharey: bool,
) -> np.ndarray:
    """All on one grid, in which a row with strips takes two lines, so that panels are alike."""
    rows, columns = shape
    lines, first = _lines(rows, columns, strips)
    grid = figure.add_gridspec(len(lines), columns, height_ratios=lines)
    axes = np.empty(count, dtype=object)
    for k in range(count):
        row, column = divmod(k, columns)
        alone = k == count - 1 and column == 0 and columns > 1 and count > columns
        top, end, across = first[row], first[row + 1], slice(None) if alone else column
        shared = {
            name: axes[0] for name, on in (("sharex", sharex), ("sharey", sharey)) if on and k
        }
        if k in strips:
            axes[k] = figure.add_subplot(grid[top, across], **shared)
            figure.strips[axes[k]] = figure.add_subplot(grid[top + 1, across], sharex=axes[k])
        else:
            axes[k] = figure.add_subplot(grid[top:end, across], **shared)
    return axes


def _lines(rows: int, columns: int, strips: Collection[int]) -> tuple[list[float], list[int]]:
    """Heights of the lines of the grid, and in which line each row of panels begins."""
    with_strip = {k // columns for k in strips}
    lines: list[float] = []
    first = []
    for row in range(rows):
        first.append(len(lines))
        lines += [1.0, STRIP] if row in with_strip else [1.0]
    return lines, [*first, len(lines)]


def _letter(axes: Any, letter: str) -> None:
    """In the corner above the ticks, where no title reaches."""
    axes.annotate(
        letter,
        (0, 1),
        (-18, 5),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="right",
        va="bottom",
        fontsize=9,
        fontweight="bold",
        annotation_clip=False,
    )


def _break_label(axes: Any, height: float) -> None:
    """Put a label of the vertical axis that is longer than its panel into two lines."""
    label = axes.yaxis.label
    words = label.get_text()
    if label.get_window_extent().height <= height * axes.figure.dpi:
        return
    # a space of a formula is none between words
    spaces = [
        k for k, letter in enumerate(words) if letter == " " and words[:k].count("$") % 2 == 0
    ]
    if spaces and "\n" not in words:
        middle = min(spaces, key=lambda k: abs(k - len(words) / 2))
        label.set_text(words[:middle] + "\n" + words[middle + 1 :])


def _finish_strip(axes: Any, strip: Any) -> None:
    """The axis of a panel goes under its strip, which shows the gap of runs to theory."""
    from matplotlib.ticker import MaxNLocator

    _side_by_side(strip)
    strip.axhline(0, color="black", linewidth=0.6, zorder=0)
    strip.set_xlabel(axes.get_xlabel())
    axes.set_xlabel("")
    axes.tick_params(labelbottom=False)
    strip.set_ylabel("gap (%)")
    largest = max(map(abs, strip.get_ylim()))
    strip.set_ylim(-largest, largest)
    strip.yaxis.set_major_locator(MaxNLocator(2, symmetric=True))


def _side_by_side(strip: Any) -> None:
    """Move the markers of several ensembles apart, so that none hides another."""
    log = strip.get_xscale() == "log"
    drawn = list(strip.containers)
    for rank, (points, _, bars) in enumerate(drawn):
        x = points.get_xdata()
        share = APART * (rank - (len(drawn) - 1) / 2) / max(len(x) - 1, 1)
        move = (x[-1] / x[0]) ** share if log else share * (x[-1] - x[0])
        points.set_xdata(x * move if log else x + move)
        for bar in bars:
            segments = np.array(bar.get_segments())
            segments[..., 0] = segments[..., 0] * move if log else segments[..., 0] + move
            bar.set_segments(list(segments))
