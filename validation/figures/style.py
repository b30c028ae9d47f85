"""Figures in the house style: no global state, so safe in threads, servers and notebooks."""

from __future__ import annotations

import io
from numbers import Real
from pathlib import Path
from typing import Any

from matplotlib import style
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.figure import Figure

from ...theory.core.errors import InvalidInput, InvalidType

#: the user's own rcParams are set back to matplotlib's first: none reaches a figure of the house
STYLE = ("default", str(Path(__file__).parents[1] / "house.mplstyle"))
#: column widths in inches
WIDTHS = {"neurips": 5.5, "icml": 3.25}


class _HouseCanvas(FigureCanvasBase):
    """What notebooks and back ends print a figure through."""

    def print_figure(self, *args: Any, **kwargs: Any) -> Any:
        with style.context(STYLE):
            return super().print_figure(*args, **kwargs)


class HouseFigure(Figure):
    """A matplotlib Figure that is shown and saved in the style in which it was made.

    ``provenance`` says what it was made from.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.provenance: dict[str, Any] = {}
        _HouseCanvas(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[misc]
        _HouseCanvas(self)

    def draw(self, renderer: Any) -> None:
        """Draw; ticks and labels that are made only now are of the house style too."""
        with style.context(STYLE):
            super().draw(renderer)

    def savefig(self, *args: Any, **kwargs: Any) -> None:
        """Save as pdf, svg or png by the file's ending; as ``Figure.savefig``."""
        with style.context(STYLE):
            super().savefig(*args, **kwargs)

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=self.dpi)
        return buffer.getvalue()


def inches(width: str | float) -> float:
    """Width in inches of a named column or of a number."""
    if isinstance(width, str):
        if width in WIDTHS:
            return WIDTHS[width]
        try:
            width = float(width)
        except ValueError:
            known = ", ".join(WIDTHS)
            raise InvalidInput("width", width, f"give inches or one of {known}") from None
    if isinstance(width, bool) or not isinstance(width, Real):
        raise InvalidType("width", width, "give inches, or the name of a column")
    if not 1 <= width <= 50:
        raise InvalidInput("width", width, "give inches between 1 and 50")
    return float(width)
