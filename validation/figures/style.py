"""Figures in the house style: no global state, so safe in threads, servers and notebooks."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from matplotlib import style
from matplotlib.figure import Figure

from ...theory.core.errors import InvalidInput

STYLE = Path(__file__).parents[1] / "house.mplstyle"
#: column widths in inches
WIDTHS = {"neurips": 5.5, "icml": 3.25}


class HouseFigure(Figure):
    """A matplotlib Figure that is saved in the style in which it was drawn.

    ``provenance`` says what it was made from.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.provenance: dict[str, Any] = {}

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
        if width not in WIDTHS:
            raise InvalidInput("width", width, f"give inches or one of {', '.join(WIDTHS)}")
        return WIDTHS[width]
    if not 1 <= width <= 50:
        raise InvalidInput("width", width, "give inches between 1 and 50")
    return float(width)
