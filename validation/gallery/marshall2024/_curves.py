"""What the figures of this folder share: the check of a limit, and markers of runs on real rows."""

from __future__ import annotations

from typing import Any

#: markers of runs on real rows
ROWS: dict[str, Any] = {
    "linestyle": "none",
    "marker": "x",
    "markersize": 4,
    "markeredgewidth": 1.0,
    "zorder": 4,
}
