"""The quasi-static map of a scalar network: its orbits, and the attractor at many rates.

A step of gradient descent is followed by the way back to the flow curve :math:`s_i=x_i+c` through
the shape x. Descent itself follows the attractor of this map while rate · sharpness drifts down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.checks import count, number, vector
from ...theory.core.errors import InvalidInput, SolveFailed
from ...theory.core.map import Map
from ...theory.gradient_flow_sharpness.maps import quasi_static
from ..core.runner import Crew
from ..stepping.orbit import Orbit, orbit
from .flow_end import flow_squares

Array = NDArray[np.float64]

#: |π| from which an orbit has diverged
CEILING = 1e6
#: relative error of Π(x_i + c) = π² up to which a step is back on its curve
_ON_CURVE = 1e-9
_SAME = 1e-6
#: steps between looks whether an orbit repeats
_BLOCK = 500


@dataclass(frozen=True, eq=False)
class Bifurcation:
    """The attractor of the quasi-static map at many rates.

    Attributes
    ----------
    products : (R,) array
        rate · sharpness at the minimum.
    attractor : (R, samples) array
        π; NaN where the orbit left.
    periods : (R,) int array
        1 for a point, 2, 4, …; 0 where none up to half the samples was found (or chaos); −1 where
        the orbit left.
    states : tuple of str
        "converged", "oscillating", "left_branch" or "diverged".
    """

    products: Array
    attractor: Array
    periods: NDArray[np.int64]
    states: tuple[str, ...]


def quasi_static_attractors(
    squares: Any,
    products: Any,
    start: float = 1.05,
    *,
    steps: int = 4000,
    samples: int = 64,
    workers: int | None = None,
) -> Bifurcation:
    """Follow the quasi-static map at many rates, and record where it ends up.

    Parameters
    ----------
    squares : (D,) array_like
        The shape: x_i > 0, scaled to Π x_i = 1 by the flow.
    products : array_like
        Values of rate · sharpness.
    start : float
        π at the start, > 0.
    steps, samples : int
        How long it is followed, and how many of the last steps are recorded.
    workers : int, optional
        Threads; they change no bit of the result.

    Raises
    ------
    InvalidInput
        Fewer than two squares, or one that is not positive; a product of rate and sharpness, or a
        start, that is not positive; fewer than two steps or samples.

    Examples
    --------
    >>> import limitlab as ll
    >>> found = ll.quasi_static_attractors([1.0, 0.5], [1.9, 2.1], steps=200, samples=8)
    >>> found.states
    ('converged', 'oscillating')
    """
    given = vector("squares", squares)
    if given.size < 2 or np.any(given <= 0):
        raise InvalidInput("squares", squares, "give two numbers or more, all > 0")
    x, wanted = flow_squares(given), vector("products", products)
    if np.any(wanted <= 0):
        raise InvalidInput("products", products, "give numbers > 0")
    first = number("start", start)
    if first <= 0:
        raise InvalidInput("start", start, "give a product of weights > 0")
    last, width = count("steps", steps, 2), count("samples", samples, 2)
    width = min(width, last)

    def one(i: int) -> tuple[Array, str]:
        return _end(x, float(wanted[i] / np.sum(1 / x)), first, last, width)

    quasi_static()  # derived once, and not in every thread
    found = [one(0), *Crew(workers).each(lambda i: one(i + 1), wanted.size - 1)]
    rows = [row for row, _ in found]
    periods = [-1 if lost else _period(row) for row, lost in found]
    states = [
        lost or ("converged" if period == 1 else "oscillating")
        for (_, lost), period in zip(found, periods, strict=True)
    ]
    return Bifurcation(wanted, np.array(rows), np.array(periods), tuple(states))


def _end(x: Array, rate: float, start: float, last: int, width: int) -> tuple[Array, str]:
    """The last π, and how it was lost; an orbit that repeats bit by bit is followed no further."""
    begin, done, block = (shift_of(x, start), start), 0, max(_BLOCK, width)
    while True:
        ahead = block if last - done >= 2 * block else last - done
        record = np.concatenate([[0], np.arange(ahead - width + 1, ahead + 1)])
        found, lost = _from(x, rate, begin, record, quasi_static())
        done += ahead
        row, shifts = found.values["product"][1:], found.values["shift"][1:]
        if done == last:
            return row, lost
        if lost:
            return np.full(width, np.nan), lost
        same = (row[:-1] == row[-1]) & (shifts[:-1] == shifts[-1])
        if same.any():
            period = width - 1 - int(np.flatnonzero(same)[-1])
            back = np.arange(last - width + 1, last + 1) - done - 1
            return row[-period:][back % period], ""
        begin, block = (float(shifts[-1]), float(row[-1])), 2 * block


def follow(
    x: Array, rate: float, start: float, record: NDArray[np.int64], system: Map | None = None
) -> tuple[Orbit, str]:
    """The orbit from π = start on the curve through x, and how it was lost: "" if it was not."""
    return _from(x, rate, (shift_of(x, start), start), record, system or quasi_static())


def _from(
    x: Array, rate: float, begin: tuple[float, float], record: NDArray[np.int64], own: Map
) -> tuple[Orbit, str]:
    found = orbit(own, begin, (rate,), record, ceiling=CEILING, inputs=(x,))
    defect = np.nanmax(np.abs(found.values["defect"]), initial=0.0)
    if defect > _ON_CURVE:
        raise SolveFailed(
            "a step did not come back to its flow curve", float(record[-1]), rate, float(defect)
        )
    return found, lost_by(own, begin, (rate,), found.lost, (x,))


def lost_by(system: Map, start: Any, numbers: Any, lost: int | None, inputs: Any = ()) -> str:
    """How an orbit was lost: "left_branch" where π fell below 0, else "diverged"."""
    if lost is None:
        return ""
    steps = np.array([0, max(lost, 1)])
    again = orbit(system, start, numbers, steps, ceiling=np.inf, inputs=inputs)
    there = again.values["product"][-1]
    return "left_branch" if np.isfinite(there) and -CEILING < there <= 0 else "diverged"


def shift_of(x: Array, product: float) -> float:
    """c with Π(x_i + c) = π²."""
    level = x / product ** (2 / x.size)
    return float((flow_squares(level)[0] - level[0]) * product ** (2 / x.size))


def _period(row: Array) -> int:
    scale = max(float(np.abs(row).max()), 1e-300)
    for period in (1, 2, 3, 4, 5, 6, 8, 16):
        if 2 * period <= row.size and np.abs(row[period:] - row[:-period]).max() < _SAME * scale:
            return period
    return 0
