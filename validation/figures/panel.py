"""The main panel of an overlay: lines, markers and bands, and styles that survive coincidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..agreement.compare import interpolate
from .axis import positions, spaced
from .groups import Groups, split
from .legend import LINES, MARKERS
from .registry import shade, woven
from .ticks import plain_ticks

if TYPE_CHECKING:
    from ...solvers.core.curve import Curve

LABELS = {"risk": "excess risk $R$", "loss": "population loss"}
#: curves closer than this share of the axis, over most of it, hide one another
CLOSE, MOST = 0.01, 0.6


@dataclass
class Look:
    """What the panels of an overlay share."""

    colours: dict[str, Any]
    band: float
    quantity: str
    x: str = "time"
    log_x: bool = False
    lines: dict[str, Any] = field(default_factory=dict)


def draw_group(axes: Any, name: str, group: list[Any], look: Look) -> None:
    """Draw one method: ensembles behind, theories in front."""
    theories, ensembles = split(group)
    for rank, runs in enumerate(ensembles):
        _draw_runs(axes, runs, look, look.colours[name], MARKERS[rank % len(MARKERS)])
    for rank, theory in enumerate(theories):
        # a second theory of one colour would vanish on the first one
        colour = look.colours[name] if rank == 0 else shade(look.colours[name], 1)
        line = look.lines.get(name, LINES[0]) if rank == 0 else LINES[rank % len(LINES)]
        where = positions(theory, look.x)
        axes.plot(where, theory[look.quantity], color=colour, ls=line, zorder=5)
        for edge in edges(theory, look.quantity, look.band) or ():
            axes.plot(where, edge, color=colour, ls=line, lw=0.6, zorder=4)


def _draw_runs(axes: Any, runs: Curve, look: Look, colour: Any, marker: str) -> None:
    """Band of single runs behind, then some of the means with two standard errors."""
    where, quantity = positions(runs, look.x), look.quantity
    shaded = edges(runs, quantity, look.band)
    if shaded:
        axes.fill_between(where, *shaded, color=colour, alpha=0.18, lw=0, zorder=1)
    some = spaced(where, 16, look.log_x)
    errors = 2 * runs.sem(quantity)[some] if quantity in runs.samples and runs.runs > 1 else None
    axes.errorbar(
        where[some],
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


def edges(curve: Curve, quantity: str, band: float) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the edges of the band of single runs; None where there is no spread."""
    tail = (1 - band) / 2
    if quantity in curve.samples and curve.runs > 1:
        return curve.quantile(quantity, tail), curve.quantile(quantity, 1 - tail)
    if quantity in curve.spread:
        from scipy.stats import norm

        reach = float(norm.isf(tail)) * curve.std(quantity)
        return curve[quantity] - reach, curve[quantity] + reach
    return None


def line_styles(groups: Groups, look: Look, log_y: bool) -> dict[str, Any]:
    """Return the line style of every method's first theory: solid, or in turns where they hide."""
    firsts = {name: split(group)[0][0] for name, group in groups.items() if split(group)[0]}
    clusters: list[list[str]] = []
    for name, curve in firsts.items():
        home = next((c for c in clusters if _hides(firsts[c[0]], curve, firsts, look, log_y)), None)
        if home is None:
            clusters.append([name])
        else:
            home.append(name)
    return {
        name: woven(rank, len(cluster)) for cluster in clusters for rank, name in enumerate(cluster)
    }


def _hides(one: Any, other: Any, firsts: dict[str, Any], look: Look, log_y: bool) -> bool:
    """Whether two lines lie on one another over most of the second one."""
    drawn = [_height(curve[look.quantity], log_y) for curve in firsts.values()]
    finite = np.concatenate([values[np.isfinite(values)] for values in drawn])
    inside = (other.time >= one.time[0]) & (other.time <= one.time[-1])
    if not finite.size or inside.sum() < 2:
        return False
    line = interpolate(one.time, one[look.quantity], other.time[inside])
    apart = np.abs(_height(line, log_y) - _height(other[look.quantity][inside], log_y))
    return bool(np.mean(apart <= CLOSE * max(float(np.ptp(finite)), 1e-300)) >= MOST)


def _height(values: np.ndarray, log: bool) -> np.ndarray:
    if not log:
        return values
    return np.log(values, out=np.full(values.shape, np.nan), where=values > 0)


def logarithmic(curves: Sequence[Curve], quantity: str) -> bool:
    """Return whether all values are positive."""
    # a run that diverged has no mean from there on
    means = (curve[quantity][np.isfinite(curve[quantity])] for curve in curves)
    return all(bool(np.all(mean > 0)) for mean in means)


def finish(axes: Any, curves: Sequence[Curve], look: Look, log: bool) -> None:
    """Set scales, ticks and labels."""
    quantity = look.quantity
    on_stream = curves[0].provenance.get("time") is None
    axes.set_ylabel(LABELS.get(quantity, quantity) if on_stream else quantity.replace("_", " "))
    if look.log_x:
        axes.set_xscale("log")
    if log:
        axes.set_yscale("log")
        _clip_to_means(axes, curves, quantity)
    axes.margins(x=0.01)
    plain_ticks(axes)


def _clip_to_means(axes: Any, curves: Sequence[Curve], quantity: str) -> None:
    """Keep a lower band edge that touches zero from stretching a logarithmic axis."""
    means = np.concatenate([curve[quantity][curve[quantity] > 0] for curve in curves])
    if means.size and axes.get_ylim()[0] < means.min() / 10:
        axes.set_ylim(bottom=means.min() / 10)
