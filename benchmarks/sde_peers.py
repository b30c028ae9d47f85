"""Euler–Maruyama for the limiting SDE of clipped SGD in other libraries.

dz_i = −(A/2) λ_i z_i dt + √(2 B c_i) dW_i with R = ½ Σ z_i²; a function returns the last risks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from . import clipping
from .clipping import NOISE, RATE, Case
from .clock import Call
from .peers import diffrax, jax, torch, torchsde


@dataclass(frozen=True, eq=False)
class Ensemble:
    """`paths` paths of `steps` equal steps up to the horizon of a case."""

    case: Case
    paths: int
    steps: int

    @property
    def step(self) -> float:
        return float(self.case.times[-1]) / self.steps

    @property
    def units(self) -> int:
        """Modes × steps × paths."""
        return self.case.m * self.steps * self.paths

    @cached_property
    def start(self) -> np.ndarray:
        return np.sqrt(2 * self.case.modes.energies)

    @cached_property
    def pulls(self) -> np.ndarray:
        """η λ_i, so that A λ_i/2 = pulls · E ψ′."""
        return RATE * self.case.modes.rates

    @cached_property
    def spreads(self) -> np.ndarray:
        """η √c_i, so that √(2 B c_i) = spreads · √(E ψ²)."""
        return RATE * np.sqrt(self.case.modes.sources)

    @cached_property
    def increments(self) -> tuple[np.ndarray, np.ndarray]:
        """The same for one step."""
        return self.pulls * self.step, self.spreads * np.sqrt(self.step)

    def shortened(self, steps: int) -> Ensemble:
        """The first steps of it."""
        case = Case(self.case.m, self.case.horizon * steps / self.steps, self.case.outputs)
        return Ensemble(case, self.paths, steps)


def by_numpy(ensemble: Ensemble) -> Call:
    """All paths at once in float32, no array made within the loop but small ones."""
    moments = clipping.numpy_moments()
    pulls, spreads = (part.astype(np.float32) for part in ensemble.increments)
    start = ensemble.start.astype(np.float32)
    generator = np.random.Generator(np.random.SFC64(1))

    def call() -> np.ndarray:
        z = np.tile(start, (ensemble.paths, 1))
        noise, drift = np.empty_like(z), np.empty_like(z)
        for _ in range(ensemble.steps):
            slope, square = moments(np.einsum("ij,ij->i", z, z) + np.float32(NOISE**2))
            generator.standard_normal(out=noise, dtype=np.float32)
            noise *= spreads
            noise *= np.sqrt(square).astype(np.float32)[:, None]
            np.multiply(pulls, slope.astype(np.float32)[:, None], out=drift)
            drift *= z
            z -= drift
            z += noise
        return 0.5 * np.einsum("ij,ij->i", z, z)

    return call


def by_numba(ensemble: Ensemble) -> Call:
    from numba import njit

    moments = clipping.numba_moments()

    @njit
    def run(generator, start, pulls, spreads, steps, risks):
        for k in range(risks.size):
            z = start.copy()
            twice = 0.0
            for i in range(z.size):
                twice += z[i] * z[i]
            for _ in range(steps):
                slope, square = moments(twice + NOISE**2)
                root = np.sqrt(square)
                twice = 0.0
                for i in range(z.size):
                    noise = spreads[i] * root * generator.standard_normal()
                    z[i] += noise - pulls[i] * slope * z[i]
                    twice += z[i] * z[i]
            risks[k] = 0.5 * twice

    generator, risks = np.random.Generator(np.random.SFC64(1)), np.empty(ensemble.paths)

    def call() -> np.ndarray:
        run(generator, ensemble.start, *ensemble.increments, ensemble.steps, risks)
        return risks.copy()

    return call


def by_jax(ensemble: Ensemble) -> Call:
    """scan over steps, vmap over paths, float32."""
    library, moments = jax(), clipping.jax_moments()
    jnp = library.numpy
    pulls, spreads = (jnp.asarray(part, jnp.float32) for part in ensemble.increments)
    start = jnp.asarray(ensemble.start, jnp.float32)

    def path(key: Any) -> Any:
        def step(z: Any, key: Any) -> Any:
            slope, square = moments(z @ z + NOISE**2)
            noise = library.random.normal(key, z.shape, jnp.float32)
            return z - slope * pulls * z + jnp.sqrt(square) * spreads * noise, None

        z, _ = library.lax.scan(step, start, library.random.split(key, ensemble.steps))
        return 0.5 * (z @ z)

    run = library.jit(library.vmap(path))
    keys = library.random.split(library.random.key(1), ensemble.paths)
    return lambda: np.asarray(run(keys))


def by_diffrax(ensemble: Ensemble) -> Call:
    """Euler with UnsafeBrownianPath, the fastest of its Brownian motions."""
    import lineax

    library, dfx, moments = jax(), diffrax(), clipping.jax_moments()
    jnp = library.numpy
    pulls, spreads, start = map(jnp.asarray, (ensemble.pulls, ensemble.spreads, ensemble.start))
    end = ensemble.step * ensemble.steps

    def drift(t: Any, z: Any, args: Any) -> Any:
        return -moments(z @ z + NOISE**2)[0] * pulls * z

    def diffusion(t: Any, z: Any, args: Any) -> Any:
        root = jnp.sqrt(moments(z @ z + NOISE**2)[1])
        return lineax.DiagonalLinearOperator(root * spreads)

    def path(key: Any) -> Any:
        shape = library.ShapeDtypeStruct(start.shape, start.dtype)
        motion = dfx.UnsafeBrownianPath(shape, key)
        terms = dfx.MultiTerm(dfx.ODETerm(drift), dfx.ControlTerm(diffusion, motion))
        z = dfx.diffeqsolve(
            terms,
            dfx.Euler(),
            0.0,
            end,
            ensemble.step,
            start,
            max_steps=ensemble.steps + 2,
            saveat=dfx.SaveAt(t1=True),
            adjoint=dfx.DirectAdjoint(),
        ).ys[0]
        return 0.5 * (z @ z)

    run = library.jit(library.vmap(path))
    keys = library.random.split(library.random.key(1), ensemble.paths)
    return lambda: np.asarray(run(keys))


def by_torch(ensemble: Ensemble) -> Call:
    """All paths at once, float32."""
    library, moments = torch(), clipping.torch_moments()
    pulls, spreads, start = (
        library.tensor(part, dtype=library.float32)
        for part in (*ensemble.increments, ensemble.start)
    )

    @library.no_grad()
    def call() -> np.ndarray:
        z = start.repeat(ensemble.paths, 1)
        noise = library.empty_like(z)
        for _ in range(ensemble.steps):
            slope, square = moments((z * z).sum(1) + NOISE**2)
            noise.normal_()
            z.mul_(1 - slope[:, None] * pulls).add_(square.sqrt()[:, None] * spreads * noise)
        return 0.5 * (z * z).sum(1).numpy()

    return call


def by_torchsde(ensemble: Ensemble) -> Call:
    library, solver, moments = torch(), torchsde(), clipping.torch_moments()
    pulls, spreads, start = (
        library.tensor(part) for part in (ensemble.pulls, ensemble.spreads, ensemble.start)
    )

    class Equation(library.nn.Module):
        noise_type, sde_type = "diagonal", "ito"

        def f(self, t: Any, z: Any) -> Any:
            return -moments((z * z).sum(1) + NOISE**2)[0][:, None] * pulls * z

        def g(self, t: Any, z: Any) -> Any:
            return moments((z * z).sum(1) + NOISE**2)[1].sqrt()[:, None] * spreads

    times = library.tensor([0.0, ensemble.step * ensemble.steps], dtype=library.float64)

    @library.no_grad()
    def call() -> np.ndarray:
        z = start.repeat(ensemble.paths, 1)
        z = solver.sdeint(Equation(), z, times, dt=ensemble.step, method="euler")[-1]
        return 0.5 * (z * z).sum(1).numpy()

    return call
