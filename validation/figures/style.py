"""Figures in the house style: no global state, so safe in threads, servers and notebooks.

Files are reproducible: no dates in them, and the same marks in every svg.
"""

from __future__ import annotations

import io
from numbers import Real
from pathlib import Path
from typing import Any

from matplotlib import rc_params_from_file, rcParams, rcParamsDefault, style
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.figure import Figure

from ...theory.core.errors import InvalidInput, InvalidType

#: the user's own rcParams are set back to matplotlib's first: none reaches a figure of the house
STYLE: tuple[Any, ...] = ("default", str(Path(__file__).parents[1] / "house.mplstyle"))
#: column widths in inches
WIDTHS = {"neurips": 5.5, "icml": 3.25, "two-column": 6.75}
#: fields of metadata that hold a date, by format
_DATES = {"pdf": "CreationDate", "svg": "Date", "ps": "CreationDate", "eps": "CreationDate"}
_SIZES = (
    "axes.labelsize",
    "axes.titlesize",
    "xtick.labelsize",
    "ytick.labelsize",
    "legend.fontsize",
)


def style_of_user() -> tuple[Any, ...]:
    """Return the house style with the fonts and sizes that a user has set.

    Of the user's rcParams the fonts of text and formulas pass, and the sizes of text; where only
    ``font.size`` is set, the house's other sizes keep their ratio to it.
    """
    mine: dict[Any, Any] = dict(rcParams)
    plain: dict[Any, Any] = dict(rcParamsDefault)
    keys = [key for key in plain if key.startswith(("font.", "mathtext.")) or key in _SIZES]
    own = {key: mine[key] for key in keys if mine[key] != plain[key]}
    if "font.size" in own:
        house: dict[Any, Any] = dict(rc_params_from_file(STYLE[1], use_default_template=False))
        scale = own["font.size"] / house["font.size"]
        own = {key: scale * house[key] for key in _SIZES} | own
    return (*STYLE, own) if own else STYLE


class _HouseCanvas(FigureCanvasBase):
    """What notebooks and back ends print a figure through."""

    def print_figure(self, filename: Any, *args: Any, **kwargs: Any) -> Any:
        kind = str(kwargs.get("format") or Path(str(filename)).suffix[1:]).lower()
        if kind in _DATES:
            kwargs["metadata"] = {_DATES[kind]: None} | dict(kwargs.get("metadata") or {})
        with style.context(self.figure.style):  # type: ignore[attr-defined]
            return super().print_figure(filename, *args, **kwargs)


class HouseFigure(Figure):
    """A matplotlib Figure that is shown and saved in the style in which it was made.

    ``provenance`` says what it was made from; ``strips`` are the panels of residuals by panel,
    ``panel_height`` is about how high a panel is, in inches.
    """

    def __init__(self, *args: Any, style: tuple[Any, ...] = STYLE, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.provenance: dict[str, Any] = {}
        self.strips: dict[Any, Any] = {}
        self.panel_height = 1.0
        self.style = style
        _HouseCanvas(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[misc]
        _HouseCanvas(self)

    def draw(self, renderer: Any) -> None:
        """Draw; ticks and labels that are made only now are of the house style too."""
        with style.context(self.style):
            super().draw(renderer)

    def savefig(self, *args: Any, **kwargs: Any) -> None:
        """Save as pdf, svg or png by the file's ending; as ``Figure.savefig``."""
        with style.context(self.style):
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
