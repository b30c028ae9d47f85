"""Label noise of one run."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....solvers.core import random
from ....theory.core import stated
from .engine import FEWEST, growing

#: numbers drawn at a time once a run is long: small draws cost more for the call than for the law
MOST = 2**13


class NoiseStream:
    """The noise of every step, in order; the same numbers however they are asked for.

    Parameters
    ----------
    noise : Noise
    sequence : SeedSequence
        Of the run.
    """

    def __init__(self, noise: Any, sequence: np.random.SeedSequence) -> None:
        self._noise, self._drawn, self._ahead = noise, 0, np.empty(0)
        self._generator = np.random.default_rng(random.child(sequence, 1))

    def next(self, steps: int) -> np.ndarray:
        """The noise of the next `steps` steps."""
        while self._ahead.size < steps:
            drawn = self._draw()
            self._ahead = np.concatenate([self._ahead, drawn]) if self._ahead.size else drawn
        values, self._ahead = self._ahead[:steps], self._ahead[steps:]
        return values

    def _draw(self) -> np.ndarray:
        size = growing(self._drawn, FEWEST, MOST)
        self._drawn += size
        return stated.draws(self._noise, self._generator, size)
