"""The limiting SDE of coordinate-wise methods for a dense covariance.

With left vectors w_i of D^(-1/2) K, x_i = w_iᵀ δ obeys dx = −(A/2) λ x dt + √(2B/d) G dW with
G Gᵀ = Wᵀ K_σ W, and R = ½ Σ λ_i x_i². The exact diffusion has 2B G Gᵀ + (E/4) (Λx)(Λx)ᵀ in place
of 2B G Gᵀ, with part E of the covariance of a step: −m mᵀ for one sample, m its mean; more where
samples share their residuals or a vote (derived here, after arXiv 2411.12135). Paths advance in
blocks of fixed size: one matrix product a step and block.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core import random
from ..core.compile import load, writable
from .coefficients import Coefficients
from .sde import Seed, check_finite, in_blocks
from .sde_steps import Blocks, Plan, joined, noise_blocks

Array = NDArray[np.float64]

_JITTER = 1e-10


@dataclass(frozen=True, eq=False)
class DenseModes:
    """Start, decay rates and noise factor in the coordinates x_i = w_iᵀ δ.

    Parameters
    ----------
    start, rates : (d,) arrays
    factor, inverse : (d, d) arrays
        G and its inverse.
    """

    start: Array
    rates: Array
    factor: Array
    inverse: Array

    @classmethod
    def of(cls, geometry: Any, delta: Array) -> DenseModes:
        """Return the modes of a `SignGeometry` and a start δ(0)."""
        noise = geometry.sign_covariance + _JITTER * np.eye(delta.size)
        root = np.linalg.cholesky(noise)
        factor = geometry.left.T @ root
        inverse = np.linalg.solve(root, np.linalg.pinv(geometry.left.T))
        return cls(geometry.left.T @ delta, geometry.rates, factor, inverse)

    @property
    def source(self) -> float:
        """Σ c_i."""
        return float(self.rates @ np.sum(self.factor**2, axis=1)) / self.rates.size

    def risk(self, x: Array) -> Array:
        """Return R of each row of x."""
        return 0.5 * (x * x) @ self.rates

    def step(
        self, x: Array, drift: Array, noise: Array, pair: Array, h: float, normals: Array
    ) -> Array:
        """Advance each row with its frozen A, B and E over h."""
        pull = 0.5 * drift[:, None] * self.rates
        contraction = np.exp(-pull * h)
        exponent = 2.0 * pull * h
        share = np.sqrt(
            np.where(exponent > 1e-12, -np.expm1(-exponent) / np.maximum(exponent, 1e-12), 1.0)
        )
        strength = np.sqrt(2.0 * noise)[:, None]
        flow = self.rates * x * np.sqrt(contraction)
        normals = self._with_pair(flow, pair, strength, normals)
        return contraction * x + strength * np.sqrt(h / x.shape[1]) * share * (
            normals @ self.factor.T
        )

    def _with_pair(self, flow: Array, pair: Array, strength: Array, normals: Array) -> Array:
        """Stretch or shorten each row of normals along v = ½ √|E| G⁻¹ flow/strength, so that
        their covariance is 1 ± v vᵀ."""
        v, sign = (flow @ self.inverse.T) * (0.5 * np.sqrt(np.abs(pair)))[:, None], np.sign(pair)
        v = np.divide(v, strength, out=np.zeros_like(v), where=strength > 0)
        square = np.sum(v * v, axis=1)
        stretch = 1 + np.sqrt(np.maximum(1 + sign * square, 0))
        # a negative part that exceeds the whole leaves nothing along v
        scale = np.where(sign * square < -1, -1 / np.maximum(square, 1), sign / stretch)
        return normals + v * (np.sum(v * normals, axis=1) * scale)[:, None]


@dataclass(frozen=True, eq=False)
class DenseSde:
    """The SDE of x with its numbers.

    Parameters
    ----------
    coefficients : Coefficients
        Their source holds the four parts of the noise too (`sde.PUBLISHED` for the papers' SDE).
    modes : DenseModes
    tables : tuple of arrays
        `Coefficients.table` and `noise_table`.
    """

    coefficients: Coefficients
    modes: DenseModes
    tables: tuple[Array, Array]

    def read(self, risk: Array, t: float) -> tuple[Array, Array]:
        """Return A and B at each risk."""
        kernel = load(self.coefficients.source, "streaming/sde").coefficients_of
        return kernel(writable(risk), t, self.coefficients.law, self.tables[0], np.ones(2))

    def pair(self, risk: Array, t: float) -> Array:
        """Return E at each risk."""
        kernel = load(self.coefficients.source, "streaming/sde").noise_parts_of
        return kernel(writable(risk), t, self.coefficients.law, self.tables[1])[1]

    def advance(self, x: Array, t: float, h: float, normals: Array) -> Array:
        """Step each row, with A and B at the middle, where the drift predicts the risk."""
        modes, risk = self.modes, self.modes.risk(x)
        drift, noise = self.read(risk, t)
        loss = 0.5 * (x * x) @ modes.rates**2
        ahead = risk + 0.5 * h * (noise * modes.source - drift * loss)
        ahead, middle = np.maximum(ahead, 0.25 * risk), t + 0.5 * h
        drift, noise = self.read(ahead, middle)
        return modes.step(x, drift, noise, self.pair(ahead, middle), h, normals)

    def walk(self, plan: Plan, noise: Iterable[Array], count: int) -> Array:
        """Return the risks (count, T) of paths that advance together.

        Parameters
        ----------
        plan : Plan
        noise : iterable of (count, d) arrays
            The normals of each step.
        count : int
        """
        x = np.tile(self.modes.start, (count, 1))
        risk = np.tile(self.modes.risk(x)[:, None], 1 + plan.record.max())
        for t, h, slot, normals in zip(plan.starts, plan.sizes, plan.record, noise, strict=True):
            x = self.advance(x, float(t), float(h), normals)
            if slot >= 0:
                risk[:, slot] = self.modes.risk(x)
        return risk


def _together(streams: list[Blocks]) -> Iterator[Array]:
    """Yield the normals (paths, d) of each step."""
    for parts in zip(*streams, strict=True):
        for i in range(len(parts[0][1])):
            yield np.array([block[i] for _, block in parts], dtype=float)


def dense_paths(
    sde: DenseSde,
    times: Array,
    counts: NDArray[np.int64],
    *,
    paths: int,
    seed: Seed = None,
    coarse: bool = False,
    workers: int | None = None,
    progress: bool | None = False,
) -> Array:
    """Return the risk of every path, (paths, T); parameters as `sde.energy_paths`."""
    plan, root = Plan.of(times, counts), random.seed_sequence(seed)
    walked = plan.joined() if coarse else plan

    def some(chosen: range) -> Array:
        keys = [random.key(random.child(root, k)) for k in chosen]
        streams = [noise_blocks(key, sde.modes.rates.size, plan.count) for key in keys]
        noise = _together([joined(blocks) for blocks in streams] if coarse else streams)
        return sde.walk(walked, noise, len(chosen))

    return check_finite(in_blocks(some, paths, workers, progress), times, counts)
