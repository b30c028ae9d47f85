r"""The differential equations of the two-eigenvalue model: pairs of steps averaged, and the flow.

.. math:: \dot z=z(y-2z^2),\ \dot y=-2\epsilon(1+E)z^2\ \text{(per step)};\qquad
          \dot z=-zT,\ \dot T=-2zT_1

as :mod:`limitlab.theory.two_eigenvalues.derivation` derives them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.errors import InvalidInput
from ...theory.core.time_grid import time_grid
from ...theory.core.warn import warn
from ..stepping.initial_value import initial_value
from .edge_offset import no_prediction

Array = NDArray[np.float64]

#: relative accuracy of the differential equations
_RTOL = 1e-9
#: |z| at which they have ended: what is left moves T by its square
_SMALL = 1e-8
#: y, z² or ε(1 + E) from which the leading orders of the average are off by more than this root
_LARGE = 0.1


@dataclass(frozen=True, eq=False)
class Motion:
    """z and T over time, and how the motion ended."""

    time: Array
    z: Array
    T: Array
    state: str
    diverged: int | None = None


def averaged(problem: Any, theory: Any, rate: float, grid: Any, points: int, most: int) -> Motion:
    """The average over pairs of steps; its time is in steps."""
    why = no_prediction(problem)
    if grid is None and why:
        raise InvalidInput("until", None, f"{why}; without it the motion does not end: give steps")
    z, T = problem.start
    y = T - 2 - 2 * z
    size = max(abs(y), z**2, problem.epsilon * (1 + problem.invariant))
    if size > _LARGE:
        remark = "the average over two steps keeps leading orders only: its relative error is about"
        warn(f"{remark} {np.sqrt(size):.2g} here")
    f, numbers = theory.functions, _numbers(problem)

    def change(time: float, x: Array) -> list[float]:
        now = {**numbers, "z": x[0], "y": x[1]}
        return [f["z_pair"](**now) / 2, f["y_pair"](**now) / 2]

    def left(time: float, x: Array) -> float:
        return max(abs(x[0]) / _SMALL - 1, float(x[1]))

    time, (z, y), state = _integrate(change, left, (z, y), grid, points, most)
    return Motion(time, z, f["T_pair"](**numbers, z=z, y=y), state)


def flow(problem: Any, theory: Any, rate: float, grid: Any, points: int, most: int) -> Motion:
    """Gradient flow; its time is rate · steps."""
    f, numbers = theory.functions, _numbers(problem)

    def change(time: float, x: Array) -> list[float]:
        now = {**numbers, "z": x[0], "T": x[1]}
        return [f["z_flow"](**now) / rate, f["T_flow"](**now) / rate]

    def left(time: float, x: Array) -> float:
        return float(abs(x[0])) / _SMALL - 1

    time, (z, T), state = _integrate(change, left, problem.start, grid, points, most * rate)
    return Motion(time, z, T, state)


def _numbers(problem: Any) -> dict[str, float]:
    return {"epsilon": problem.epsilon, "E": problem.invariant}


def _integrate(
    change: Callable[..., Any],
    left: Callable[..., Any],
    start: tuple[float, float],
    grid: Any,
    points: int,
    most: float,
) -> tuple[Array, Array, str]:
    """Integrate to the given times, or until nothing is ``left`` of the motion."""

    def run(last: float, **options: Any) -> Any:
        # no absolute tolerance: a tiny z may grow
        options |= {"size": lambda y: float(y[0] ** 2), "rtol": _RTOL, "atol": 1e-300}
        return initial_value(change, (0.0, last), start, **options)

    if grid is not None:
        time = time_grid(*grid)
        return time, run(time[-1], times=time).y, "until"
    left.terminal, left.direction = True, -1  # type: ignore[attr-defined]
    found = run(most, events=left, dense_output=True)
    time = time_grid(found.t[-1], None, points)
    return time, found.sol(time), "ended" if found.status == 1 else "budget"
