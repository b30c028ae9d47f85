r"""The flow of a map that gives velocities: what its states become is their time derivative.

.. math:: \dot x=F(x;p)

with the same states, arrays and generated code as a map :math:`x'=F(x;p)`, integrated with error
control.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.map import Map
from ..core.compile import writable
from .initial_value import initial_value
from .orbit import _module, _state

Array = NDArray[np.float64]

#: relative accuracy, and absolute relative to the size of the start
RTOL = 1e-10


def flow(
    velocity: Map, start: Sequence[Any], numbers: Any, time: Array, *, inputs: Sequence[Any] = ()
) -> list[Array]:
    """Integrate a flow, and return each state at the given times, (T, …) each.

    Parameters
    ----------
    velocity : Map
        Its states become their velocity.
    start : sequence
        Each state: a number, or an array.
    numbers, inputs
        As of `orbit`.
    time : (T,) array
        Increasing, from 0.

    Raises
    ------
    SolveFailed
        The flow runs away in finite time.
    """
    x, arrays = _state(velocity, start, inputs)
    own, p, module = arrays[: len(velocity.arrays)], writable(numbers), _module(velocity)
    ends = np.cumsum([x.size, *(array.size for array in own)])

    def rate(t: float, y: Array) -> Array:
        x[:] = y[: x.size]
        for array, low, high in zip(own, ends, ends[1:], strict=False):
            array[...] = y[low:high].reshape(array.shape)
        module.advance(0, x, p, arrays)
        return np.concatenate([x, *(array.ravel() for array in own)])

    y = integrate(rate, np.concatenate([x, *(array.ravel() for array in own)]), time)
    blocks = iter(
        y[:, low:high].reshape(-1, *array.shape)
        for array, low, high in zip(own, ends, ends[1:], strict=False)
    )
    scalars = iter(y[:, : x.size].T)
    return [next(scalars if s in velocity.scalars else blocks) for s in velocity.states]


def integrate(velocity: Callable[[float, Array], Array], start: Array, time: Array) -> Array:
    """The states at the given times, (T, n).

    Raises
    ------
    SolveFailed
        The flow runs away in finite time.
    """
    scale = RTOL * (float(np.abs(start).max()) or 1.0)  # a start at 0 has no size
    span = (0.0, float(time[-1]))
    found = initial_value(velocity, span, start, times=time, rtol=RTOL, atol=scale)
    result: Array = found.y.T
    return result
