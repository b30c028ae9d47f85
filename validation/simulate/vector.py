"""Engine for independent coordinates: diagonal K, or the eigenbasis of K where that is allowed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...solvers import random
from .engine import Engine, NoiseStream

#: normals of a group of steps: a float32 buffer that stays in the first-level cache
GROUP = 4096
#: coordinate updates between two looks at the state
WORK = 2**24


@dataclass(frozen=True, eq=False)
class VectorChain(Engine):
    """The algorithm on x_i = sqrt(lambda_i) z_i.

    Parameters
    ----------
    variances : (m,) array
        lambda_i of the coordinates.
    start : (m,) array
        delta(0) in these coordinates.
    """

    variances: np.ndarray
    start: np.ndarray

    name = "vector"
    template = "vector_chain"

    @property
    def group(self) -> int:
        """Steps that share one buffer of normals."""
        return max(1, GROUP // self.start.size)

    @property
    def block(self) -> int:
        wanted = min(max(256, min(self.dimension, GROUP)), max(1, WORK // self.start.size))
        return self.group * max(1, round(wanted / self.group))

    def begin(self, sequence: np.random.SeedSequence) -> dict[str, Any]:
        roots = np.sqrt(self.variances)
        phi = roots * self.start
        risks = np.full(self.record.size, np.nan)
        risks[0] = 0.5 * phi @ phi
        return {
            "phi": phi,
            "roots": roots,
            "risks": risks,
            "key": random.key(random.child(sequence, 0)),
            "noise": NoiseStream(self.noise, sequence, self.block),
            "buffer": np.empty(random.padded(self.group * phi.size), dtype=np.float32),
        }

    def advance(self, state: dict[str, Any], first: int, steps: int) -> None:
        noise = state["noise"].next(steps)
        self.module.advance(
            state["phi"], state["roots"], self.variances, noise, first, float(self.dimension),
            self.lowered.acts_on, state["key"], self.record, state["risks"], state["buffer"],
            self.group, self.lowered.parameters,
        )  # fmt: skip

    def is_finite(self, state: dict[str, Any]) -> bool:
        return bool(np.isfinite(state["phi"]).all())

    def quantities(self, state: dict[str, Any]) -> dict[str, np.ndarray]:
        return {"risk": state["risks"]}
