r"""The growth of the mean square, measured on runs of SGD on a linear model.

Where :math:`E|z|^2` neither grows nor falls it is carried by ever rarer runs (the fourth moment
diverges first), so that a mean over independent runs misses it. A population does not: after every
few steps each walker is copied in proportion to what its :math:`|z|^2` has gained and is set back
to length 1, and the mean gain is recorded. The product of the mean gains has the expectation
:math:`E|z_t|^2` exactly; their mean logarithm is :math:`\log r`, up to :math:`O(1/\text{walkers})`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....solvers.core import random
from ....solvers.linear.critical import critical_rate
from ....solvers.linear.kernel_norm import check_linear, constant_rate
from ....solvers.linear.sde import START
from ....theory.core.checks import count
from ....theory.core.errors import SolveFailed
from ....theory.core.warn import warn
from ....theory.linear.problem import LinearModel
from ....theory.methods.base import Method
from ....theory.methods.sampling import batches
from .simulate import Run

Array = NDArray[np.float64]

#: steps between two selections
STRIDE = 4
#: share of the selections that only bring the population to its stationary state
BURN_IN = 0.25
#: blocks of selections whose means give the standard error
BLOCKS = 12
#: label of the stream of the selections; no walker has this number
SELECTION = 2**32 - 1
#: factor by which the search for a critical rate steps
FACTOR = 1.15
#: steps of that search at most
STRIDES = 40
#: rates at which the growth is measured at most, once the crossing is between two
SEARCHES = 12


@dataclass(frozen=True)
class Measured:
    """A measured number and its standard error."""

    value: float
    error: float

    def __float__(self) -> float:
        return self.value


def measured_growth(
    problem: LinearModel,
    method: Method,
    steps: int = 400,
    *,
    walkers: int = 4000,
    seed: int | np.random.SeedSequence | None = None,
) -> Measured:
    """Measure log r of the growth E|z|² ~ r^t by a population of runs.

    Parameters
    ----------
    problem : LinearModel
        Given by ``jacobian`` or ``kernel``.
    method : GradientDescent or SGD
        With a constant rate.
    steps : int
        Steps of each walker; a quarter of them are burn-in.
    walkers : int
    seed : int or SeedSequence, optional

    Returns
    -------
    Measured
        log r per step, with the standard error from blocks of steps.

    Raises
    ------
    InvalidInput
        Too few steps or walkers; a schedule in place of a rate.
    NotAvailable
        A problem that is given without its rows.

    Examples
    --------
    >>> import numpy as np
    >>> import limitlab as ll
    >>> problem = ll.LinearModel([[1.0, 0.0], [0.0, 2.0]], residual=[1.0, 1.0])
    >>> found = ll.measured_growth(problem, ll.SGD(0.3, batch=1), 160, walkers=50, seed=1)
    >>> predicted = np.log(ll.growth_rate(problem, ll.SGD(0.3, batch=1)))
    >>> bool(abs(found.value - predicted) < 5 * found.error)
    True
    """
    check_linear(problem)
    count("steps", steps, STRIDE * 2 * BLOCKS)
    population = _Population(problem, method, count("walkers", walkers, 2), seed)
    gains = np.array([population.select(s) for s in range(0, steps, STRIDE)])
    kept = gains[int(BURN_IN * gains.size) :]
    means = np.array([block.mean() for block in np.array_split(kept, BLOCKS)])
    error = float(means.std(ddof=1)) / math.sqrt(BLOCKS)
    return Measured(float(kept.mean()) / STRIDE, error / STRIDE)


def measured_critical_rate(
    problem: LinearModel,
    method: Method,
    steps: int = 400,
    *,
    walkers: int = 4000,
    seed: int | np.random.SeedSequence | None = None,
) -> Measured:
    """Find the rate at which the measured growth is zero.

    The search starts at the rate of the trace form. All rates see the same random numbers.

    Returns
    -------
    Measured
        The rate, with the error of the growth there carried over by its slope.

    Raises
    ------
    InvalidInput
        As of `measured_growth`.

    Warns
    -----
    ValidityWarning
        The growth is not zero within its error after the last search.

    Examples
    --------
    >>> import limitlab as ll
    >>> problem = ll.LinearModel([[1.0, 0.0], [0.0, 2.0]], residual=[1.0, 1.0])
    >>> method = ll.SGD(0.3, batch=1)
    >>> found = ll.measured_critical_rate(problem, method, 160, walkers=50, seed=1)
    >>> found.value > 0, found.error > 0
    (True, True)
    """
    sequence = random.seed_sequence(seed)

    def growth(rate: float) -> Measured:
        tried = replace(method, rate=rate)
        return measured_growth(problem, tried, steps, walkers=walkers, seed=sequence)

    low = high = float(critical_rate(problem, method, "trace"))
    for _ in range(STRIDES):
        if growth(low).value > 0:
            low, high = low / FACTOR, low
        elif growth(high).value < 0:
            low, high = high, high * FACTOR
        else:
            return _crossing(growth, low, high)
    remedy = f"no change of sign within a factor {FACTOR**STRIDES:.2g} of the trace form's rate"
    raise SolveFailed(f"the growth shows {remedy}", 0.0, high, growth(high).value)


def _crossing(growth: Any, low: float, high: float) -> Measured:
    """Regula falsi on the measured growth, until it is zero within its error.

    Below the edge the slowest mode keeps the growth nearly flat: an end that would stay counts
    half, or the search creeps (Illinois).
    """
    below, above = growth(low).value, growth(high).value
    for _ in range(SEARCHES):
        slope = (above - below) / (high - low)
        middle = low - below / slope
        found = growth(middle)
        if abs(found.value) <= found.error:
            break
        if found.value < 0:
            low, below, above = middle, found.value, above / 2
        else:
            high, above, below = middle, found.value, below / 2
    else:
        warn(
            f"log r at the rate {middle:.6g} is still {found.value:.2g} ± {found.error:.2g} after "
            f"{SEARCHES} searches; give more walkers or steps"
        )
    return Measured(middle - found.value / slope, found.error / slope)


class _Population:
    """Walkers on the unit sphere, copied in proportion to their gain."""

    def __init__(self, problem: Any, method: Any, walkers: int, seed: Any) -> None:
        sequence = random.seed_sequence(seed)
        own = [random.child(sequence, k) for k in range(walkers)]
        rates = np.full(STRIDE, constant_rate(method))
        self._run = Run(problem, batches(method, problem.data), rates)
        self._momentum = float(getattr(method, "momentum", 0.0))
        self._keys = np.array([random.key(one) for one in own], dtype=np.uint64)
        starts = [random.normals(one, problem.size, stream=START) for one in own]
        self._z = np.array(starts, dtype=float)
        self._z /= np.linalg.norm(self._z, axis=1, keepdims=True)
        self._y = np.zeros_like(self._z)
        self._squares = np.empty((walkers, STRIDE))
        self._rng = np.random.Generator(np.random.Philox(random.child(sequence, SELECTION)))

    def select(self, first: int) -> float:
        """Do STRIDE steps from step `first`, select, and return the logarithm of the mean gain."""
        self._run.advance_all(self._keys, first, self._z, self._y, self._squares)
        gain = np.sum(self._z**2, axis=1) + self._momentum * np.sum(self._y**2, axis=1)
        total = np.cumsum(gain)
        places = (np.arange(gain.size) + self._rng.random()) / gain.size * total[-1]
        chosen = np.minimum(np.searchsorted(total, places), gain.size - 1)
        length = np.sqrt(gain[chosen])[:, None]
        self._z, self._y = self._z[chosen] / length, self._y[chosen] / length
        return math.log(total[-1] / gain.size)
