"""Engines that see whole samples: Gaussian rows with a dense covariance, or rows of data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...solvers import random
from .engine import Engine, NoiseStream, power_of_two


@dataclass(frozen=True, eq=False)
class SampleEngine(Engine):
    """State delta in the coordinates of the algorithm.

    Parameters
    ----------
    start : (d,) array
        delta(0).
    covariance : (d, d) array
        K of the stream, for the risk.
    """

    start: np.ndarray
    covariance: np.ndarray

    template = "sample_chain"

    @property
    def block(self) -> int:
        steps = min(power_of_two(max(256, self.dimension)), 2048)
        return max(64, min(steps, power_of_two(2**20 / self.dimension)))

    def begin(self, sequence: np.random.SeedSequence) -> dict[str, Any]:
        states = np.full((self.record.size, self.start.size), np.nan)
        states[0] = self.start
        return {
            "delta": self.start.copy(),
            "states": states,
            "root_trace": float(np.sqrt(np.trace(self.covariance))),
        }

    def steps(
        self, state: dict[str, Any], samples: np.ndarray, chosen: np.ndarray, noise: np.ndarray,
        first: int,
    ) -> None:  # fmt: skip
        """Let the algorithm see the chosen samples."""
        self.module.advance(
            state["delta"], samples, chosen, noise, first, self.lowered.acts_on,
            state["root_trace"], self.record, state["states"], self.lowered.parameters,
        )  # fmt: skip

    def is_finite(self, state: dict[str, Any]) -> bool:
        return bool(np.isfinite(state["delta"]).all())

    def quantities(self, state: dict[str, Any]) -> dict[str, np.ndarray]:
        states = state["states"]
        return {"risk": 0.5 * np.einsum("ti,ti->t", states @ self.covariance, states)}


@dataclass(frozen=True, eq=False)
class DenseStream(SampleEngine):
    """Gaussian samples x = F z, F Fᵀ = K, a block of them by one product of float32 matrices.

    The product rounds the samples to about 1e-7 of their size; the state stays float64.

    Parameters
    ----------
    root : (d, d) float32 array
        Transpose of F.
    """

    root: np.ndarray

    name = "dense"

    def begin(self, sequence: np.random.SeedSequence) -> dict[str, Any]:
        size = self.block * self.dimension
        return super().begin(sequence) | {
            "key": random.key(random.child(sequence, 0)),
            "noise": NoiseStream(self.noise, sequence, self.block),
            "normals": np.empty(random.padded(size), dtype=np.float32),
            "samples": np.empty((self.block, self.dimension), dtype=np.float32),
        }

    def advance(self, state: dict[str, Any], first: int, steps: int) -> None:
        normals, samples = state["normals"], state["samples"]
        group = np.uint64(first // self.block)
        self.module.fill_normals(state["key"], group, np.uint32(0), normals)
        np.matmul(normals[: samples.size].reshape(samples.shape), self.root, out=samples)
        self.steps(state, samples, np.arange(steps), state["noise"].next(steps), first)


@dataclass(frozen=True, eq=False)
class RowStream(SampleEngine):
    """Rows of data, drawn with replacement.

    Parameters
    ----------
    rows : (n, d) array
    residuals : (n,) array
        y − Xθ*, the label noise of each row.
    bias : (d,) array
        Xᵀ(y − Xθ*)/n: zero at the least squares solution, not at a ridge solution.
    """

    rows: np.ndarray
    residuals: np.ndarray
    bias: np.ndarray

    name = "rows"

    def begin(self, sequence: np.random.SeedSequence) -> dict[str, Any]:
        return super().begin(sequence) | {
            "generator": np.random.default_rng(random.child(sequence, 1))
        }

    def advance(self, state: dict[str, Any], first: int, steps: int) -> None:
        chosen = state["generator"].integers(0, len(self.rows), self.block)[:steps]
        self.steps(state, self.rows, chosen, self.residuals[chosen], first)

    def quantities(self, state: dict[str, Any]) -> dict[str, np.ndarray]:
        risk = super().quantities(state)["risk"]
        floor = 0.5 * float(np.mean(self.residuals**2))
        return {"risk": risk, "loss": risk - state["states"] @ self.bias + floor}
