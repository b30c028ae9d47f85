"""What the figures of this folder share: a line with its runs, its legend, its check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ....solvers.core.curve import Curve
from ...agreement.compare import MAX_DETECTABLE, compare
from ..check import Check, agreement
from ..look import EXACT, PUBLISHED, SIMULATION, THEORY, band, kinds, thin

MARKERS = 12
#: quantiles of single runs that a band shows
LOW, HIGH = 0.05, 0.95
#: markers of runs on real rows
ROWS: dict[str, Any] = {"linestyle": "none", "marker": "x", "markersize": 4, "zorder": 4}
#: line styles of the kinds of curves
KINDS: dict[str, dict[str, Any]] = {
    "theory": THEORY,
    "mean of runs": SIMULATION,
    "spread of runs": SIMULATION,
    "theory, heuristic for rows": THEORY,
    "mean on Gaussian inputs": SIMULATION,
    "mean on real rows": ROWS,
    "published SDE": PUBLISHED,
    "exact fluctuations": EXACT,
}
BAND = "5–95 % of runs"


def overlaid(axes: Axes, theory: Curve, runs: Curve, colour: Any, *, spread: bool = True) -> None:
    """Draw the risk of a limit as a line, and that of its runs as markers in their band."""
    axes.plot(theory.time, theory.risk, color=colour, **THEORY)
    if spread:
        band(axes, runs.time, runs.quantile("risk", LOW), runs.quantile("risk", HIGH), colour)
    marked(axes, runs, colour)


def marked(axes: Axes, runs: Curve, colour: Any, **look: Any) -> None:
    """Draw the mean risk of runs as markers."""
    at = thin(runs.time, MARKERS)
    axes.plot(runs.time[at], runs.risk[at], color=colour, **(SIMULATION | look))


def legend(
    figure: Figure, colours: Mapping[str, Any], *shown: str, wide: int = 4, narrow: int = 2
) -> None:
    """Name colours and kinds above the panels; `wide` entries a row, `narrow` in a column."""
    handles: list[Any] = [Line2D([], [], color=c, linewidth=3, label=n) for n, c in colours.items()]
    handles += kinds({name: KINDS[name] for name in shown if name in KINDS})
    handles += [Patch(facecolor="0.3", alpha=0.2, label=name) for name in shown if name == BAND]
    columns = narrow if figure.get_figwidth() < 4.5 else wide
    figure.legend(handles=handles, loc="outside upper left", ncols=columns)


def tested(name: str, theory: Curve, runs: Curve) -> tuple[Check, Check]:
    """Return the check of a limit against runs, and that these could have contradicted it."""
    report = compare(theory, runs)
    power = Check(
        f"{name}, error that the runs would have shown",
        report.detectable,
        0,
        MAX_DETECTABLE,
        "99 % power",
    )
    return agreement(name, report), power
