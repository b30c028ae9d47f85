"""The numbers that a figure shows, as a table: what is needed to draw it again elsewhere."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import numpy as np

COLUMNS = ("panel", "kind", "label", "x", "y")


def table(figure: Any) -> str:
    """Return csv text with a row a point: the panel from 1, line or area, its label, x and y.

    Areas, such as bands and bars of error, are given by their corners. Points that are not finite
    are left out.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for panel, axes in enumerate(figure.axes, start=1):
        for kind, label, points in _shapes(axes):
            writer.writerows([panel, kind, label, *map(repr, map(float, xy))] for xy in points)
    return buffer.getvalue()


def _shapes(axes: Any) -> Iterator[tuple[str, str, np.ndarray]]:
    for line in axes.get_lines():
        yield "line", _label(line), _finite(line.get_xydata())
    for collection in axes.collections:
        for path in collection.get_paths():
            yield "area", _label(collection), _finite(path.vertices)


def _label(artist: Any) -> str:
    """The label of the legend; those that matplotlib makes up begin with an underscore."""
    label = str(artist.get_label())
    return "" if label.startswith("_") else label


def _finite(points: Any) -> np.ndarray:
    values = np.asarray(np.ma.filled(points, np.nan), dtype=float).reshape(-1, 2)
    return values[np.isfinite(values).all(axis=1)]
