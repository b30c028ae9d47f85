"""One unit w in d dimensions itself: on the population, on fresh batches, with drawn noise."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....solvers.core import random
from ....solvers.core.curve import Curve
from ....solvers.core.runner import Crew
from ....solvers.core.runs import Run, ensemble, whole_or_partial
from ....solvers.hessian.numbers import CEILING, numbers_of
from ....solvers.hessian.solve import QUANTITIES, described, observed
from ....theory.core.checks import ensemble_size
from ....theory.core.errors import NotAvailable
from ....theory.core.time_grid import whole_steps
from ....theory.hessian.derive import LIMITS, batched, check, derive
from ....theory.hessian.problem import SingleIndex
from ....theory.methods.base import Method
from ....theory.methods.gradient_descent import GradientDescent
from ....theory.methods.gradient_penalty import GradientPenalty
from ....theory.methods.sam import SAM
from ....theory.methods.weight_noise import WeightNoise
from . import population
from .population import Unit

Array = NDArray[np.float64]


def simulate(
    problem: SingleIndex,
    method: Method,
    until: float | None = None,
    *,
    times: Any = None,
    points: int = 101,
    runs: int = 20,
    seed: int | np.random.SeedSequence | None = None,
    workers: int | None = None,
    executor: Any = None,
    progress: bool | None = None,
) -> Curve:
    """Run the algorithm on one unit in d dimensions.

    Without a batch or drawn noise nothing is random: a single run, whose gradients of the
    population come from quadrature.

    Parameters
    ----------
    problem : SingleIndex
    method : GradientDescent, SGD, GradientPenalty, SAM or WeightNoise
        SAM and a gradient penalty use the same batch for both of their parts. Weight noise as such
        needs draws, each with samples of its own.
    until : float, optional
        Number of steps.
    times, points : array_like, int
        Steps to record, or how many equal ones from 0.
    runs : int
        Run k draws from (entropy, spawn_key + (k,)).
    seed, workers, executor, progress
        As in `solve`.

    Returns
    -------
    Curve
        As from ``solve``, every run; loss and traces are those of the population at its w.

    Raises
    ------
    NotAvailable
        Weight noise without draws; a penalty on tr H for an activation with a kink.
    """
    steps, runs = whole_steps(until, times, points), ensemble_size("runs", runs)
    drawn = _draws(method)
    _check(problem, method)
    sequence = random.seed_sequence(seed)
    watch = derive(problem, GradientDescent(float(method.rate)))
    numbers = (float(method.rate), *numbers_of(problem, GradientDescent(1.0))[1:])

    def run(k: int) -> Run:
        rng = np.random.Generator(np.random.Philox(random.child(sequence, k)))
        order = _run(problem, method, steps, rng)
        lost = np.flatnonzero(~np.isfinite(order[:, 0]))
        found = np.full((len(QUANTITIES), steps.size), np.nan)
        for place in np.flatnonzero(np.isfinite(order[:, 0])):
            found[:, place] = observed(watch, order[place], numbers)
        return found, int(steps[lost[0]]) if lost.size else None

    told = described(problem, method, LIMITS[0]) | {"source": "simulate"}
    if not drawn:
        told |= {"deterministic": True}

    def curve(found: list[Run]) -> Curve:
        return ensemble(
            steps.astype(float),
            QUANTITIES,
            found,
            f"{method.label}, d = {problem.dimension}",
            told | {"runs": len(found), "dimension": problem.dimension},
            steps=steps,
            kind="simulation",
        )

    count = runs if drawn else 1
    return whole_or_partial(lambda: Crew(workers, executor, progress).each(run, count), curve)


def _draws(method: Any) -> bool:
    """Whether anything is random."""
    return batched(method) or getattr(method, "draws", None) is not None


def _check(problem: SingleIndex, method: Any) -> None:
    """What `derive` refuses, but for batches, of which there is no theory."""
    if not (isinstance(method, (SAM, GradientPenalty)) and batched(method)):
        check(method, LIMITS[0])
    if isinstance(method, WeightNoise) and method.objective == "exact" and method.draws is None:
        remedy = "the algorithm draws its noise; give draws=, how many a step"
        raise NotAvailable("draws", None, remedy)


def _run(
    problem: SingleIndex, method: Any, steps: NDArray[np.int64], rng: np.random.Generator
) -> Array:
    """Q and R at the steps, (T, 2); NaN from where they ran away."""
    target, w = _start(problem)
    unit, rate = Unit(problem.activation), float(method.rate)
    found, place = np.full((steps.size, 2), np.nan), 0
    for t in range(int(steps[-1]) + 1):
        order = float(w @ w), float(w @ target)
        if not order[0] <= CEILING:
            break
        if t == steps[place]:
            found[place] = order
            place += 1
        if place < steps.size:
            w = w - rate * _direction(unit, method, w, target, rng)
    return found


def _start(problem: SingleIndex) -> tuple[Array, Array]:
    """w* on the first axis, w in the plane of the first two."""
    target, w = np.zeros((2, problem.dimension))
    target[0] = np.sqrt(problem.teacher)
    w[0] = problem.overlap / target[0]
    w[1] = np.sqrt(max(problem.norm - w[0] ** 2, 0.0))
    return target, w


def _direction(unit: Unit, method: Any, w: Array, target: Array, rng: Any) -> Array:
    """What a step subtracts, over the rate."""

    def parts() -> Any:
        if batched(method):
            return _Batch(unit, rng.standard_normal((method.batch, w.size)), target)
        return _Population(unit, target)

    if not isinstance(method, WeightNoise):
        return _explicit(parts(), method, w)
    if method.objective != "exact":
        return _Population(unit, target).penalised(w, method.variance, method.objective)
    sigma = np.sqrt(method.variance / w.size)
    points = (w + sigma * rng.standard_normal(w.size) for _ in range(int(method.draws or 1)))
    return np.mean([parts().gradient(point) for point in points], axis=0)


def _explicit(parts: Any, method: Any, w: Array) -> Array:
    """The direction of descent, of SAM, or of a gradient penalty."""
    g = parts.gradient(w)
    reach = getattr(method, "strength", getattr(method, "radius", 0.0))
    if reach and getattr(method, "normalised", False):
        reach = reach / max(float(np.linalg.norm(g)), 1e-300)
    if isinstance(method, SAM):
        return np.asarray(parts.gradient(w + reach * g))
    if isinstance(method, GradientPenalty):
        return np.asarray(g + reach * parts.hessian_times(w, g, method.hessian))
    return np.asarray(g)


class _Batch:
    """Gradients on samples."""

    def __init__(self, unit: Any, inputs: Array, target: Array) -> None:
        self.unit, self.inputs = unit, inputs
        self.labels = unit.value(inputs @ target)

    def gradient(self, w: Array) -> Array:
        here = self.inputs @ w
        error = self.unit.value(here) - self.labels
        return np.asarray((error * self.unit.slope(here)) @ self.inputs / len(here))

    def hessian_times(self, w: Array, g: Array, part: str) -> Array:
        """On samples φ'' of a kink is 0 almost surely, as automatic differentiation has it."""
        here = self.inputs @ w
        curved = self.unit.slope(here) ** 2
        if part == "full":
            curved = curved + (self.unit.value(here) - self.labels) * self.unit.bend(here)
        return np.asarray((curved * (self.inputs @ g)) @ self.inputs / len(here))


class _Population:
    """Gradients of the population, on w and w*."""

    def __init__(self, unit: Any, target: Array) -> None:
        self.unit, self.target = unit, target
        self.size = float(target @ target)

    def _order(self, w: Array) -> tuple[float, float]:
        return float(w @ w), float(w @ self.target)

    def _vector(self, c: Array, w: Array) -> Array:
        return np.asarray(c[0] * w + c[1] * self.target)

    def gradient(self, w: Array) -> Array:
        return self._vector(population.gradient(self.unit, self._order(w), self.size), w)

    def hessian_times(self, w: Array, g: Array, part: str) -> Array:
        plane = np.stack([w, self.target], axis=1)
        on = np.asarray(np.linalg.lstsq(plane, g, rcond=None)[0], dtype=np.float64)
        c = population.hessian_times(self.unit, self._order(w), self.size, on, part)
        return self._vector(c, w)

    def penalised(self, w: Array, variance: float, part: str) -> Array:
        c = population.penalised(self.unit, self._order(w), self.size, variance, part)
        return self._vector(c, w)
