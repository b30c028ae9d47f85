"""Streaming SGD with diagonal K in other libraries: φ ← φ − (η/d)(z·φ − ε) λ z, R = |φ|²/2.

The state φ = √λ δ is the cheapest one, so that a sample is a row of standard normals for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

import limitlab as ll

from .clipping import EXPONENT, NOISE, RATE
from .clock import Call
from .peers import jax, torch


@dataclass(frozen=True, eq=False)
class Stream:
    """`runs` runs of `steps` steps in dimension d."""

    d: int
    runs: int
    steps: int

    @property
    def units(self) -> int:
        """Coordinates × steps × runs."""
        return self.d * self.steps * self.runs

    @property
    def until(self) -> float:
        return self.steps / self.d

    @cached_property
    def problem(self) -> ll.LeastSquares:
        return ll.LeastSquares(ll.power_law(self.d, EXPONENT), ll.Gaussian(NOISE))

    @cached_property
    def variances(self) -> np.ndarray:
        return np.array(self.problem.covariance.diagonal)

    @cached_property
    def start(self) -> np.ndarray:
        return np.sqrt(self.variances) * self.problem.delta()


def by_numpy_batch(stream: Stream) -> Call:
    """All runs at once, float32, SFC64."""
    pull = (RATE / stream.d * stream.variances).astype(np.float32)
    start, noise = stream.start.astype(np.float32), np.float32(NOISE)
    generator = np.random.Generator(np.random.SFC64(1))

    def call() -> np.ndarray:
        phi = np.tile(start, (stream.runs, 1))
        z = np.empty_like(phi)
        for _ in range(stream.steps):
            generator.standard_normal(out=z, dtype=np.float32)
            residual = np.einsum("ij,ij->i", z, phi)
            residual -= noise * generator.standard_normal(stream.runs, dtype=np.float32)
            z *= pull
            z *= residual[:, None]
            phi -= z
        return 0.5 * np.einsum("ij,ij->i", phi, phi)

    return call


def by_numpy_runs(stream: Stream) -> Call:
    """One run after the other, float64, the state in the processor's cache."""
    pull = RATE / stream.d * stream.variances
    generator = np.random.Generator(np.random.SFC64(1))

    def run() -> float:
        phi, z = stream.start.copy(), np.empty(stream.d)
        for _ in range(stream.steps):
            generator.standard_normal(out=z)
            residual = z @ phi - NOISE * generator.standard_normal()
            z *= pull
            z *= residual
            phi -= z
        return 0.5 * (phi @ phi)

    return lambda: np.array([run() for _ in range(stream.runs)])


def by_numba(stream: Stream) -> Call:
    from numba import njit

    @njit
    def run(generator, start, pull, noise, steps, risks):
        z = np.empty(start.size)
        for k in range(risks.size):
            phi = start.copy()
            for _ in range(steps):
                residual = -noise * generator.standard_normal()
                for i in range(z.size):
                    z[i] = generator.standard_normal()
                    residual += z[i] * phi[i]
                for i in range(z.size):
                    phi[i] -= residual * pull[i] * z[i]
            risks[k] = 0.5 * np.sum(phi * phi)

    pull, risks = RATE / stream.d * stream.variances, np.empty(stream.runs)
    generator = np.random.Generator(np.random.SFC64(1))

    def call() -> np.ndarray:
        run(generator, stream.start, pull, NOISE, stream.steps, risks)
        return risks.copy()

    return call


def by_jax(stream: Stream) -> Call:
    """scan over steps, vmap over runs, float32."""
    library = jax()
    jnp, kind = library.numpy, library.numpy.float32
    pull = jnp.asarray(RATE / stream.d * stream.variances, kind)
    start = jnp.asarray(stream.start, kind)

    def run(key: Any) -> Any:
        def step(phi: Any, key: Any) -> Any:
            draws = library.random.normal(key, (stream.d + 1,), kind)
            z = draws[:-1]
            residual = z @ phi - kind(NOISE) * draws[-1]
            return phi - residual * pull * z, None

        phi, _ = library.lax.scan(step, start, library.random.split(key, stream.steps))
        return 0.5 * (phi @ phi)

    runs = library.jit(library.vmap(run))
    keys = library.random.split(library.random.key(1), stream.runs)
    return lambda: np.asarray(runs(keys))


def by_torch(stream: Stream) -> Call:
    """All runs at once, float32."""
    library = torch()
    pull = library.tensor(RATE / stream.d * stream.variances, dtype=library.float32)
    start = library.tensor(stream.start, dtype=library.float32)

    @library.no_grad()
    def call() -> np.ndarray:
        phi = start.repeat(stream.runs, 1)
        z = library.empty_like(phi)
        for _ in range(stream.steps):
            z.normal_()
            residual = (z * phi).sum(1) - NOISE * library.randn(stream.runs)
            phi.sub_(z.mul_(pull).mul_(residual[:, None]))
        return 0.5 * (phi * phi).sum(1).numpy()

    return call
