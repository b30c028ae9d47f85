"""What blocks gain: the time to a loss over the switching time, by the flow through both phases."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.checks import positive, vector
from ...theory.core.errors import InvalidInput
from ...theory.distillation.modes import mode_theory
from ...theory.distillation.problem import BlockwiseDistillation
from ..stepping.flow import flow
from . import modes
from .plateaus import check_modes

Array = NDArray[np.float64]

#: points of a stretch of the flow, and how often the one with the crossing is cut anew
_POINTS, _ZOOMS = 33, 5
#: how long a loss is waited for, over the time of the fastest mode
PATIENCE = 1e5
#: share of every strength that may still be gained at the present speed where all is at rest
AT_REST = 0.01
#: loss over that at the start that the flow still resolves
LEAST = 1e-16


@dataclass(frozen=True, eq=False)
class Recomposition:
    """Time to a loss, over the switching time.

    Attributes
    ----------
    loss : float
    switches, times : (n,) arrays
        When the blocks become one, and when the whole student has come to the loss; infinite where
        it does not.
    end_to_end, blockwise : float
        Without blocks, and without recomposition.
    """

    loss: float
    switches: Array
    times: Array
    end_to_end: float
    blockwise: float

    @property
    def gain(self) -> Array:
        """Time gained over end-to-end training, (n,)."""
        return self.end_to_end - self.times

    @property
    def best(self) -> float:
        """The switch of the shortest time."""
        return float(self.switches[int(np.argmin(self.times))])


def recomposition(
    problem: BlockwiseDistillation, loss: float, switches: Any = None
) -> Recomposition:
    """Return how long the flow takes to a loss when its blocks become one at given times.

    Units of time: rate · steps; the problem's own switch is not used.

    Parameters
    ----------
    problem : BlockwiseDistillation
        With an aligned start.
    loss : float
        Of the whole student, above 0 and below that at the start.
    switches : (n,) array_like, optional
        Increasing times >= 0; by default 33 equal ones up to where the blocks alone come to the
        loss, or end-to-end training where they never do.

    Raises
    ------
    InvalidInput
        A loss that the student has at the start, or that is too small for floats.
    NotAvailable
        A start that is not aligned.

    Examples
    --------
    >>> import limitlab as ll
    >>> problem = ll.BlockwiseDistillation([1.0, 0.5], 0.1, layers=2, blocks=2)
    >>> found = ll.recomposition(problem, loss=0.05, switches=[0.0, 1.0])
    >>> found.times.shape
    (2,)
    """
    check_modes(problem)
    system, level = mode_theory(problem.blocks, "flow"), positive("loss", loss)
    there = float(modes.watched(problem, problem.own[None], system)[0, 0])
    if level >= there:
        raise InvalidInput("loss", loss, f"the student starts at {there:.6g}; give a smaller one")
    if level < LEAST * there:
        raise InvalidInput("loss", loss, f"give at least {LEAST * there:.3g}: floats end there")
    end_to_end, blockwise = (_reached(problem, system, problem.own, j, level) for j in (1, 0))
    if switches is None:
        known = [t for t in (blockwise, end_to_end) if np.isfinite(t)]
        if not known:
            remedy = "neither blocks nor the whole come to it; give switches, or a larger loss"
            raise InvalidInput("loss", loss, remedy)
        switches = np.linspace(0.0, known[0], 33)
    at = vector("switches", switches)
    if at[0] < 0 or np.any(np.diff(at) <= 0):
        raise InvalidInput("switches", switches, "give increasing times >= 0")
    times = np.full(at.size, blockwise)
    early = at < blockwise
    if early.any():
        grid = np.concatenate([[0.0], at[early][at[early] > 0]])
        apart = replace(problem, switch=None)
        states = modes.flowing(apart, 0.0, grid, system) if grid.size > 1 else problem.own[None]
        here = states if at[0] == 0 else states[1:]
        rest = [_reached(problem, system, state, 1, level) for state in here]
        times[early] = at[early] + rest
    return Recomposition(level, at, times, end_to_end, blockwise)


def _reached(problem: Any, system: Any, state: Array, joined: int, level: float) -> float:
    """When the flow of one phase first has this loss; infinite where it is not seen to."""
    fastest = _time_of_fastest(np.maximum(problem.teacher, problem.own))
    passed, stretch = 0.0, fastest
    while passed < PATIENCE * fastest:
        time, path, loss = _stretch(problem, system, state, joined, stretch)
        below = np.flatnonzero(loss <= level)
        if below.size:
            return passed + _cut(problem, system, joined, level, (time, path, loss, below[0]))
        passed, state, stretch = passed + stretch, path[-1], 2 * stretch
        moves = np.abs(path[-1] - path[-2]) / (time[-1] - time[-2])
        if np.all(moves * PATIENCE * fastest <= AT_REST * np.abs(state)):
            break
    return float("inf")


def _time_of_fastest(layers: Array) -> float:
    """The velocity of a layer holds all others squared."""
    others = [np.prod(np.delete(layers, k, axis=0) ** 2, axis=0) for k in range(len(layers))]
    return 1 / max(float(np.max(others)), 1e-300)


def _stretch(problem: Any, system: Any, state: Array, joined: int, length: float) -> Any:
    time = np.linspace(0.0, length, _POINTS)
    path = np.stack(
        flow(system, list(state), (0.0, joined), time, inputs=list(problem.teacher)), axis=1
    )
    return time, path, modes.watched(problem, path, system)[0]


def _cut(problem: Any, system: Any, joined: int, level: float, found: Any) -> float:
    """The crossing, by finer and finer stretches; linear in log loss in the last."""
    passed = 0.0
    for _ in range(_ZOOMS):
        time, path, loss, first = found
        if first == 0:
            return passed
        passed += time[first - 1]
        time, path, loss = _stretch(
            problem, system, path[first - 1], joined, time[first] - time[first - 1]
        )
        # rounding may leave the end just above
        first = int(np.argmax(loss <= level)) if np.any(loss <= level) else time.size - 1
        found = time, path, loss, first
    if first == 0:
        return float(passed)
    share = np.log(loss[first - 1] / level) / np.log(loss[first - 1] / loss[first])
    return float(passed + time[first - 1] + share * (time[first] - time[first - 1]))
