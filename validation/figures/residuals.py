"""The strip below a panel: (mean − theory)/theory in percent with two standard errors."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from ..agreement.compare import announced_error, common_times, interpolate
from .axis import positions, shifted, spaced
from .groups import Pairs
from .legend import ANNOUNCED, MARKERS
from .panel import Look


def draw_residuals(axes: Any, pairs: Pairs, look: Look) -> None:
    """Draw every ensemble against its theory, and the finite-size error that this announces."""
    axes.axhline(0, color="black", lw=0.6, zorder=0)
    width = max((positions(runs, look.x)[-1] for *_, runs in pairs), default=1.0)
    for rank, (name, marker, theory, runs) in enumerate(pairs):
        # neighbouring methods stand side by side, not on top of each other
        share = (rank - (len(pairs) - 1) / 2) * 0.16
        _draw_pair(
            axes,
            theory,
            runs,
            look,
            (look.colours[name], MARKERS[marker % len(MARKERS)]),
            (share, width),
        )
    axes.set_ylabel("residual (%)")
    axes.yaxis.set_major_locator(MaxNLocator(4, symmetric=True))


def _draw_pair(
    axes: Any, theory: Any, runs: Any, look: Look, mark: tuple[Any, str], place: tuple[float, float]
) -> None:
    colour, marker = mark
    keep = np.flatnonzero(common_times(theory, runs))
    where = positions(runs, look.x)
    keep = keep[spaced(where[keep], 16, look.log_x)]
    middle, error = relative(theory, runs, look.quantity, keep)
    axes.errorbar(
        shifted(where[keep], *place, look.log_x),
        100 * middle,
        200 * error,
        fmt=marker,
        color=colour,
        ms=2.2,
        mfc="white",
        mew=0.7,
        elinewidth=0.8,
        capsize=0,
    )
    announced = announced_error(theory, look.quantity)
    if announced is None:
        return
    for side in (100, -100):
        axes.plot(
            positions(theory, look.x),
            side * np.asarray(announced),
            color=colour,
            ls=ANNOUNCED,
            lw=0.7,
            zorder=0,
            scaley=False,
        )


def relative(
    theory: Any, runs: Any, quantity: str, keep: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return (mean − theory)/theory at some times of the runs, and its standard error."""
    line = interpolate(theory.time, theory[quantity], runs.time[keep])
    return runs[quantity][keep] / line - 1, runs.sem(quantity)[keep] / np.abs(line)
