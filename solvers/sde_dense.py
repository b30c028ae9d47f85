"""The limiting SDE of coordinate-wise methods for a dense covariance.

With left vectors w_i of D^(-1/2) K, x_i = w_iᵀ δ obeys dx = −(A/2) λ x dt + √(2B/d) G dW with
G Gᵀ = Wᵀ K_σ W, and R = ½ Σ λ_i x_i². The exact diffusion has K_σ − m mᵀ in place of K_σ (derived
here, after arXiv 2411.12135). Paths advance in blocks of fixed size: one matrix product a step and
block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .coefficients import NO_TABLE, Coefficients
from .compile import load, writable
from .sde import Seed, check_finite, each, root_of, stream

Array = NDArray[np.float64]

#: paths that advance together; part of the definition of the ensemble's rounding, so not a knob
BLOCK = 32
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

    def risk(self, x: Array) -> Array:
        """Return R of each row of x."""
        return 0.5 * (x * x) @ self.rates

    def step(
        self, x: Array, drift: Array, noise: Array, h: float, normals: Array, exact: bool
    ) -> Array:
        """Advance each row with its frozen A and B over h."""
        pull = 0.5 * drift[:, None] * self.rates
        contraction = np.exp(-pull * h)
        exponent = 2.0 * pull * h
        share = np.sqrt(
            np.where(exponent > 1e-12, -np.expm1(-exponent) / np.maximum(exponent, 1e-12), 1.0)
        )
        strength = np.sqrt(2.0 * noise)[:, None]
        if exact:
            normals = self._without_mean(pull * x * np.sqrt(contraction), strength, normals)
        return contraction * x + strength * np.sqrt(h / x.shape[1]) * share * (
            normals @ self.factor.T
        )

    def _without_mean(self, mean: Array, strength: Array, normals: Array) -> Array:
        v = np.divide(mean @ self.inverse.T, strength, out=np.zeros_like(mean), where=strength > 0)
        square = np.sum(v * v, axis=1)
        scale = np.where(
            square > 1, 1 / np.maximum(square, 1), 1 / (1 + np.sqrt(np.maximum(1 - square, 0)))
        )
        return normals - v * (np.sum(v * normals, axis=1) * scale)[:, None]


def dense_paths(
    coefficients: Coefficients,
    modes: DenseModes,
    times: Array,
    steps: NDArray[np.int64],
    *,
    paths: int,
    seed: Seed = None,
    exact: bool = True,
    workers: int | None = None,
    progress: bool | None = False,
    table: Array = NO_TABLE,
) -> Array:
    """Return the risk of every path, (paths, T); parameters as `sde.diagonal_paths`."""
    coefficients_of = load(coefficients.source, "sde").coefficients_of
    root = root_of(seed)

    def read(risk: Array, t: float) -> tuple[Array, Array]:
        return coefficients_of(writable(risk), t, coefficients.law, table, np.ones(2))

    def block(index: int) -> Array:
        chosen = range(index * BLOCK, min((index + 1) * BLOCK, paths))
        return _advance_block([stream(root, k) for k in chosen], modes, times, steps, read, exact)

    blocks = each(block, -(-paths // BLOCK), workers, progress)
    return check_finite(np.concatenate(blocks), times, steps)


def _advance_block(
    generators, modes: DenseModes, times: Array, steps: NDArray[np.int64], read, exact: bool
) -> Array:
    x = np.tile(modes.start, (len(generators), 1))
    risk = np.empty((len(generators), times.size))
    risk[:, 0] = modes.risk(x)
    source = 0.5 * modes.rates @ np.sum(modes.factor**2, axis=1) * 2.0 / x.shape[1]
    for k in range(times.size - 1):
        h = (times[k + 1] - times[k]) / steps[k]
        for i in range(steps[k]):
            t = times[k] + i * h
            drift, noise = _midpoint(modes, x, source, t, h, read)
            normals = np.array([generator.standard_normal(x.shape[1]) for generator in generators])
            x = modes.step(x, drift, noise, h, normals, exact)
        risk[:, k + 1] = modes.risk(x)
    return risk


def _midpoint(
    modes: DenseModes, x: Array, source: float, t: float, h: float, read
) -> tuple[Array, Array]:
    """Return each row's A and B at the middle of the step, the risk there predicted by the
    drift."""
    risk = modes.risk(x)
    drift, noise = read(risk, t)
    loss = 0.5 * (x * x) @ modes.rates**2
    ahead = risk + 0.5 * h * (noise * source - drift * loss)
    return read(np.maximum(ahead, 0.25 * risk), t + 0.5 * h)
