"""Theory and runs on one figure: the theory line in front, the runs' mean, errors and band.

One colour a method, one line style a kind of curve, and below the relative residuals of the
means with two standard errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import style
from matplotlib.ticker import FormatStrFormatter, LogLocator, MaxNLocator, NullFormatter

from ...theory.core.errors import InvalidInput, InvalidType
from ..agreement.compare import announced_error, common_times, interpolate, main_quantity
from .legend import ANNOUNCED, COLOURS, LINES, MARKERS, entries
from .style import STYLE, HouseFigure, inches

if TYPE_CHECKING:
    from ...solvers.core.curve import Curve

LABELS = {"risk": "excess risk $R$", "loss": "population loss"}
#: axis of time: of streams, and of finite data
TIMES = {None: "time $t$ = steps$/d$", "steps": "step", "flow": "flow time"}


def overlay(
    *curves: Curve,
    quantity: str | None = None,
    width: str | float = "neurips",
    height: float | None = None,
    band: float = 0.9,
    residuals: bool = True,
    log: bool | None = None,
    labels: Sequence[str] | None = None,
    title: str | None = None,
) -> HouseFigure:
    """Draw theory and runs of one or several methods over each other.

    Parameters
    ----------
    *curves : Curve
        From ``solve``, ``simulate`` or ``Curve.from_runs``. Curves of one method share a colour;
        the method is the curve's ``provenance["method"]``, else its label.
    quantity : str, optional
        Default: "risk", or "loss" where the first curve has no risk.
    width : {"neurips", "icml"} or float
        5.5 or 3.25 inches, or a number of inches.
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

    Returns
    -------
    matplotlib.figure.Figure
        ``savefig`` takes pdf, svg and png; nothing global is touched.
    """
    if not curves:
        raise InvalidInput("curves", curves, "give at least one curve")
    for curve in curves:
        if not hasattr(curve, "provenance"):
            raise InvalidType("curves", curve, "give curves of solve, simulate or Curve.from_runs")
    if not 0 < band < 1:
        raise InvalidInput("band", band, "give the share of runs inside, between 0 and 1")
    quantity = quantity or main_quantity(curves[0])
    groups = _groups(curves, labels)
    pairs = _pairs(groups, quantity) if residuals else []
    w = inches(width)
    with style.context(STYLE):
        figure = HouseFigure(figsize=(w, height or _height(w, bool(pairs), len(groups))))
        upper, lower = _panels(figure, bool(pairs))
        for index, group in enumerate(groups.values()):
            _draw_group(upper, group, quantity, f"C{index % COLOURS}", band)
        _finish(upper, curves, quantity, log)
        if lower is not None:
            _draw_residuals(lower, pairs, quantity)
        (lower or upper).set_xlabel(_time_label(curves[0]))
        figure.legend(
            handles=_legend(groups, quantity, band), loc="outside upper left", ncols=_columns(w)
        )
        if title:
            upper.set_title(title, loc="left")
    return figure


Groups = dict[str, list[Any]]
Pairs = list[tuple[int, int, Any, Any]]


def _groups(curves: Sequence[Curve], labels: Sequence[str] | None) -> Groups:
    """Curves by method, in the order given."""
    if labels is not None and len(labels) != len(curves):
        raise InvalidInput("labels", labels, f"give one label for each of the {len(curves)} curves")
    if labels is not None:
        groups: Groups = {}
        for name, curve in zip(labels, curves, strict=True):
            groups.setdefault(name, []).append(curve)
        return groups
    keyed: Groups = {}
    for curve in curves:
        keyed.setdefault(str(curve.provenance.get("method") or curve.label), []).append(curve)
    return _adopt(_named(keyed))


def _named(keyed: Groups) -> Groups:
    """Groups under their short names, or in full where two methods share a short name."""
    short = [method_name(group[0]) for group in keyed.values()]
    return {
        name if short.count(name) == 1 else key: group
        for name, (key, group) in zip(short, keyed.items(), strict=True)
    }


def method_name(curve: Curve) -> str:
    """Name of a curve's method for the legend: its label up to the first comma."""
    return curve.label.split(",")[0] or "runs"


def _adopt(groups: Groups) -> Groups:
    """A user's own runs beside a single method belong to it."""
    foreign = [n for n, g in groups.items() if g[0].provenance.get("source") == "from_runs"]
    own = [n for n in groups if n not in foreign]
    if len(own) != 1 or len(foreign) != 1:
        return groups
    return {own[0]: groups[own[0]] + groups[foreign[0]]}


def _split(group: list[Any]) -> tuple[list[Any], list[Any]]:
    theories = [curve for curve in group if curve.kind == "theory"]
    return theories, [curve for curve in group if curve.kind != "theory"]


def _pairs(groups: Groups, quantity: str) -> Pairs:
    """(colour, marker, theory, runs) of every ensemble that has a theory to be held against."""
    pairs: Pairs = []
    for colour, group in enumerate(groups.values()):
        theories, ensembles = _split(group)
        for marker, runs in enumerate(ensembles):
            if theories and runs.runs > 1 and quantity in runs.samples:
                pairs.append((colour, marker, theories[0], runs))
    return pairs


def _height(width: float, residuals: bool, methods: int) -> float:
    return 0.6 * min(width, 5.5) + (0.55 + 0.08 * width if residuals else 0.0) + 0.08 * methods


def _columns(width: float) -> int:
    return 2 if width < 4.5 else 3


def _panels(figure: Any, residuals: bool) -> tuple[Any, Any]:
    if not residuals:
        return figure.add_subplot(), None
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1.15])
    return upper, lower


def _draw_group(axes: Any, group: list[Any], quantity: str, colour: str, band: float) -> None:
    theories, ensembles = _split(group)
    for marker, runs in enumerate(ensembles):
        _draw_runs(axes, runs, quantity, colour, MARKERS[marker % len(MARKERS)], band)
    for rank, theory in enumerate(theories):
        line = LINES[rank % len(LINES)]
        axes.plot(theory.time, theory[quantity], color=colour, ls=line, zorder=5)
        edges = _edges(theory, quantity, band)
        for edge in edges or ():
            axes.plot(theory.time, edge, color=colour, ls=line, lw=0.6, zorder=4)


def _draw_runs(
    axes: Any, runs: Curve, quantity: str, colour: str, marker: str, band: float
) -> None:
    """Band of single runs behind, then some of the means with two standard errors."""
    edges = _edges(runs, quantity, band)
    if edges:
        axes.fill_between(runs.time, *edges, color=colour, alpha=0.18, lw=0, zorder=1)
    some = _thinned(runs.time.size, 16)
    errors = 2 * runs.sem(quantity)[some] if quantity in runs.samples and runs.runs > 1 else None
    axes.errorbar(
        runs.time[some],
        runs[quantity][some],
        errors,
        fmt=marker,
        color=colour,
        mfc="white",
        mew=0.8,
        elinewidth=0.8,
        capsize=1.5,
        zorder=3,
    )


def _edges(curve: Curve, quantity: str, band: float) -> tuple[np.ndarray, np.ndarray] | None:
    """Lower and upper edge of the band of single runs; None where there is no spread."""
    tail = (1 - band) / 2
    if quantity in curve.samples and curve.runs > 1:
        return curve.quantile(quantity, tail), curve.quantile(quantity, 1 - tail)
    if quantity in curve.spread:
        from scipy.stats import norm

        reach = float(norm.isf(tail)) * curve.std(quantity)
        return curve[quantity] - reach, curve[quantity] + reach
    return None


def _thinned(size: int, most: int) -> np.ndarray:
    return np.unique(np.linspace(0, size - 1, min(size, most)).round().astype(int))


def _time_label(curve: Curve) -> str:
    unit = curve.provenance.get("time")
    return TIMES.get(unit, str(unit))


def _finish(axes: Any, curves: Sequence[Curve], quantity: str, log: bool | None) -> None:
    # a run that diverged has no mean from there on
    means = (curve[quantity][np.isfinite(curve[quantity])] for curve in curves)
    positive = all(np.all(mean > 0) for mean in means)
    on_stream = curves[0].provenance.get("time") is None
    axes.set_ylabel(LABELS.get(quantity, quantity) if on_stream else quantity.replace("_", " "))
    if positive if log is None else log:
        axes.set_yscale("log")
        _clip_to_means(axes, curves, quantity)
        low, high = axes.get_ylim()
        if high / low < 100:
            axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
            axes.yaxis.set_minor_formatter(NullFormatter())
    axes.margins(x=0.01)


def _clip_to_means(axes: Any, curves: Sequence[Curve], quantity: str) -> None:
    """Keep a lower band edge that touches zero from stretching a logarithmic axis."""
    means = np.concatenate([curve[quantity][curve[quantity] > 0] for curve in curves])
    if means.size and axes.get_ylim()[0] < means.min() / 10:
        axes.set_ylim(bottom=means.min() / 10)


def _draw_residuals(axes: Any, pairs: Pairs, quantity: str) -> None:
    """(mean − theory)/theory in percent with two standard errors, and the announced error."""
    axes.axhline(0, color="black", lw=0.6, zorder=0)
    width = max(runs.time[-1] for *_, runs in pairs) / 16
    for rank, (colour, marker, theory, runs) in enumerate(pairs):
        keep = np.flatnonzero(common_times(theory, runs))
        keep = keep[_thinned(keep.size, 16)]
        line = interpolate(theory.time, theory[quantity], runs.time[keep])
        middle, error = runs[quantity][keep] / line - 1, 2 * runs.sem(quantity)[keep] / np.abs(line)
        # neighbouring methods stand side by side, not on top of each other
        shift = (rank - (len(pairs) - 1) / 2) * 0.16 * width
        axes.errorbar(
            runs.time[keep] + shift,
            100 * middle,
            100 * error,
            fmt=MARKERS[marker % len(MARKERS)],
            color=f"C{colour % COLOURS}",
            ms=2.2,
            mfc="white",
            mew=0.7,
            elinewidth=0.8,
            capsize=0,
        )
        announced = announced_error(theory, quantity)
        if announced is not None:
            for side in (100, -100):
                axes.plot(
                    theory.time,
                    side * np.asarray(announced),
                    color=f"C{colour % COLOURS}",
                    ls=ANNOUNCED,
                    lw=0.7,
                    zorder=0,
                    scaley=False,
                )
    axes.set_ylabel("residual (%)")
    axes.yaxis.set_major_locator(MaxNLocator(4, symmetric=True))


def _legend(groups: Groups, quantity: str, band: float) -> list[Any]:
    split = [_split(group) for group in groups.values()]
    shaded = any(_edges(e, quantity, band) for _, ensembles in split for e in ensembles)
    return entries(list(groups), split, band if shaded else None)
