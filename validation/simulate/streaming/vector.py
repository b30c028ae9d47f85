"""Engine for independent coordinates: diagonal K, or the eigenbasis of K where that is allowed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.core import random
from .engine import Engine, own
from .noise import NoiseStream

#: normals of a block: a float32 buffer that stays near the processor
BUFFER = 2**18
#: steps of a block, at least: where one step fills the buffer, calls must not become the cost
STEPS = 4


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

    @classmethod
    def of(cls, problem: Any, lowered: Any, record: np.ndarray) -> Any:
        """The engine of a problem and a method."""
        law = problem.covariance
        if law.is_diagonal:
            variances, start = law.diagonal, problem.delta()
        else:
            variances, start = law.eigenvalues, law.eigenvectors.T @ problem.delta()
        alive = variances > 0
        parts = (law.dimension, own(variances[alive]), own(start[alive]))
        return VectorChain(lowered, problem.noise, record, *parts)

    @property
    def most(self) -> int:
        return max(1, max(STEPS, BUFFER // self.start.size) // self.batch)

    def stream(self, sequence: np.random.SeedSequence) -> NormalStream:
        return NormalStream(self.noise, sequence, self.start.size, self.batch, self.most)

    def begin(self) -> dict[str, Any]:
        roots = np.sqrt(self.variances)
        phi = roots * self.start
        risks = np.full(self.record.size, np.nan)
        risks[0] = 0.5 * phi @ phi
        return {"phi": phi, "roots": roots, "risks": risks, "p": self.lowered.parameters.copy()}

    def advance(self, state: dict[str, Any], seen: tuple[Any, ...], first: int) -> None:
        self.module.advance(
            state["phi"],
            state["roots"],
            self.variances,
            *seen,
            first,
            float(self.dimension),
            *self.lowered.form,
            self.record,
            state["risks"],
            state["p"],
        )

    def is_finite(self, state: dict[str, Any]) -> bool:
        return bool(np.isfinite(state["phi"][0]))  # one residual reaches every coordinate

    def quantities(self, state: dict[str, Any]) -> dict[str, np.ndarray]:
        return {"risk": state["risks"]}


class NormalStream:
    """`width` float32 normals a sample, a function of the step and the run; and label noise."""

    def __init__(
        self, noise: Any, sequence: np.random.SeedSequence, width: int, batch: int, most: int
    ) -> None:
        self._width, self._batch = width, batch
        self._key, self._noise = random.key(random.child(sequence, 0)), NoiseStream(noise, sequence)
        self._buffer = np.empty(random.padded(most * batch * width), dtype=np.float32)

    def next(self, first: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
        """Normals and noise of the samples of `steps` steps; valid until the next call."""
        samples = steps * self._batch
        normals = self._buffer[: random.padded(samples * self._width)]
        random.kernels().fill_normals(self._key, np.uint64(first), np.uint32(0), normals)
        return normals, self._noise.next(samples)
