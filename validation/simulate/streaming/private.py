"""Private SGD in dimension d: clipping of every sample, and noise on every coordinate a step."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ....solvers.core import random
from ....theory.core.errors import NotAvailable
from ....theory.schedules.schedule import evaluate
from ....theory.streaming.private import private_law
from .engine import Engine
from .vector import VectorChain

#: steps of a block: the added noise of all of them is drawn at once
BLOCK = 256


class PrivateStream:
    """What the algorithm sees, and the added noise, (steps, m)."""

    def __init__(self, seen: Any, sequence: np.random.SeedSequence, width: int) -> None:
        self._seen, self._width = seen, width
        self._rng = np.random.Generator(np.random.Philox(random.child(sequence, 3)))

    def next(self, first: int, steps: int) -> tuple[Any, ...]:
        """Normals, label noise, and the added noise."""
        added = self._rng.standard_normal((steps, self._width))
        return (*self._seen.next(first, steps), added)


@dataclass(frozen=True, eq=False)
class PrivateVector(VectorChain):
    """The vector with noise of size ν^½/d, along every direction, added to each step.

    Parameters
    ----------
    method : ClippedSGD
    trace : float
    """

    method: Any = None
    trace: float = 1.0

    @property
    def most(self) -> int:
        return min(super().most, BLOCK)

    def stream(self, sequence: np.random.SeedSequence) -> Any:
        return PrivateStream(super().stream(sequence), sequence, self.start.size)

    def advance(self, state: dict[str, Any], seen: tuple[Any, ...], first: int) -> None:
        normals, noise, added = seen
        m, batch = self.start.size * self.batch, self.batch
        times = (first + np.arange(len(added))) / self.dimension
        sizes = self._sizes(times) / self.dimension
        recorded = dict(zip(self.record.tolist(), range(self.record.size), strict=True))
        for k in range(len(added)):
            part = normals[k * m : (k + 1) * m], noise[k * batch : (k + 1) * batch]
            super().advance(state, part, first + k)
            state["phi"] -= sizes[k] * state["roots"] * added[k]
            place = recorded.get(first + k + 1)
            if place is not None:  # the step ends with the noise
                state["risks"][place] = 0.5 * state["phi"] @ state["phi"]

    def _sizes(self, times: np.ndarray) -> np.ndarray:
        """ν^½ at each time."""
        nu = private_law().functions["nu"](
            eta=evaluate(self.method.rate, times),
            c=evaluate(self.method.threshold, times),
            sigma_n=self.method.noise_multiplier,
            B=float(self.batch),
            trK=self.trace,
        )
        return np.sqrt(nu)


def private_engine(problem: Any, method: Any, engine: Engine) -> Engine:
    """Return the engine of private SGD from the vector engine of per-sample clipping."""
    if not isinstance(engine, VectorChain):
        raise NotAvailable("engine", engine.name, 'private SGD has engine="vector"')
    own = {field.name: getattr(engine, field.name) for field in fields(engine)}
    return PrivateVector(**own, method=method, trace=problem.covariance.trace)
