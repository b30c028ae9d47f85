"""The figure of an experiment: one overlay, or for real data one column a feature map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib import style
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ...theory.core.percent import percent
from ..agreement.compare import interpolate
from ..figures.overlay import overlay
from ..figures.registry import colours
from ..figures.style import STYLE, HouseFigure, inches
from ..figures.ticks import plain_ticks
from .carry_out import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ...solvers.core.curve import Curve


def draw(results: list[Result], width: str | float = "neurips") -> Figure:
    """Return the figure of the results of one experiment.

    Without real rows it is the overlay of every theory with its runs. With real rows every case
    has a column: risk above (line = theory, band = one run on Gaussian inputs, dots = mean on the
    real rows) and the gap to the theory below.
    """
    if all(each.on_rows is None for each in results):
        curves = [curve for each in results for curve in (each.theory, each.runs)]
        unit = curves[0].provenance.get("time")
        others = [curve for each in results for curve in each.others.values()]
        # another clock, such as flow time beside steps, has no place on this axis
        others = [curve for curve in others if curve.provenance.get("time") == unit]
        return overlay(*curves, *others, width=width)
    return _columns(results, width)


def _columns(results: list[Result], width: str | float) -> Figure:
    cases = list(dict.fromkeys(each.case for each in results))
    w = inches(width)
    with style.context(STYLE):
        figure = HouseFigure(figsize=(w, 0.85 * w))
        grid = figure.subplots(
            2, len(cases), squeeze=False, sharex=True, gridspec_kw={"height_ratios": (2, 1)}
        )
        for column, case in zip(grid.T, cases, strict=True):
            mine = [each for each in results if each.case is case]
            shades = colours(each.method.label for each in mine)
            for each in mine:
                _one(column, each, shades[each.method.label])
            _finish(column, case.label)
        grid[0, 0].set_ylabel("excess risk $R$")
        grid[1, 0].set_ylabel("gap to theory (%)")
        _key(grid[0, 0])
    return figure


def _one(column: Any, result: Result, colour: str) -> None:
    """Draw one method into the risk panel and the gap panel of its case."""
    upper, lower = column
    runs, rows, theory = result.runs, result.on_rows, result.theory
    assert rows is not None
    gaps = f"{percent(result.agreement.gap)} Gaussian, {percent(result.finding.gap)} rows"
    low, high = (runs.quantile("risk", level) for level in (0.05, 0.95))
    upper.fill_between(runs.time, low, high, color=colour, alpha=0.2, lw=0)
    upper.plot(rows.time, rows["risk"], ":", color=colour, lw=1.6)
    label = f"{result.method.label}: {gaps}"
    upper.plot(theory.time, theory["risk"], color=colour, lw=1, label=label)
    for curve, line, width in ((runs, "-", 0.8), (rows, ":", 1.6)):
        gap, error = _percent_gap(theory, curve)
        lower.plot(curve.time, gap, line, color=colour, lw=width)
        lower.fill_between(
            curve.time, gap - 2 * error, gap + 2 * error, color=colour, alpha=0.15, lw=0
        )


def _percent_gap(theory: Curve, curve: Curve) -> tuple[Any, Any]:
    """Gap of the mean to the theory and its standard error, in percent."""
    line = interpolate(theory.time, theory["risk"], curve.time)
    return 100 * (curve["risk"] / line - 1), 100 * curve.sem("risk") / line


def _finish(column: Any, title: str) -> None:
    upper, lower = column
    upper.set_yscale("log")
    plain_ticks(upper)
    upper.set_title(title, loc="left")
    upper.legend(loc="upper center", bbox_to_anchor=(0.5, -0.02), title="largest gap to theory")
    lower.axhline(0, color="black", lw=0.5)
    lower.set_xlabel("time $t = k/d$")


def _key(axes: Any) -> None:
    """Say which line is which, inside the first panel."""
    kinds = [
        Line2D([], [], color="0.3", lw=1, label="theory"),
        Patch(color="0.3", alpha=0.2, lw=0, label="one run, 5–95 %, Gaussian inputs"),
        Line2D([], [], color="0.3", lw=1.6, ls=":", label="mean, real rows"),
    ]
    methods = axes.get_legend()
    axes.legend(handles=kinds, loc="upper right")
    axes.add_artist(methods)
