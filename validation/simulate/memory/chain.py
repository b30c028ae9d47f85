"""Engine for few distinct eigenvalues: the exact chain of a small triangle an eigenvalue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..streaming.chain import ReducedChain, SphereStream
from .states import average_of, opening


@dataclass(frozen=True, eq=False)
class RememberingChain(ReducedChain):
    """The chain of the scalar products of the states in every eigenspace.

    Parameters
    ----------
    vectors : (states, m, 2) array
        The states at the start in the basis of delta(0) and what is across it of theta*.
    """

    vectors: np.ndarray

    @classmethod
    def of(cls, problem: Any, lowered: Any, record: np.ndarray) -> RememberingChain:
        plain = ReducedChain.of(problem, lowered, record)
        crossed, squared = (2 * part for part in problem.target_moments())
        along = np.divide(crossed, plain.start, out=np.zeros_like(crossed), where=plain.start > 0)
        across = np.sqrt(np.maximum(squared - along**2, 0.0))
        # one direction has nothing across, and rounding may leave some
        across = np.where(plain.multiplicities > 1, across, 0.0)
        first = opening(lowered, plain.start, along)
        names = np.array([name == "theta" for name in lowered.states], dtype=float)
        return cls(**vars(plain), vectors=np.stack([first, np.outer(names, across)], axis=2))

    @property
    def _states(self) -> int:
        return len(self.lowered.states)

    @property
    def _width(self) -> int:
        return self.start.size * self._states

    def stream(self, sequence: np.random.SeedSequence) -> SphereStream:
        # the law of what is across the basis: chi-square of one freedom less a state
        left = np.maximum(self.multiplicities - self._states + 1, 1)
        return SphereStream(self.noise, sequence, left, self._width, self.batch, self.most)

    def begin(self) -> dict[str, Any]:
        count, m = self._states, self.start.size
        state = np.zeros((count, m, count))
        shown = min(count, 2)
        state[:, :, :shown] = self.vectors[:, :, :shown]
        roots = np.sqrt(self.eigenvalues)
        totals = np.full((self.record.size, 2), np.nan)
        totals[0] = 0.5 * np.sum((roots * self.start) ** 2)
        return {
            "state": state.reshape(count, m * count),
            "roots": roots,
            "held": np.minimum(self.multiplicities, count).astype(np.int64),
            "trace": float(self.eigenvalues @ self.multiplicities),
            "totals": totals,
            "p": self.lowered.parameters.copy(),
        }

    def advance(self, state: dict[str, Any], seen: tuple[Any, ...], first: int) -> None:
        self.module.advance(
            state["state"],
            state["roots"],
            state["held"],
            state["trace"],
            *seen,
            first,
            float(self.dimension),
            self.lowered.acts_on,
            self.record,
            state["totals"],
            state["p"],
        )

    def is_finite(self, state: dict[str, Any]) -> bool:
        return bool(np.isfinite(state["state"]).all())

    def quantities(self, state: dict[str, Any]) -> dict[str, np.ndarray]:
        return average_of(
            self.lowered, self.record / self.dimension, self.dimension, state["totals"]
        )
