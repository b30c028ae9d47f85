"""What the horizontal axis of an overlay counts, and where markers stand on it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from ...theory.core.errors import InvalidInput

if TYPE_CHECKING:
    from ...solvers.core.curve import Curve

#: axis of time: of streams, and of finite data
TIMES = {None: "time $t$ = steps$/d$", "steps": "step", "flow": "flow time"}
AXES = ("time", "steps", "samples")
#: scales of both axes, as matplotlib calls them: whether x and y are logarithmic
SCALES = {
    "linear": (False, False),
    "semilogx": (True, False),
    "semilogy": (False, True),
    "loglog": (True, True),
}


def positions(curve: Curve, x: str) -> np.ndarray:
    """Return time, step numbers or numbers of samples of a curve.

    Raises
    ------
    InvalidInput
        A curve that does not know its steps or the samples of a step.
    """
    if x == "time":
        return curve.time
    if curve.steps is not None:
        steps = np.asarray(curve.steps, dtype=float)
    elif curve.provenance.get("time") == "steps":
        steps = curve.time
    else:
        raise InvalidInput("x", x, f'the curve {curve.label!r} has no steps; use x="time"')
    return steps * (1 if x == "steps" else samples_per_step(curve))


def samples_per_step(curve: Curve) -> int:
    """Return how many samples a step sees; all of the data where the method has no batch."""
    said = curve.provenance.get("samples_per_step")
    if said is not None:
        return int(said)
    method = str(curve.provenance.get("method") or "")
    batch = re.search(r"\bbatch=(\d+)", method)
    if batch:
        return int(batch[1])
    data = (curve.provenance.get("problem") or {}).get("data")
    if data is not None:
        return int(data)
    if not method:
        remedy = f"the curve {curve.label!r} does not say how many samples a step sees; give it in "
        raise InvalidInput("x", "samples", remedy + 'provenance={"samples_per_step": ...}')
    return 1


def label(curve: Curve, x: str) -> str:
    """Return what is written under the axis."""
    if x == "time":
        unit = curve.provenance.get("time")
        return TIMES.get(unit, str(unit))
    return "step" if x == "steps" else "samples"


def spaced(x: np.ndarray, most: int, log: bool = False) -> np.ndarray:
    """Return indices of at most `most` points that are evenly spaced on the axis."""
    if not log:
        return np.unique(np.linspace(0, x.size - 1, min(x.size, most)).round().astype(int))
    positive = np.flatnonzero(x > 0)
    if positive.size <= most:
        return positive
    wanted = np.geomspace(x[positive[0]], x[positive[-1]], most)
    nearest = np.abs(np.log(x[positive])[:, None] - np.log(wanted)).argmin(axis=0)
    return positive[np.unique(nearest)]


def shifted(x: np.ndarray, share: float, width: float, log: bool) -> np.ndarray:
    """Return positions moved by a share of the spacing of 16 markers, along the axis."""
    if not log:
        return x + share * width / 16
    inside = x[x > 0]
    return x * (inside[-1] / inside[0]) ** (share / 16) if inside.size else x


def scales(scale: Any, log: bool | None) -> tuple[bool, bool | None]:
    """Return whether x and y are logarithmic; None where the values decide."""
    if scale is None:
        return False, log
    if not isinstance(scale, str) or scale not in SCALES:
        raise InvalidInput("scale", scale, f"use one of {', '.join(SCALES)}")
    if log is not None:
        raise InvalidInput("log", log, "say it by scale= alone")
    return SCALES[scale]
