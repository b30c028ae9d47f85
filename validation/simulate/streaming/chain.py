"""Engine for few distinct eigenvalues: the exact chain of one distance an eigenvalue."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ....solvers.core import random
from ....solvers.core.compile import load
from .engine import Engine, own, power_of_two
from .noise import NoiseStream

#: random numbers of one kind in a block
BUFFER = 2**13
_CHI_SQUARES = Path(__file__).parent / "kernels" / "chi_squares.py"


def chi_squares() -> ModuleType:
    """The compiled sampler, the same for every method."""
    return load(random.source(), _CHI_SQUARES)


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

    @classmethod
    def of(cls, problem: Any, lowered: Any, record: np.ndarray) -> Any:
        """The engine of a problem and a method."""
        law = problem.covariance
        distances = np.sqrt(2 * problem.energies())
        parts = (law.dimension, own(law.eigenvalues), own(law.multiplicities), own(distances))
        return ReducedChain(lowered, problem.noise, record, *parts)

    @property
    def most(self) -> int:
        return max(1, BUFFER // power_of_two(self._width))

    @property
    def _width(self) -> int:
        """Normals a step: one an eigenspace, and in a batch one a sample beside them."""
        return self.start.size + (self.batch if self.batch > 1 else 0)

    def prepare(self) -> None:
        super().prepare()
        chi_squares()

    def stream(self, sequence: np.random.SeedSequence) -> SphereStream:
        return SphereStream(
            self.noise, sequence, self.multiplicities, self._width, self.batch, self.most
        )

    def begin(self) -> dict[str, Any]:
        roots = np.sqrt(self.eigenvalues)
        risks = np.full(self.record.size, np.nan)
        risks[0] = 0.5 * np.sum((roots * self.start) ** 2)
        trace = float(self.eigenvalues @ self.multiplicities)
        return {
            "q": self.start.copy(),
            "roots": roots,
            "trace": trace,
            "risks": risks,
            "p": self.lowered.parameters.copy(),
        }

    def advance(self, state: dict[str, Any], seen: tuple[Any, ...], first: int) -> None:
        self.module.advance(
            state["q"],
            state["roots"],
            state["trace"],
            *seen,
            first,
            float(self.dimension),
            *self.lowered.form,
            self.record,
            state["risks"],
            state["p"],
        )

    def is_finite(self, state: dict[str, Any]) -> bool:
        return bool(np.isfinite(state["q"]).all())

    def quantities(self, state: dict[str, Any]) -> dict[str, np.ndarray]:
        return {"risk": state["risks"]}


class SphereStream:
    """Of each step and eigenspace: the part along delta, and the square of what is across.

    Parameters
    ----------
    noise : Noise
    sequence : SeedSequence
        Of the run.
    multiplicities : (m,) array
    width, batch : int
        Normals and label noises of a step.
    most : int
        Steps of the largest block.
    """

    def __init__(
        self,
        noise: Any,
        sequence: np.random.SeedSequence,
        multiplicities: np.ndarray,
        width: int,
        batch: int,
        most: int,
    ) -> None:
        freedoms = np.tile(multiplicities - 1.0, most)
        shapes = 0.5 * freedoms - 1.0 / 3.0
        slopes = np.where(freedoms < 2, np.nan, 1 / np.sqrt(9 * np.maximum(shapes, 0.5)))
        self._laws = (freedoms, shapes, slopes)
        self._spaces, self._width, self._batch = multiplicities.size, width, batch
        self._key, self._noise = random.key(random.child(sequence, 0)), NoiseStream(noise, sequence)
        self._normals = np.empty(random.padded(most * width), dtype=np.float32)
        size = random.padded(freedoms.size)
        self._work, self._doubles = np.empty(size, dtype=np.float32), np.empty((2, size))

    def next(self, first: int, steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Normals, chi-square numbers (steps * m,) and noise; valid until the next call."""
        normals = self._normals[: random.padded(steps * self._width)]
        n, group = steps * self._spaces, np.uint64(first)
        work = self._work[: random.padded(n)]
        uniforms, rests = self._doubles[:, : random.padded(n)]
        random.kernels().fill_normals(self._key, group, np.uint32(0), normals)
        laws = (law[:n] for law in self._laws)
        chi_squares().fill_chi_squares(*laws, self._key, group, work, uniforms, rests[:n])
        return normals, rests, self._noise.next(steps * self._batch)
