"""Engines that see whole samples: Gaussian rows with a dense covariance, or rows of data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.core import random
from .engine import FEWEST, Engine, growing, own, power_of_two
from .noise import NoiseStream


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
    def most(self) -> int:
        steps = min(power_of_two(max(256, self.dimension)), 2048)
        return max(1, max(64, min(steps, power_of_two(2**20 / self.dimension))) // self.batch)

    def begin(self) -> dict[str, Any]:
        states = np.full((self.record.size, self.start.size), np.nan)
        states[0] = self.start
        return {
            "delta": self.start.copy(),
            "states": states,
            "root_trace": float(np.sqrt(np.trace(self.covariance))),
            "p": self.lowered.parameters.copy(),
        }

    def advance(self, state: dict[str, Any], seen: tuple[Any, ...], first: int) -> None:
        self.module.advance(
            state["delta"],
            *seen,
            first,
            *self.lowered.form,
            state["root_trace"],
            self.record,
            state["states"],
            state["p"],
        )

    def is_finite(self, state: dict[str, Any]) -> bool:
        return bool(np.isfinite(state["delta"]).all())

    def quantities(self, state: dict[str, Any]) -> dict[str, np.ndarray]:
        states = state["states"]
        return {"risk": 0.5 * np.einsum("ti,ti->t", states @ self.covariance, states)}


@dataclass(frozen=True, eq=False)
class DenseEngine(SampleEngine):
    """Gaussian samples x = F z, F Fᵀ = K, a block of them by one product of float32 matrices.

    The product rounds the samples to about 1e-7 of their size; the state stays float64.

    Parameters
    ----------
    root : (d, d) float32 array
        Transpose of F.
    """

    root: np.ndarray

    name = "dense"

    @classmethod
    def of(cls, problem: Any, lowered: Any, record: np.ndarray) -> Any:
        """The engine of a problem and a method."""
        law = problem.covariance
        root = np.sqrt(law.eigenvalues)[:, None] * law.eigenvectors.T
        root = np.ascontiguousarray(root, dtype=np.float32)
        parts = (law.dimension, own(problem.delta()), own(law.matrix), root)
        return DenseEngine(lowered, problem.noise, record, *parts)

    def stream(self, sequence: np.random.SeedSequence) -> GaussianRows:
        return GaussianRows(self.noise, sequence, self.root, self.batch, self.most)


class GaussianRows:
    """Rows (steps, d) of a block, and label noise."""

    def __init__(
        self,
        noise: Any,
        sequence: np.random.SeedSequence,
        root: np.ndarray,
        batch: int,
        most: int,
    ) -> None:
        self._root, self._key = root, random.key(random.child(sequence, 0))
        self._noise, self._batch, self._most = NoiseStream(noise, sequence), batch, most
        rows = most * batch
        self._normals = np.empty(random.padded(rows * len(root)), dtype=np.float32)
        self._samples = np.empty((rows, len(root)), dtype=np.float32)

    def next(self, first: int, steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Samples, which of them each step sees, and noise; valid until the next call.

        The block is always made whole: a product of fewer rows may round its rows otherwise.
        """
        rows, width = growing(first, FEWEST, self._most) * self._batch, len(self._root)
        normals = self._normals[: random.padded(rows * width)]
        random.kernels().fill_normals(self._key, np.uint64(first), np.uint32(0), normals)
        gaussian, samples = normals[: rows * width].reshape(rows, width), self._samples[:rows]
        np.matmul(gaussian, self._root, out=samples)
        seen = steps * self._batch
        return samples, np.arange(seen), self._noise.next(seen)


@dataclass(frozen=True, eq=False)
class RowEngine(SampleEngine):
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

    def stream(self, sequence: np.random.SeedSequence) -> DrawnRows:
        return DrawnRows(sequence, self.rows, self.residuals, self.batch, self.most)

    def quantities(self, state: dict[str, Any]) -> dict[str, np.ndarray]:
        risk = super().quantities(state)["risk"]
        floor = 0.5 * float(np.mean(self.residuals**2))
        return {"risk": risk, "loss": risk - state["states"] @ self.bias + floor}


class DrawnRows:
    """Rows of data drawn with replacement, and their residuals."""

    def __init__(
        self,
        sequence: np.random.SeedSequence,
        rows: np.ndarray,
        residuals: np.ndarray,
        batch: int,
        most: int,
    ) -> None:
        self._generator = np.random.default_rng(random.child(sequence, 1))
        self._rows, self._residuals = rows, residuals
        self._batch, self._most = batch, most

    def next(self, first: int, steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """All rows, which of them each step sees, and the residuals of those."""
        drawn = growing(first, FEWEST, self._most) * self._batch
        chosen = self._generator.integers(0, len(self._rows), drawn)[: steps * self._batch]
        return self._rows, chosen, self._residuals[chosen]
