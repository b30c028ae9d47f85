r"""Teacher and student as matrices in random frames: forward and backward, block by block.

.. math:: T_l=O_l\,\mathrm{diag}(\tau_l)\,O_{l-1}^\top,\qquad
          U_l^+=U_l-\frac\eta b\sum_i\delta_{l,i}\,h_{l,i}^\top

with what layer l sees, h, and its error δ, both computed layer after layer from samples; the
population is the d inputs √d eᵢ, whose second moment is 1.
"""

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
from ....solvers.distillation.modes import CEILING, QUANTITIES
from ....solvers.distillation.phases import spans, whole_steps, whole_switch
from ....solvers.distillation.solve import described
from ....theory.core.checks import ensemble_size
from ....theory.core.time_grid import time_grid
from ....theory.core.warn import warn
from ....theory.distillation.derive import check
from ....theory.distillation.problem import BlockwiseDistillation
from ....theory.methods.base import Method
from ....theory.methods.sgd import SGD

Array = NDArray[np.float64]


def simulate(
    problem: BlockwiseDistillation,
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
    """Train the student's matrices, its blocks first and then all of it.

    Parameters
    ----------
    problem : BlockwiseDistillation
    method : GradientDescent or SGD
        SGD draws `batch` fresh inputs a step, the same for all blocks; descent sees the population.
    until : float, optional
        Last time, t = rate · steps.
    times, points : array_like, int
        Times to record, rounded to whole steps, or how many equal ones from 0.
    runs, seed, workers, executor, progress
        For SGD; run k draws from (entropy, spawn_key + (k,)). Without it nothing is random and
        there is one run, whatever is asked.

    Returns
    -------
    Curve
        "loss", "block_loss" and "overlap" of the population, and "misalignment". Of a single run
        also the array "strengths", the diagonal of the student in the teacher's frames.

    Warns
    -----
    ValidityWarning
        A start that is not aligned: the theory of modes is not one of it.
    """
    check(problem, method)
    runs = ensemble_size("runs", runs)
    time, rate = time_grid(until, times, points), float(method.rate)
    steps = whole_steps(time, rate)
    if not problem.aligned:
        warn(
            "the student does not start in the frames of the teacher: modes mix, and only "
            '"matrices" and "sde" hold for it'
        )
    drawn, network = isinstance(method, SGD), Frames(problem)
    sequence = random.seed_sequence(seed)

    def work(k: int) -> tuple[Run, Array]:
        rng = np.random.Generator(np.random.Philox(random.child(sequence, k))) if drawn else None
        with one_thread(), np.errstate(over="ignore", invalid="ignore"):
            return _run(network, method, steps, rng)

    def curve(found: list[tuple[Run, Array]]) -> Curve:
        told = described(problem, method, "simulate") | {"runs": len(found)}
        kept = {} if len(found) > 1 else {"strengths": found[0][1]}
        return ensemble(
            np.asarray(steps * rate, dtype=np.float64),
            QUANTITIES,
            [one for one, _ in found],
            f"{method.label}, d = {problem.modes}",
            told | ({} if drawn else {"deterministic": True}),
            steps=steps,
            kind="simulation",
            arrays=kept,
        )

    several = runs if drawn else 1
    return whole_or_partial(lambda: Crew(workers, executor, progress).each(work, several), curve)


class Frames:
    """Teacher and student in orthogonal frames O_0, …, O_L of their own, drawn from the seed."""

    def __init__(self, problem: BlockwiseDistillation) -> None:
        self.problem = problem
        rng = np.random.Generator(np.random.Philox(problem.seed))
        m = problem.modes
        self.frames = np.stack([_haar(rng, m) for _ in range(problem.layers + 1)])
        self.teacher = self._turned(problem.teacher[:, :, None] * np.eye(m))
        self.student = self._turned(problem.matrices)

    def _turned(self, layers: Array) -> Array:
        return self.frames[1:] @ layers @ self.frames[:-1].swapaxes(-1, -2)

    def sample(self, rng: np.random.Generator | None, batch: int) -> Array:
        """Inputs (b, d): fresh ones, or those that stand for the population."""
        d = self.problem.modes
        return np.sqrt(d) * np.eye(d) if rng is None else rng.standard_normal((batch, d))

    def gradient(self, student: Array, inputs: Array, joined: int) -> tuple[Array, Array]:
        """Of every layer, (L, d, d), and the loss of every block on these inputs."""
        features = [inputs]
        for layer in self.teacher:
            features.append(features[-1] @ layer.T)
        found, losses = np.empty_like(student), []
        for own in spans(self.problem.blocks, joined):
            seen = [features[own.start]]
            for layer in student[own]:
                seen.append(seen[-1] @ layer.T)
            error = seen[-1] - features[own.stop]
            losses.append(np.sum(error**2) / (2 * len(inputs)))
            for number in range(own.stop - 1, own.start - 1, -1):
                found[number] = error.T @ seen[number - own.start] / len(inputs)
                error = error @ student[number]
        return found, np.array(losses)

    def observed(self, student: Array) -> tuple[list[float], Array]:
        """The quantities on the population, and the student's strengths."""
        inputs = self.sample(None, 1)
        parts, whole = (self.gradient(student, inputs, joined)[1] for joined in (0, 1))
        V = np.linalg.multi_dot([*student[::-1], np.eye(len(inputs))])
        turned = self.frames[-1].T @ V @ self.frames[0]
        strengths = np.diagonal(turned).copy()
        theta, size = self.problem.products, float(np.linalg.norm(turned))
        off = float(np.linalg.norm(turned - np.diag(strengths)))
        share = off / size if size > 0 else 0.0
        return [whole[0], parts.sum(), float(strengths @ theta / (theta @ theta)), share], strengths


def _haar(rng: np.random.Generator, size: int) -> Array:
    Q, R = np.linalg.qr(rng.standard_normal((size, size)))
    return np.asarray(Q * np.sign(np.diagonal(R)))


def _run(
    network: Frames, method: Any, steps: NDArray[np.int64], rng: np.random.Generator | None
) -> tuple[Run, Array]:
    """What was recorded, the step by which the run had diverged, and the strengths."""
    student, rate = network.student, float(method.rate)
    switch = whole_switch(network.problem.switch, rate)
    found = np.full((len(QUANTITIES), steps.size), np.nan)
    strengths = np.full((steps.size, network.problem.modes), np.nan)
    place = 0
    for step in range(int(steps[-1]) + 1):
        if step == steps[place]:
            seen, strengths[place] = network.observed(student)
            if not seen[0] < CEILING:
                return (found, step), strengths
            found[:, place], place = seen, place + 1
        joined = int(switch is not None and step >= switch)
        inputs = network.sample(rng, method.batch)
        student = student - rate * network.gradient(student, inputs, joined)[0]
    return (found, None), strengths
