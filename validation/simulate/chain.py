"""Engine for few distinct eigenvalues: the exact chain of one distance an eigenvalue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...solvers import random
from .engine import Engine, NoiseStream, power_of_two

#: random numbers of one kind that a group of steps shares
GROUP = 1024


@dataclass(frozen=True, eq=False)
class ReducedChain(Engine):
    """The chain of q_j = |delta on eigenspace j|; residual and norm methods only.

    Parameters
    ----------
    eigenvalues, multiplicities : (m,) arrays
    start : (m,) array
        q_j(0).
    """

    eigenvalues: np.ndarray
    multiplicities: np.ndarray
    start: np.ndarray

    name = "chain"
    template = "reduced_chain"

    @property
    def group(self) -> int:
        """Steps that share one filling of the buffers."""
        return max(1, GROUP // power_of_two(self.start.size))

    @property
    def block(self) -> int:
        steps = min(max(self.dimension, GROUP), 2**14, 2**20 // self.start.size)
        return max(self.group, power_of_two(steps))

    def begin(self, sequence: np.random.SeedSequence) -> dict[str, Any]:
        roots = np.sqrt(self.eigenvalues)
        size = random.padded(self.group * roots.size)
        risks = np.full(self.record.size, np.nan)
        risks[0] = 0.5 * np.sum((roots * self.start) ** 2)
        return {
            "q": self.start.copy(),
            "roots": roots,
            "freedoms": self.multiplicities - 1.0,
            "trace": float(self.eigenvalues @ self.multiplicities),
            "risks": risks,
            "key": random.key(random.child(sequence, 0)),
            "noise": NoiseStream(self.noise, sequence, self.block),
            "buffers": (
                np.empty(size, dtype=np.float32), np.empty(size, dtype=np.float32),
                np.empty(size), np.empty(size),
            ),
        }

    def advance(self, state: dict[str, Any], first: int, steps: int) -> None:
        noise = state["noise"].next(steps)
        self.module.advance(
            state["q"], state["roots"], state["freedoms"], noise, first, float(self.dimension),
            state["trace"], self.lowered.acts_on, state["key"], self.record, state["risks"],
            *state["buffers"], self.group, self.lowered.parameters,
        )  # fmt: skip

    def is_finite(self, state: dict[str, Any]) -> bool:
        return bool(np.isfinite(state["q"]).all())

    def quantities(self, state: dict[str, Any]) -> dict[str, np.ndarray]:
        return {"risk": state["risks"]}
