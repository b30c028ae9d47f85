"""Theory and runs on one figure: the theory line in front, the runs' mean, errors and band.

One colour a method, one line style a kind of curve, and below the relative residuals of the
means with two standard errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rcParams, rcParamsDefault, style
from matplotlib.colors import is_color_like
from matplotlib.lines import Line2D

from ...theory.core.checks import number
from ...theory.core.errors import InvalidInput, InvalidType
from ..agreement.compare import main_quantity
from . import axis
from .groups import Groups, by_method, pairs_of, split
from .legend import entries
from .panel import Look, draw_group, edges, finish, line_styles, logarithmic
from .registry import colours
from .residuals import draw_residuals
from .style import HouseFigure, inches, style_of_user

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ...solvers.core.curve import Curve


def overlay(
    *curves: Curve,
    quantity: str | None = None,
    width: str | float | None = None,
    height: float | None = None,
    band: float = 0.9,
    residuals: bool = True,
    log: bool | None = None,
    labels: Sequence[str] | None = None,
    title: str | None = None,
    ax: Any = None,
    colors: Mapping[str, Any] | Sequence[Any] | None = None,
    linestyles: Mapping[str, Any] | Sequence[Any] | None = None,
    x: str = "time",
    scale: str | None = None,
) -> Figure:
    """Draw theory and runs of one or several methods over each other.

    Parameters
    ----------
    *curves : Curve
        From ``solve``, ``simulate`` or ``Curve.from_runs``. Curves of one method share a colour;
        the method is the curve's ``provenance["method"]``, else its label.
    quantity : str, optional
        Default: "risk", or "loss" where the first curve has no risk.
    width : {"neurips", "icml", "two-column"} or float, optional
        5.5, 3.25 or 6.75 inches, or a number of inches. Default: 5.5, or what ``figure.figsize``
        of the user's rcParams says.
    height : float, optional
        Inches; the default grows with the legend.
    band : float
        Share of single runs inside the shaded band: 0.9 is the 5 to 95 % band.
    residuals : bool
        Add the panel of (mean − theory)/theory with two standard errors.
    log : bool, optional
        Logarithmic vertical axis; by default where all values are positive.
    labels : sequence of str, optional
        Name of the method of each curve; curves with equal labels share a colour.
    title : str, optional
    ax : matplotlib Axes, or two of them, optional
        Draw there, in the style that is in force there; the second one takes the residuals.
    colors, linestyles : mapping of name to value, or sequence with one for each method
        In place of those of the house, which None keeps; a line style is that of the method's
        first theory.
    x : {"time", "steps", "samples"}
        What the horizontal axis counts.
    scale : {"linear", "semilogx", "semilogy", "loglog"}, optional
        Scales of both axes; markers are spaced evenly on either.

    Returns
    -------
    matplotlib.figure.Figure
        ``savefig`` takes pdf, svg and png; nothing global is touched. Fonts and their sizes are
        those of the user's rcParams where these are set.

    Raises
    ------
    InvalidInput
        No curves, an unknown choice, a colour for a method that is not there or one that is none,
        axes that do not belong together, a curve that does not know its steps or samples.

    Examples
    --------
    >>> import limitlab as ll
    >>> curve = ll.Curve([0.0, 1.0], {"risk": [1.0, 0.5]}, label="mine")
    >>> figure = ll.overlay(curve, width="icml", residuals=False)
    >>> round(float(figure.get_size_inches()[0]), 2)
    3.25
    """
    _check(curves, band, x, labels)
    log_x, log_y = axis.scales(scale, log)
    quantity = quantity or main_quantity(curves[0])
    groups = by_method(curves, labels)
    look = Look(
        colours=colours(groups, _by_name("colors", colors, groups, _colour)),
        band=band,
        quantity=quantity,
        x=x,
        log_x=log_x,
        lines=_by_name("linestyles", linestyles, groups, _line_style),
    )
    if ax is not None:
        if width is not None or height is not None:
            raise InvalidInput("width", width, "the size is that of ax= already; leave it out")
        upper, lower = _given(ax)
        _fill(upper, lower, curves, groups, look, log_y, residuals, title)
        upper.legend(handles=_legend(groups, look))
        found: Figure = upper.figure
        return found
    drawn = bool(residuals and pairs_of(groups, quantity))
    used, size = style_of_user(), _size(width, height, drawn, len(groups))
    with style.context(used):
        figure = HouseFigure(figsize=size, style=used)
        upper, lower = _panels(figure, drawn)
        _fill(upper, lower, curves, groups, look, log_y, residuals, title)
        wide = 2 if figure.get_figwidth() < 4.5 else 3
        figure.legend(handles=_legend(groups, look), loc="outside upper left", ncols=wide)
    return figure


def _check(curves: Sequence[Curve], band: float, x: str, labels: Any) -> None:
    if not curves:
        raise InvalidInput("curves", curves, "give at least one curve")
    for curve in curves:
        if not hasattr(curve, "provenance"):
            raise InvalidType("curves", curve, "give curves of solve, simulate or Curve.from_runs")
    if not 0 < number("band", band) < 1:
        raise InvalidInput("band", band, "give the share of runs inside, between 0 and 1")
    if x not in axis.AXES:
        raise InvalidInput("x", x, f"use one of {', '.join(axis.AXES)}")
    several = isinstance(labels, list | tuple | np.ndarray)
    if labels is not None and not (several and all(isinstance(one, str) for one in labels)):
        raise InvalidType("labels", labels, "give a sequence of names, one for each curve")


def _by_name(field: str, given: Any, groups: Groups, read: Callable[[Any], bool]) -> dict[str, Any]:
    """Values of a mapping by method, or of a sequence with one for each; None is the house's."""
    if given is None:
        return {}
    known = ", ".join(groups)
    if isinstance(given, Mapping):
        for name in given:
            if name not in groups:
                raise InvalidInput(field, name, f"no such method; there are {known}")
        named = dict(given)
    elif isinstance(given, list | tuple | np.ndarray):
        if len(given) != len(groups):
            raise InvalidInput(field, given, f"give one for each of {known}")
        named = dict(zip(groups, given, strict=True))
    else:
        raise InvalidType(field, given, "give a mapping by method, or one for each method")
    named = {name: value for name, value in named.items() if value is not None}
    for name, value in named.items():
        if not read(value):
            raise InvalidInput(field, value, f"matplotlib knows none such, for {name}")
    return named


def _colour(value: Any) -> bool:
    return bool(is_color_like(value))


def _line_style(value: Any) -> bool:
    """Whether matplotlib takes it: a name, or an offset with an even number of dashes."""
    try:
        Line2D([], [], linestyle=value)
    except (ValueError, TypeError):
        return False
    return isinstance(value, str) or len(value[1] or ()) % 2 == 0


def _given(ax: Any) -> tuple[Any, Any]:
    """The axes of a user: one, or one with another for the residuals."""
    pair = list(ax) if isinstance(ax, list | tuple) or hasattr(ax, "__len__") else [ax]
    flat = all(getattr(one, "name", None) == "rectilinear" for one in pair)
    if len(pair) not in (1, 2) or not flat:
        raise InvalidType("ax", ax, "give matplotlib Axes, or two of them")
    if len(pair) == 2 and (pair[0] is pair[1] or pair[0].figure is not pair[1].figure):
        raise InvalidInput("ax", ax, "give two different Axes of one figure")
    return pair[0], pair[1] if len(pair) == 2 else None


def _size(
    width: str | float | None, height: float | None, residuals: bool, methods: int
) -> tuple[float, float]:
    if height is not None and not 1 <= number("height", height) <= 50:
        raise InvalidInput("height", height, "give inches between 1 and 50")
    own = tuple(rcParams["figure.figsize"])
    if width is None and own != tuple(rcParamsDefault["figure.figsize"]):
        return float(own[0]), height or float(own[1])
    w = inches("neurips" if width is None else width)
    tall = 0.6 * min(w, 5.5) + (0.55 + 0.08 * w if residuals else 0.0) + 0.08 * methods
    return w, height or tall


def _panels(figure: Any, residuals: bool) -> tuple[Any, Any]:
    if not residuals:
        return figure.add_subplot(), None
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1.15])
    return upper, lower


def _fill(
    upper: Any,
    lower: Any,
    curves: Sequence[Curve],
    groups: Groups,
    look: Look,
    log_y: bool | None,
    residuals: bool,
    title: str | None,
) -> None:
    """Draw everything but the legend."""
    log_y = logarithmic(curves, look.quantity) if log_y is None else log_y
    look.lines = line_styles(groups, look, log_y) | look.lines
    for name, group in groups.items():
        draw_group(upper, name, group, look)
    finish(upper, curves, look, log_y)
    if lower is not None and residuals:
        draw_residuals(lower, pairs_of(groups, look.quantity), look)
        if look.log_x:
            lower.set_xscale("log")
    (lower if lower is not None else upper).set_xlabel(axis.label(curves[0], look.x))
    if title:
        upper.set_title(title, loc="left")


def _legend(groups: Groups, look: Look) -> list[Any]:
    parts = {name: split(group) for name, group in groups.items()}
    shaded = any(
        edges(one, look.quantity, look.band) for _, ensembles in parts.values() for one in ensembles
    )
    return entries(parts, look.colours, look.band if shaded else None)
