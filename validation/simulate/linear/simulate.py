r"""SGD on a linear model itself: :math:`z\leftarrow z-\frac\eta\beta NPz`, as often as asked."""

from __future__ import annotations

from concurrent.futures import Executor
from functools import lru_cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....solvers.core import random
from ....solvers.core.compile import load, writable
from ....solvers.core.curve import Curve
from ....solvers.core.runner import Crew
from ....solvers.core.runs import LARGEST, warn_of_divergence, whole_or_partial
from ....solvers.linear.curve import describe, stability
from ....solvers.linear.noise_kernel import NoiseKernel
from ....solvers.linear.sde import first_residual
from ....theory.core.checks import ensemble_size
from ....theory.core.derivation import Derivation
from ....theory.core.time_grid import whole_steps
from ....theory.core.version import VERSION
from ....theory.linear.derivation import compiled_source, linear_theory
from ....theory.linear.problem import LinearModel
from ....theory.methods.base import Method
from ....theory.methods.sampling import Batches, batches
from ....theory.methods.sgd import SAMPLINGS
from ....theory.schedules.schedule import check_schedules, evaluate

Array = NDArray[np.float64]
_KERNEL = Path(__file__).parent / "kernels" / "run.py"


def kernels(source: str | None = None) -> ModuleType:
    """The compiled steps, printed from the derived theory or given."""
    return load(step_source() if source is None else source, _KERNEL)


@lru_cache(maxsize=8)
def step_source(system: Derivation | None = None) -> str:
    """Text of the functions that the steps call; the step does not depend on the sampling."""
    theory = linear_theory(SAMPLINGS[0]) if system is None else system
    return "\n\n".join([random.source(), compiled_source(theory)])


def simulate(
    problem: LinearModel,
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
    """Run SGD on a linear model and record its loss |z|²/(2D).

    Parameters
    ----------
    problem : LinearModel
        Given by ``jacobian`` or ``kernel``.
    method : GradientDescent or SGD
    until : float, optional
        Number of steps; may be left out where `times` is given.
    times, points : array_like, int
        Output steps, or how many equally spaced ones.
    runs : int
        Independent runs. Run k draws its start and its batches from (entropy, spawn_key + (k,)).
    seed : int or SeedSequence, optional
    workers : int, optional
        Threads; the results are equal to the bit for any number.
    executor : concurrent.futures.Executor, optional
        Used in place of threads.
    progress : bool, optional
        None shows a bar only on a terminal.

    Returns
    -------
    Curve
        Mean, spread and every run of "loss", and the constant "sharpness". Runs beyond |z|² = 1e300
        are infinite from there on, and ``provenance["diverged"]`` tells the recorded steps by
        which they had diverged.

    Raises
    ------
    NotAvailable
        A problem given by its spectrum: a run needs eigenvectors.
    """
    runs = ensemble_size("runs", runs)
    drawn = batches(method, problem.data)
    steps = whole_steps(until, times, points)
    check_schedules(method, float(steps[-1]))
    sequence = random.seed_sequence(seed)
    rates = evaluate(method.rate, np.arange(steps[-1]))
    run = Run(problem, drawn, rates)
    kernels()  # compiled once, and not in every thread

    def curve(found: list[Array]) -> Curve:
        return _curve(problem, method, drawn, rates, sequence, steps, np.array(found))

    crew = Crew(workers, executor, progress)
    work = partial(run.numbered, sequence, steps)
    return whole_or_partial(lambda: crew.each(work, runs), curve)


def _curve(
    problem: Any,
    method: Any,
    drawn: Batches,
    rates: Array,
    sequence: np.random.SeedSequence,
    steps: NDArray[np.int64],
    squares: Array,
) -> Curve:
    losses = squares / (2 * problem.data)
    provenance = _provenance(NoiseKernel(problem, drawn), method, rates, sequence)
    provenance |= _divergence(squares, steps)
    with np.errstate(over="ignore", invalid="ignore"):
        spread = {"loss": losses.std(axis=0, ddof=1)} if len(losses) > 1 else {}
    return Curve(
        steps.astype(float),
        {"loss": losses.mean(axis=0), "sharpness": np.full(steps.size, problem.sharpness)},
        spread,
        {"loss": losses},
        steps=steps,
        kind="simulation",
        label=f"{method.label}, D = {problem.data}",
        provenance=provenance | {"runs": len(losses)},
    )


class Run:
    """The steps of a run: the arrays and numbers that every run shares.

    The step is that of the theory, or of `system`.
    """

    def __init__(
        self, problem: Any, drawn: Batches, rates: Array, system: Derivation | None = None
    ) -> None:
        self.problem, self.rates, self._source = problem, writable(rates), step_source(system)
        sampling = SAMPLINGS.index(drawn.sampling)
        numbers = (drawn.batch, sampling, problem.outputs, drawn.momentum)
        self._shared = (writable(problem.gram), self.rates, *numbers)

    def numbered(
        self, parent: np.random.SeedSequence, steps: NDArray[np.int64], number: int
    ) -> Array:
        """Run `number` of an ensemble: |z|² at the given steps."""
        return self.squares(random.child(parent, number), steps)

    def squares(self, sequence: np.random.SeedSequence, steps: NDArray[np.int64]) -> Array:
        """|z|² of one run at the given steps."""
        z = first_residual(self.problem, sequence)
        squares = np.empty(self.rates.size + 1)
        squares[0] = z @ z
        key, y = random.key(sequence), np.zeros_like(z)
        kernels(self._source).advance(key, 0, *self._shared, z, y, squares[1:])
        squares[~(squares <= LARGEST)] = np.inf
        return squares[steps]

    def advance_all(self, keys: Any, first: int, z: Array, y: Array, squares: Array) -> None:
        """Do the steps for one walker a row; z, y and squares are overwritten."""
        kernels(self._source).advance_all(keys, first, *self._shared, z, y, squares)


def _divergence(squares: Array, steps: NDArray[np.int64]) -> dict[str, Any]:
    """Which runs diverged, and by which recorded step."""
    lost = np.isinf(squares)
    found = {str(k): int(steps[np.argmax(lost[k])]) for k in np.flatnonzero(lost.any(axis=1))}
    if found:
        warn_of_divergence(found, len(squares))
    return {"diverged": found} if found else {}


def _provenance(
    kernel: NoiseKernel, method: Any, rates: Array, sequence: np.random.SeedSequence
) -> dict[str, Any]:
    entropy = sequence.entropy
    words = [entropy] if isinstance(entropy, int | np.integer) else entropy
    return {
        "source": "simulate",
        "version": VERSION,
        "problem": describe(kernel.problem),
        "method": repr(method),
        "time": "steps",
        "seed": {
            "entropy": [str(int(word)) for word in words or ()],
            "spawn_key": [int(k) for k in sequence.spawn_key],
        },
    } | stability(kernel, float(rates.max()))
