"""Engines with memory that see whole samples: dense covariances, or rows of data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..streaming.samples import DenseEngine, RowEngine, SampleEngine
from .states import average_of, opening


class _Remembering(SampleEngine):
    """States in the coordinates of the algorithm; `target` is theta*."""

    template = "remembering_chain"
    target: np.ndarray

    def begin(self) -> dict[str, Any]:
        target = self.target
        state = opening(self.lowered, self.start, target)
        kept = np.full((self.record.size, 2, self.start.size), np.nan)
        kept[0] = self.start
        return {
            "state": state,
            "ones": np.ones(self.start.size),
            "totals": np.empty((1, 2)),
            "kept": kept,
            "unit": float(np.sqrt(np.trace(self.covariance))),
            "p": self.lowered.parameters.copy(),
        }

    def advance(self, state: dict[str, Any], seen: tuple[Any, ...], first: int) -> None:
        samples, chosen, noise = seen
        self.module.advance(
            state["state"],
            state["ones"],
            state["ones"],
            samples,
            chosen,
            noise,
            first,
            float(self.dimension),
            self.lowered.form,
            state["unit"],
            self.record,
            (state["totals"], state["kept"]),
            state["p"],
        )

    def is_finite(self, state: dict[str, Any]) -> bool:
        return bool(np.isfinite(state["state"]).all())

    def _totals(self, state: dict[str, Any]) -> np.ndarray:
        kept = state["kept"]
        return 0.5 * np.einsum("tai,ij,taj->ta", kept, self.covariance, kept, optimize=True)


@dataclass(frozen=True, eq=False)
class RememberingDense(_Remembering, DenseEngine):
    """Gaussian samples of a dense covariance."""

    target: np.ndarray

    @classmethod
    def of(cls, problem: Any, lowered: Any, record: np.ndarray) -> RememberingDense:
        plain = DenseEngine.of(problem, lowered, record)
        return cls(**vars(plain), target=np.array(problem.target_vector(), dtype=np.float64))

    def quantities(self, state: dict[str, Any]) -> dict[str, np.ndarray]:
        totals = self._totals(state)
        return average_of(self.lowered, self.record / self.dimension, self.dimension, totals)


@dataclass(frozen=True, eq=False)
class RememberingRows(_Remembering, RowEngine):
    """Rows of data, drawn with replacement."""

    target: np.ndarray

    @classmethod
    def of_rows(cls, plain: RowEngine, lowered: Any, problem: Any) -> RememberingRows:
        """The engine of a method, from that of the same rows without memory."""
        target = np.array(problem.target_vector(), dtype=np.float64)
        return cls(**(vars(plain) | {"lowered": lowered}), target=target)

    def quantities(self, state: dict[str, Any]) -> dict[str, np.ndarray]:
        times = self.record / self.dimension
        found = average_of(self.lowered, times, self.dimension, self._totals(state))
        floor = 0.5 * float(np.mean(self.residuals**2))
        return {**found, "loss": found["risk"] - state["kept"][:, 0] @ self.bias + floor}
