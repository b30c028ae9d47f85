"""Figures of a sweep: a heat map of two axes, or lines along one; cells without a value are marked.

A cell that diverged is hatched (a cross on a line's upper edge); one that failed, was refused or is
missing is grey.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import style
from matplotlib.colors import LogNorm, Normalize
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from ...theory.core.errors import InvalidInput, InvalidType
from .axis import TIMES
from .panel import LABELS
from .style import STYLE, HouseFigure, inches

_DIVERGED, _NOTHING = "#444444", "#d9d9d9"


def heatmap(
    sweep: Any,
    quantity: str = "risk",
    *,
    x: str | None = None,
    y: str | None = None,
    time: float | None = None,
    log: bool | None = None,
    width: str | float = "icml",
    height: float | None = None,
    best: bool = True,
    title: str | None = None,
) -> HouseFigure:
    """Draw a quantity of a sweep over two of its axes.

    Parameters
    ----------
    sweep : Sweep
        With two axes longer than one: of more, choose by ``sweep.sel`` or ``sweep.isel``.
    quantity : str
    x, y : str, optional
        The axes; by default the first is x.
    time : float, optional
        Default: the last time.
    log : bool, optional
        Logarithmic colours; by default where the values are positive and span a factor of ten.
    width, height : as of `overlay`
    best : bool
        Mark the lowest value with a star.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInput, InvalidType
        Not a sweep; not two axes; a quantity that it does not have.

    Examples
    --------
    >>> import limitlab as ll
    >>> problem = ll.LeastSquares(ll.isotropic(100), ll.Gaussian(0.5))
    >>> over = {"rate": [0.5, 1.0], "noise.scale": [0.5, 1.0]}
    >>> figure = ll.heatmap(ll.sweep(problem, ll.SGD(0.5), over, until=1, points=2))
    >>> figure.axes[0].get_xlabel()
    'rate'
    """
    names = _axes(sweep, (x, y))
    if len(names) != 2:
        remedy = "a heat map has two axes; choose among the others by sweep.sel(...)"
        raise InvalidInput("sweep", list(names), remedy)
    data = _flat(sweep, names)
    values = data.at(quantity, time).transpose(names[1], names[0])
    status = data["status"].transpose(names[1], names[0])
    across, up = (_Places(data[name].values) for name in names)
    w = inches(width)
    with style.context(STYLE):
        figure = HouseFigure(figsize=(w, height or 0.8 * w))
        axes = figure.subplots()
        shown = np.ma.masked_invalid(values.values)
        norm = _norm(shown, log)
        mesh = axes.pcolormesh(
            across.edges, up.edges, shown, norm=norm, cmap="viridis", rasterized=shown.size > 2500
        )
        kinds = _mark(axes, status.values, across, up)
        figure.colorbar(mesh, ax=axes, label=LABELS.get(quantity, quantity.replace("_", " ")))
        if best and shown.count():
            j, i = np.unravel_index(np.ma.argmin(shown), shown.shape)
            axes.plot(
                across.centres[i], up.centres[j], "*", color="white", mec="black", ms=9, mew=0.6
            )
            star = Line2D([], [], ls="", marker="*", color="white", mec="black", ms=8, mew=0.6)
            kinds = {"lowest": star, **kinds}
        across.name(axes.xaxis, axes.set_xscale, names[0])
        up.name(axes.yaxis, axes.set_yscale, names[1])
        _under(figure, kinds)
        if title:
            axes.set_title(title)
    figure.provenance = {"quantity": quantity, "time": _when(sweep, time), "axes": list(names)}
    return figure


def lines(
    sweep: Any,
    quantity: str = "risk",
    *,
    x: str | None = None,
    by: str | None = None,
    time: float | None = None,
    log: bool | None = None,
    width: str | float = "icml",
    height: float | None = None,
    title: str | None = None,
) -> HouseFigure:
    """Draw a quantity of a sweep along one axis, or along time, with a line for each value of
    another.

    Parameters
    ----------
    sweep : Sweep
        With one axis, or two, longer than one.
    quantity : str
        Beside it the band of one run where there is one, and the means of runs with two standard
        errors.
    x : str, optional
        The axis, or "time"; by default the longest axis.
    by : str, optional
        The axis of the lines; by default the other one.
    time : float, optional
        Where x is not time; default: the last.
    log, width, height, title : as of `heatmap`

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInput, InvalidType
        As of `heatmap`.

    Examples
    --------
    >>> import limitlab as ll
    >>> problem = ll.LeastSquares(ll.isotropic(100), ll.NoNoise())
    >>> plane = ll.sweep(problem, ll.SGD(0.5), {"rate": [0.5, 1.0]}, until=1, points=2)
    >>> ll.lines(plane, x="rate").axes[0].get_xlabel()
    'rate'
    """
    named = () if x == "time" else (x,)
    names = _axes(sweep, (*named, by))
    along = x or max(names, key=lambda name: sweep.sizes[name])
    others = [name for name in names if name != along]
    if len(others) > 1:
        remedy = "one axis is drawn by lines; choose among the others by sweep.sel(...)"
        raise InvalidInput("sweep", others, remedy)
    data = _flat(sweep, names)
    w = inches(width)
    with style.context(STYLE):
        figure = HouseFigure(figsize=(w, height or 0.75 * w))
        axes = figure.subplots()
        members = [None] if not others else list(data[others[0]].values)
        for k, member in enumerate(members):
            chosen = data if member is None else data.isel({others[0]: k})
            name = None if member is None else f"{others[0]} = {_word(member)}"
            _line(axes, chosen, quantity, along, time, name, k, len(members))
        _scales(axes, data, along, log)
        axes.set_ylabel(LABELS.get(quantity, quantity.replace("_", " ")))
        if others:
            axes.legend(fontsize="small", ncols=1 if len(members) < 5 else 2)
        if title:
            axes.set_title(title)
    figure.provenance = {"quantity": quantity, "time": _when(sweep, time), "axes": list(names)}
    return figure


def _line(
    axes: Any, data: Any, quantity: str, along: str, time: Any, name: Any, k: int, count: int
) -> None:
    """One line with its band, the means of runs, and crosses where it diverged."""
    from matplotlib import colormaps

    colour = f"C{k}" if count <= 7 else colormaps["viridis"](k / (count - 1) * 0.95)
    if along == "time":
        read = lambda what: data[what]  # noqa: E731
        places = data["time"].values
    else:
        read = lambda what: data.at(what, time)  # noqa: E731
        places = _Places(data[along].values).centres
    values = np.ravel(read(quantity).values)
    states = np.unique(data["status"].values)
    if name is not None and states.size == 1 and states[0] != "ok":
        name = f"{name} ({states[0]})"
    axes.plot(places, values, color=colour, label=name)
    if quantity + "_spread" in data:
        spread = np.ravel(read(quantity + "_spread").values)
        axes.fill_between(places, values - spread, values + spread, color=colour, alpha=0.2, lw=0)
    if quantity + "_runs" in data:
        mean = np.ravel(read(quantity + "_runs").values)
        runs = data.provenance.get("runs") or 1
        spread_name = quantity + "_runs_spread"
        error = np.ravel(read(spread_name).values) if spread_name in data else 0 * mean
        few = slice(None, None, max(1, mean.size // 12)) if along == "time" else slice(None)
        axes.errorbar(
            places[few], mean[few], 2 * error[few] / runs**0.5, fmt="o", color=colour, mfc="white"
        )
    if along != "time":
        lost = np.ravel(data["status"].values) == "diverged"
        above = axes.get_xaxis_transform()
        axes.plot(places[lost], np.full(lost.sum(), 0.97), "x", color=colour, transform=above)


def _scales(axes: Any, data: Any, along: str, log: bool | None) -> None:
    low = np.concatenate([np.ravel(line.get_ydata()) for line in axes.lines] or [np.ones(1)])
    low = low[np.isfinite(low)]
    if log or (log is None and low.size and low.min() > 0 and low.max() > 10 * low.min()):
        axes.set_yscale("log")
    if along == "time":
        axes.set_xlabel(TIMES[None])
    else:
        _Places(data[along].values).name(axes.xaxis, axes.set_xscale, along)


class _Places:
    """Where the values of an axis stand: numbers at themselves, names one beside the other."""

    def __init__(self, values: np.ndarray) -> None:
        self.words = [] if values.dtype.kind in "fiu" else [str(v) for v in values]
        at = np.arange(len(values), dtype=float) if self.words else values.astype(float)
        self.log = bool(
            at.size > 2
            and not self.words
            and at.min() > 0
            and at.max() >= 8 * at.min()
            and np.ptp(np.diff(np.log(at))) < np.ptp(np.diff(at)) / at.max()
        )
        self.centres = at
        scaled = np.log(at) if self.log else at
        between = 0.5 * (scaled[1:] + scaled[:-1])
        half = 0.5 if at.size == 1 else 0.0
        ends = (
            [scaled[0] - half, scaled[0] + half]
            if at.size == 1
            else [1.5 * scaled[0] - 0.5 * scaled[1], 1.5 * scaled[-1] - 0.5 * scaled[-2]]
        )
        edges = np.concatenate([[ends[0]], between, [ends[1]]])
        self.edges = np.exp(edges) if self.log else edges

    def name(self, axis: Any, set_scale: Any, name: str) -> None:
        """Scale, ticks and label of an axis."""
        if self.log:
            set_scale("log")
        if self.words:
            axis.set_ticks(self.centres, self.words)
        axis.set_label_text(name.replace("_", " "))


def _mark(axes: Any, status: np.ndarray, across: _Places, up: _Places) -> dict[str, Any]:
    """Cover the cells that have no value; return what the covers mean."""
    found: dict[str, Any] = {}
    for j, i in zip(*np.nonzero(status != "ok"), strict=True):
        lost = status[j, i] == "diverged"
        left, low = across.edges[i], up.edges[j]
        size = across.edges[i + 1] - left, up.edges[j + 1] - low
        look: dict[str, Any] = {"facecolor": "white", "edgecolor": _DIVERGED, "hatch": "////"}
        if not lost:
            look = {"facecolor": _NOTHING, "edgecolor": "none"}
        axes.add_patch(Rectangle((left, low), *size, lw=0, **look))
        name = str(status[j, i])
        found.setdefault(name, Patch(lw=0.4, **look))
    return found


def _under(figure: Any, kinds: dict[str, Any]) -> None:
    if kinds:
        figure.legend(
            list(kinds.values()), list(kinds), loc="outside lower center", ncols=len(kinds)
        )


def _norm(values: Any, log: bool | None) -> Normalize:
    if not values.count():
        return Normalize(0, 1)
    low, high = float(values.min()), float(values.max())
    if log or (log is None and low > 0 and high > 10 * low):
        return LogNorm(low, high)
    return Normalize(low, high)


def _axes(sweep: Any, wanted: Sequence[str | None]) -> tuple[str, ...]:
    """The axes to draw: those that are wanted, then the others that are longer than one."""
    if not hasattr(sweep, "axes") or not hasattr(sweep, "at"):
        raise InvalidType("sweep", sweep, "give what limitlab.sweep returns")
    for name in wanted:
        if name is not None and name not in sweep.axes:
            raise InvalidInput("axis", name, f"give one of {', '.join(sweep.axes)}")
    named = [name for name in wanted if name is not None]
    rest = [n for n in sweep.axes if n not in named and sweep.sizes[n] > 1]
    if len(named) + len(rest) < 2:  # an axis of one value is better than none
        rest += [n for n in sweep.axes if n not in (*named, *rest)]
    if wanted and wanted[0] is None and len(wanted) > 1 and wanted[1] is not None:
        return (*rest, *named)
    return (*named, *rest)


def _flat(sweep: Any, names: Sequence[str]) -> Any:
    """The sweep without axes of one value that are not drawn; numbers in their order."""
    chosen = sweep.isel({name: 0 for name in sweep.axes if name not in names})
    numbers = [name for name in names if name in chosen.indexes and chosen[name].dtype.kind == "f"]
    return chosen.sortby(numbers)


def _when(sweep: Any, time: float | None) -> float:
    return float(sweep["time"].values[-1]) if time is None else float(time)


def _word(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)
