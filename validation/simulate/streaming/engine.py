"""What every engine of the simulation shares: the loop over blocks of steps of one run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Protocol

import numpy as np

from ....solvers.core import random
from ....solvers.core.runner import Flag
from ....solvers.core.runs import LARGEST
from .lowering import Lowered

#: steps of the first blocks of a run; later ones grow to the engine's own number
FEWEST = 256


class Stream(Protocol):
    """What a run sees, whatever the method: samples and label noise, in blocks of steps."""

    def next(self, first: int, steps: int) -> tuple[Any, ...]:
        """The samples and the noise of `steps` steps from step `first`."""
        ...


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
    template: ClassVar[str | Path]

    @property
    def batch(self) -> int:
        """Samples a step."""
        return self.lowered.batch

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "module"}

    @cached_property
    def module(self) -> ModuleType:
        """The compiled kernels."""
        return self.lowered.kernels(self.template)

    def prepare(self) -> None:
        """Compile all that a run needs, once and not in every worker."""
        self.module  # noqa: B018
        random.kernels()

    @property
    @abstractmethod
    def most(self) -> int:
        """Steps of a full block; depends on the problem only, never on the horizon."""

    @abstractmethod
    def stream(self, sequence: np.random.SeedSequence) -> Stream:
        """What run `sequence` sees; it depends on the problem and not on the method."""

    @abstractmethod
    def begin(self) -> Any:
        """The state of a run at step 0."""

    @abstractmethod
    def advance(self, state: Any, seen: tuple[Any, ...], first: int) -> None:
        """Do the steps of the block `seen`, from step `first`."""

    @abstractmethod
    def is_finite(self, state: Any) -> bool:
        """Whether the state is still made of numbers."""

    @abstractmethod
    def quantities(self, state: Any) -> dict[str, np.ndarray]:
        """The recorded quantities, (T,) each."""

    def do(self, state: Any, seen: tuple[Any, ...], first: int) -> bool:
        """Advance; whether the state is still made of numbers."""
        self.advance(state, seen, first)
        return self.is_finite(state)


@dataclass(frozen=True)
class Shared:
    """One run of several methods on the same samples."""

    run: int
    each: tuple[Outcome, ...]


@dataclass(frozen=True, eq=False)
class Together:
    """Engines of one kind and one problem that see the same samples and noise.

    Every result is that of the engine alone: what a run sees depends on the seed, on the run's
    number and on the step.
    """

    engines: tuple[Engine, ...]

    def prepare(self) -> None:
        """Compile all that a run needs, once and not in every worker."""
        for engine in self.engines:
            engine.prepare()

    def run(self, parent: np.random.SeedSequence, number: int, stop: Flag | None) -> Shared | None:
        """Do one run; None where it was told to stop."""
        leader = self.engines[0]
        stream = leader.stream(random.child(parent, number))
        states = [engine.begin() for engine in self.engines]
        diverged: list[int | None] = [None] * len(self.engines)
        last, first = int(leader.record[-1]), 0
        with np.errstate(all="ignore"):
            while first < last:
                if stop is not None and stop.is_set():
                    return None
                steps = min(growing(first, FEWEST, leader.most), last - first)
                seen = stream.next(first, steps)
                for i, engine in enumerate(self.engines):
                    if diverged[i] is None and not engine.do(states[i], seen, first):
                        diverged[i] = first + steps
                first += steps
            outcomes = map(_outcome, self.engines, states, [number] * len(states), diverged)
            return Shared(number, tuple(outcomes))


def _outcome(engine: Engine, state: Any, number: int, diverged: int | None) -> Outcome:
    if diverged is not None:
        return Outcome(number, {}, diverged)
    values = engine.quantities(state)
    beyond = ~(values["risk"] <= LARGEST)
    step = int(engine.record[np.argmax(beyond)]) if beyond.any() else None
    return Outcome(number, values, step)


def own(values: Any) -> np.ndarray:
    """A writable copy: read-only arrays are another type to the compiler."""
    return np.array(values, dtype=np.float64)


def growing(first: int, fewest: int, most: int) -> int:
    """Steps of the block that begins at step `first`: short at first, then doubling.

    A function of the place in the run, so that no horizon changes a number, and a short run
    draws at most twice what it needs.
    """
    return min(max(fewest, 1 << max(0, first.bit_length() - 1)), most)


def power_of_two(n: float) -> int:
    """Smallest power of two >= n."""
    return 1 << max(0, int(np.ceil(np.log2(n))))
