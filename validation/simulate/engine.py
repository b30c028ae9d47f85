"""What every engine of the simulation shares: the loop over blocks of steps of one run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any, ClassVar, Protocol

import numpy as np

from ...solvers import random
from ...theory.errors import InvalidInput
from .lowering import Lowered

#: a run whose risk exceeds this has diverged
LARGEST_RISK = 1e300


class Flag(Protocol):
    """Tells a run to stop (threading.Event)."""

    def is_set(self) -> bool: ...


@dataclass(frozen=True)
class Outcome:
    """One run: the recorded quantities, (T,) each, and the step by which it had diverged."""

    run: int
    values: dict[str, np.ndarray]
    diverged: int | None = None


@dataclass(frozen=True, eq=False)
class Engine(ABC):
    """One way to run the algorithm; picklable, so that it can travel to other processes.

    Parameters
    ----------
    lowered : Lowered
        The method.
    noise : Noise
    record : (T,) int64
        Step numbers at which quantities are recorded, from 0.
    dimension : int
    """

    lowered: Lowered
    noise: Any
    record: np.ndarray
    dimension: int

    name: ClassVar[str]
    template: ClassVar[str]

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "module"}

    @cached_property
    def module(self) -> ModuleType:
        """The compiled kernels."""
        return self.lowered.kernels(self.template)

    @property
    @abstractmethod
    def block(self) -> int:
        """Steps of a block; depends on the problem only, never on the horizon."""

    @abstractmethod
    def begin(self, sequence: np.random.SeedSequence) -> Any:
        """The state of a run at step 0."""

    @abstractmethod
    def advance(self, state: Any, first: int, steps: int) -> None:
        """Do `steps` steps from step `first`."""

    @abstractmethod
    def is_finite(self, state: Any) -> bool:
        """Whether the state is still made of numbers."""

    @abstractmethod
    def quantities(self, state: Any) -> dict[str, np.ndarray]:
        """The recorded quantities, (T,) each."""

    def run(self, number: int, parent: np.random.SeedSequence, stop: Flag | None) -> Outcome | None:
        """Do one run; None where it was told to stop."""
        state = self.begin(random.child(parent, number))
        last = int(self.record[-1])
        with np.errstate(all="ignore"):
            for first in range(0, last, self.block):
                if stop is not None and stop.is_set():
                    return None
                self.advance(state, first, min(self.block, last - first))
                if not self.is_finite(state):
                    return Outcome(number, {}, min(first + self.block, last))
            values = self.quantities(state)
        beyond = ~(values["risk"] <= LARGEST_RISK)
        diverged = int(self.record[np.argmax(beyond)]) if beyond.any() else None
        return Outcome(number, values, diverged)


class NoiseStream:
    """Label noise of one run, drawn in blocks of one size so that no horizon changes it."""

    def __init__(self, noise: Any, sequence: np.random.SeedSequence, block: int) -> None:
        self._noise, self._block = noise, block
        self._generator = np.random.default_rng(random.child(sequence, 1))

    def next(self, steps: int) -> np.ndarray:
        """The noise of the next block, cut to `steps`."""
        values = np.asarray(self._noise.sample(self._generator, self._block), dtype=np.float64)
        if values.shape != (self._block,):
            remedy = f"sample(rng, n) must return n numbers; got shape {values.shape}"
            raise InvalidInput("noise", self._noise, remedy)
        if not np.all(np.isfinite(values)):
            raise InvalidInput("noise", self._noise, "sample(rng, n) returned NaN or infinity")
        return np.ascontiguousarray(values[:steps])


def power_of_two(n: float) -> int:
    """Smallest power of two >= n."""
    return 1 << max(0, int(np.ceil(np.log2(n))))
