"""A tuner's map with its numbers: followed to given steps, and how the motion ended."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.errors import InvalidInput
from ...theory.core.map import Map
from ...theory.tuners.maps import ruled
from ...theory.tuners.problem import TwoCurvatures
from ..stepping.orbit import Orbit, orbit

Array = NDArray[np.float64]

#: an observed number beyond which an orbit has diverged
CEILING = 1e150
#: |g|² at which a run has converged, and |g|²/|g|² at the start
STILL = 1e-24
#: |x| from which on the fast direction is at rest
SMALL = 1e-8


@dataclass(frozen=True, eq=False)
class Motion:
    """What was observed, and how it ended.

    Attributes
    ----------
    steps : (T,) int array
    values : dict of (T,) arrays
    state : {"converged", "converging", "oscillating", "drifting", "diverged", "left_branch"}
    lost : int or None
        The step at which the orbit diverged or left the branch λ > 0.
    """

    steps: NDArray[np.int64]
    values: Mapping[str, Array]
    state: str
    lost: int | None


def fields_of(method: Any) -> tuple[str, ...]:
    """The fields of a method whose numbers its map takes."""
    return tuple(field for _, field in ruled(method).parameters)


def numbers_of(problem: Any, method: Any, fields: Sequence[str]) -> list[float]:
    """In the order of ``system.numbers``."""
    own = [float(getattr(method, field)) for field in fields]
    if isinstance(problem, TwoCurvatures):
        return [problem.kappa, *own]
    if problem.bounded is not None:
        return [problem.l0, problem.k, problem.bounded, problem.alpha / problem.bounded, *own]
    return [problem.l0, problem.k, problem.alpha, *own]


def memory_of(method: Any) -> list[float]:
    """What a tuner remembers at the start."""
    starts = [memory.start for memory in getattr(method, "memory", ())]
    return [float(getattr(method, s) if isinstance(s, str) else s) for s in starts]


def start_of(problem: Any, method: Any, closed: bool) -> list[Any]:
    """The states of the full or of the closed map."""
    if isinstance(problem, TwoCurvatures):
        first, second = problem.start
        if not closed:
            return [first, second, *memory_of(method)]
        # logarithms, so that no start is too small
        g1, g2 = 2 * math.log(abs(first)) + 2 * math.log(problem.kappa), 2 * math.log(abs(second))
        return [g1 - g2, float(np.logaddexp(g1, g2)), *memory_of(method)]
    x, u, *bulk = problem.start
    return [x, problem.sharpness if closed else u, np.array(bulk), *memory_of(method)]


def follow(
    system: Map,
    problem: Any,
    method: Any,
    steps: NDArray[np.int64],
    *,
    closed: bool,
    noise: Array | None = None,
) -> Motion:
    """Follow a map of the problem's and method's numbers."""
    inputs: list[Any] = []
    if not isinstance(problem, TwoCurvatures):
        inputs = [np.array(problem.bulk)] + ([] if noise is None else [noise])
    found = orbit(
        system,
        start_of(problem, method, closed),
        numbers_of(problem, method, fields_of(method)),
        steps,
        ceiling=CEILING,
        inputs=inputs,
    )
    _check_minimum(method, found.values["loss"])
    values = {name: v for name, v in found.values.items() if name != "branch"}
    return Motion(steps, values, state_of(found, problem), found.lost)


def _check_minimum(method: Any, losses: Array) -> None:
    least = getattr(method, "minimum", None)
    lowest = np.nanmin(losses)
    if least is not None and lowest < least and (method.batch or 1) == 1:
        raise InvalidInput("minimum", least, f"the loss has reached {lowest:.6g}; give a lower one")


def state_of(found: Orbit, problem: Any) -> str:
    """How an orbit ended."""
    if found.lost is not None:
        return "left_branch" if found.last.get("branch", 0) > CEILING else "diverged"
    squares = found.values["gradient"]
    if squares[-1] <= STILL * max(1.0, squares[0]):
        return "converged"
    size = np.abs(found.values["x"]) if "x" in found.values else np.sqrt(squares)
    if "x" in found.values and size[-1] <= SMALL:
        return "drifting"
    part = max(1, size.size // 4)
    return "oscillating" if size[-part:].max() > size[-2 * part : -part].max() / 2 else "converging"


def unfinished(motion: Motion) -> str:
    """What to warn of an orbit that was lost; empty where it was not."""
    if motion.lost is None:
        return ""
    what = {
        "diverged": "the orbit diverged",
        "left_branch": "the sharpness became negative, where the loss is no model",
    }[motion.state]
    return f"{what} at step {motion.lost}; there is nothing from there on"
