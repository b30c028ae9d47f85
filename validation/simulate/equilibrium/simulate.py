r"""Equilibrium networks of N units: :math:`z\leftarrow(1-\alpha)z+\alpha\varphi(Wz+x)` from 0."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....solvers.core import random
from ....solvers.core.blas import one_thread
from ....solvers.core.curve import Curve
from ....solvers.core.runner import Crew
from ....solvers.core.runs import Run, ensemble, whole_or_partial
from ....solvers.equilibrium.site import Site, functions_of, site_of_functions
from ....solvers.equilibrium.solve import provenance
from ....theory.core.checks import ensemble_size
from ....theory.core.time_grid import whole_steps
from ....theory.equilibrium.derive import check
from ....theory.equilibrium.problem import EquilibriumNetwork
from ....theory.methods.base import Method

Array = NDArray[np.float64]
#: |z|² beyond which an iteration has diverged, and the residual at which it has converged
_LARGEST, CONVERGED = 1e200, 1e-10


def simulate(
    problem: EquilibriumNetwork,
    method: Method,
    until: float | None = None,
    *,
    times: Any = None,
    points: int = 101,
    runs: int = 64,
    seed: int | np.random.SeedSequence | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
    progress: bool | None = None,
) -> Curve:
    """Iterate random networks of ``problem.size`` units.

    Parameters
    ----------
    problem : EquilibriumNetwork
    method : FixedPointIteration
    until : float, optional
        Number of steps.
    times, points : array_like, int
        Steps to record, or how many equal ones from 0.
    runs, seed, workers, executor, progress
        Every run draws its own matrix and input; run k from (entropy, spawn_key + (k,)).

    Returns
    -------
    Curve
        "q" and "loss", as from `solve`; ``provenance["converged"]`` is the fraction of runs whose
        residual |φ(Wz + x) − z|/√N ends below 1e-10. Runs that diverge are NaN from there on.
    """
    check(problem, method)
    runs, steps = ensemble_size("runs", runs), whole_steps(until, times, points)
    sequence = random.seed_sequence(seed)
    site = site_of_functions(problem, functions_of(problem))

    def work(k: int) -> Run:
        rng = np.random.Generator(np.random.Philox(random.child(sequence, k)))
        with one_thread():
            W, x = draw(problem, rng)
            return _one(site, W, x, float(method.rate), steps)

    def curve(found: list[Run]) -> Curve:
        ends = np.array([np.sqrt(2 * values[1, -1]) for values, _ in found])
        return ensemble(
            steps.astype(float),
            ("q", "loss"),
            found,
            f"{method.label}, N = {problem.size}",
            provenance(problem, method, "simulate")
            | {"runs": len(found), "converged": float(np.mean(ends < CONVERGED))},
            steps=steps,
            kind="simulation",
        )

    return whole_or_partial(lambda: Crew(workers, executor, progress).each(work, runs), curve)


def draw(problem: EquilibriumNetwork, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw W and x of a network."""
    N = problem.size
    x = rng.standard_normal(N)
    if problem.inputs == "quantiles":
        from scipy.special import ndtri

        x = rng.permutation(ndtri((np.arange(N) + 0.5) / N))
    return problem.scale * matrix(problem, rng), problem.input_scale * x


def matrix(problem: EquilibriumNetwork, rng: np.random.Generator) -> Array:
    """A matrix of the ensemble with N Var = 1."""
    N, kind = problem.size, problem.kind
    normal = rng.standard_normal((N, N)) / np.sqrt(N)
    if kind == "ginibre":
        return normal
    if kind in ("haar", "symmetric-orthogonal"):
        Q, R = np.linalg.qr(normal)
        Q = Q * np.sign(np.diag(R))
        if kind == "haar":
            return Q
        return (Q * np.where(np.arange(N) < N // 2, 1.0, -1.0)) @ Q.T
    # symmetric and antisymmetric parts, the diagonal of variance (1 + τ)/N
    tau = problem.tau
    even, odd = (normal + normal.T) / np.sqrt(2), (normal - normal.T) / np.sqrt(2)
    return np.asarray(np.sqrt((1 + tau) / 2) * even + np.sqrt((1 - tau) / 2) * odd)


def _one(site: Site, W: Array, x: Array, rate: float, steps: NDArray[np.int64]) -> Run:
    """One run, and the step by which it had diverged."""
    z, found, place = np.zeros(x.size), np.full((2, steps.size), np.nan), 0
    for t in range(int(steps[-1]) + 1):
        with np.errstate(over="ignore", invalid="ignore"):
            following = site.phi(W @ z + x)
            length = float(np.mean(z**2))
        if not length <= _LARGEST:
            return found, t
        if t == steps[place]:
            found[:, place] = length, float(np.mean((following - z) ** 2)) / 2
            place += 1
        z = site.after(z, following, rate)
    return found, None
