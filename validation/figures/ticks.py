"""Plain numbers on logarithmic axes: 0.2, 0.5, 1, 2, and no 6 × 10⁻¹."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.ticker import (
    FormatStrFormatter,
    LogFormatterSciNotation,
    LogLocator,
    NullFormatter,
)

#: powers of ten that are written out
PLAIN = (1e-3, 1e3)
#: where ticks stand within a decade: over one decade or two, and over less
WIDE, CLOSE = (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
#: … and along x, where labels stand side by side: the first that gives FEW of them
ALONG = ((1.0,), (1.0, 3.0), WIDE)
FEW = 3


def plain_ticks(axes: Any) -> None:
    """Put plain ticks on the logarithmic axes of a panel whose ticks nobody has chosen.

    Below two decades they stand at 1, 2 and 5, or at 1 and 3 where that is enough; beyond, at
    powers of ten, written out between 0.001 and 1000.
    """
    for axis in (axes.xaxis, axes.yaxis):
        chosen = type(axis.get_major_formatter()) is not LogFormatterSciNotation
        if axis.get_scale() != "log" or chosen or _base(axis) != 10:
            continue
        low, high = sorted(axis.get_view_interval())
        decades = np.log10(high / low) if low > 0 else np.inf
        if decades <= 2:
            axis.set_major_locator(LogLocator(subs=_places(low, high, axis is axes.xaxis)))
            axis.set_major_formatter(FormatStrFormatter("%g"))
            axis.set_minor_formatter(NullFormatter())
        elif PLAIN[0] / 1.001 <= low and high <= PLAIN[1] * 1.001:
            axis.set_major_formatter(FormatStrFormatter("%g"))


def _places(low: float, high: float, along: bool) -> tuple[float, ...]:
    """Where ticks stand within a decade."""
    if np.log10(high / low) <= 0.75:
        return CLOSE
    if not along:
        return WIDE
    powers = 10.0 ** np.arange(np.floor(np.log10(low)), np.log10(high) + 1)
    for places in ALONG:
        ticks = np.multiply.outer(powers, places)
        if np.sum((ticks >= low) & (ticks <= high)) >= FEW:
            return places
    return WIDE


def _base(axis: Any) -> float:
    return float(getattr(axis.get_transform(), "base", 10))
