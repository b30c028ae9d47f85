"""Engine for independent coordinates that have several states each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..streaming.vector import VectorChain
from .states import average_of, opening


@dataclass(frozen=True, eq=False)
class RememberingVector(VectorChain):
    """The algorithm with memory on x_i = sqrt(lambda_i) z_i.

    Parameters
    ----------
    target : (m,) array
        theta* in these coordinates.
    """

    target: np.ndarray

    template = "remembering_chain"

    @classmethod
    def of(cls, problem: Any, lowered: Any, record: np.ndarray) -> RememberingVector:
        law, target = problem.covariance, problem.target_vector()
        if not law.is_diagonal:
            target = law.eigenvectors.T @ target
        plain = VectorChain.of(problem, lowered, record)
        alive = (law.diagonal if law.is_diagonal else law.eigenvalues) > 0
        return cls(**vars(plain), target=np.array(target[alive], dtype=np.float64))

    def begin(self) -> dict[str, Any]:
        roots = np.sqrt(self.variances)
        state = opening(self.lowered, roots * self.start, roots * self.target)
        totals = np.full((self.record.size, 2), np.nan)
        totals[0] = 0.5 * state[0] @ state[0]
        return {
            "state": state,
            "roots": roots,
            "totals": totals,
            "none": np.empty((1, 2, 0)),
            "unit": float(np.sqrt(self.variances.sum())),
            "p": self.lowered.parameters.copy(),
        }

    def advance(self, state: dict[str, Any], seen: tuple[Any, ...], first: int) -> None:
        normals, noise = seen
        m = self.start.size
        self.module.advance(
            state["state"],
            state["roots"],
            self.variances,
            normals[: noise.size * m].reshape(noise.size, m),
            np.arange(noise.size),
            noise,
            first,
            float(self.dimension),
            self.lowered.form,
            state["unit"],
            self.record,
            (state["totals"], state["none"]),
            state["p"],
        )

    def is_finite(self, state: dict[str, Any]) -> bool:
        return bool(np.isfinite(state["state"][:, 0]).all())

    def quantities(self, state: dict[str, Any]) -> dict[str, np.ndarray]:
        return average_of(
            self.lowered, self.record / self.dimension, self.dimension, state["totals"]
        )
