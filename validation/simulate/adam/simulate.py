"""Adam itself in dimension d, for diagonal and for dense covariances.

The averages are warmed at the start before it moves, so that they have forgotten how they began.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import sympy as sp

from ....solvers.core import random
from ....solvers.core.curve import Curve
from ....solvers.core.runner import Crew
from ....theory.core.checks import ensemble_size
from ....theory.core.errors import Interrupted
from ....theory.core.printer import SourcePrinter
from ....theory.core.symbolic import numbers, twin
from ....theory.core.time_grid import time_grid
from ....theory.methods.base import Method
from ....theory.schedules.schedule import check_schedules
from ....theory.streaming.problem import LeastSquares
from ..streaming import checks
from ..streaming.engine import FEWEST, Engine, Stream
from ..streaming.ensemble import Request
from ..streaming.lowering import Lowered
from ..streaming.rows import row_engine
from ..streaming.samples import DrawnRows, GaussianRows, RowEngine
from ..streaming.vector import NormalStream

#: memories of an average for which it is warmed, and the most steps of that
WARMED, MOST_WARM = 10, 2**20


def lower_adam(method: Any) -> Lowered:
    """Print the rate of Adam with symbols for its numbers."""
    symbolic, parameters = twin(method, "method")
    rates = tuple(q for q in parameters if q.field == "rate")
    printer = SourcePrinter(tuple(q.symbol for q in rates), {})
    rate = printer.function("rate", "t, p", sp.sympify(symbolic.rate))
    values = numbers(rates, {"method": method})
    source = "\n\n".join([*printer.functions, rate])
    return Lowered(source, values, 2, batch=method.batch)


@dataclass(frozen=True, eq=False)
class AdamEngine(Engine):
    """State delta, m and v; samples scales * rows, or rows z F with a dense K = F Fᵀ.

    Parameters
    ----------
    betas : (2,) array
    start, scales : (d,) arrays
    covariance : (d,) or (d, d) array
        Of the inputs.
    root : (d, d) float32 array or None
        Transpose of F; None for a diagonal K.
    data : RowEngine, optional
        Rows of data and their residuals in place of Gaussian inputs.
    """

    betas: np.ndarray
    start: np.ndarray
    scales: np.ndarray
    covariance: np.ndarray
    root: np.ndarray | None
    data: RowEngine | None = None

    name: ClassVar[str] = "adam"
    template: ClassVar[Path] = Path(__file__).with_name("kernels") / "chain.py"

    @property
    def most(self) -> int:
        return max(1, max(64, 2**18 // self.start.size) // self.batch)

    def stream(self, sequence: np.random.SeedSequence) -> AdamStream:
        steps = math.ceil(WARMED / (1 - float(self.betas.max())))
        warm, rows = (self._rows(s) for s in (random.child(sequence, 2), sequence))
        shape = self.start.size, self.batch
        return AdamStream(rows, warm, min(steps, MOST_WARM), shape, self.most)

    def _rows(self, sequence: np.random.SeedSequence) -> Stream:
        if self.data is not None:
            rows, residuals = self.data.rows, self.data.residuals
            return DrawnRows(sequence, rows, residuals, self.batch, self.most)
        if self.root is None:
            return NormalStream(self.noise, sequence, self.start.size, self.batch, self.most)
        return GaussianRows(self.noise, sequence, self.root, self.batch, self.most)

    def begin(self) -> dict[str, Any]:
        states = np.full((self.record.size, self.start.size), np.nan)
        states[0] = self.start
        zeros = np.zeros((2, self.start.size))
        return {"delta": self.start.copy(), "m": zeros[0], "v": zeros[1], "states": states}

    def advance(self, state: dict[str, Any], seen: tuple[Any, ...], first: int) -> None:
        warm, *block = seen
        for before in warm:
            self._pass(state, before, 0, moving=False)
        self._pass(state, block, first, moving=True)

    def _pass(self, state: dict[str, Any], block: Any, first: int, *, moving: bool) -> None:
        self.module.advance(
            state["delta"],
            state["m"],
            state["v"],
            self.scales,
            *block,
            first,
            float(self.dimension),
            self.betas,
            moving,
            self.record,
            state["states"],
            self.lowered.parameters,
        )

    def is_finite(self, state: dict[str, Any]) -> bool:
        return bool(np.isfinite(state["delta"]).all())

    def quantities(self, state: dict[str, Any]) -> dict[str, np.ndarray]:
        states, law = state["states"], self.covariance
        image = states * law if law.ndim == 1 else states @ law
        return {"risk": 0.5 * np.einsum("ti,ti->t", states, image)}


class AdamStream:
    """Rows (steps B, d) and label noise (steps, B); with the first block, what the averages see
    before it."""

    def __init__(
        self, rows: Any, warm: Any, warm_steps: int, shape: tuple[int, int], most: int
    ) -> None:
        self._rows, self._warm, self._steps = rows, warm, warm_steps
        self._width, self._batch = shape
        self._most = most

    def next(self, first: int, steps: int) -> tuple[Iterator[Any], np.ndarray, np.ndarray]:
        """The blocks before the first step (none later), rows and noise."""
        before = self._before() if first == 0 else iter(())
        return before, *self._block(self._rows, first, steps)

    def _before(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        done = 0
        while done < self._steps:
            steps = min(self._most, FEWEST, self._steps - done)
            yield self._block(self._warm, done, steps)
            done += steps

    def _block(self, rows: Any, first: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
        values, *chosen, noise = rows.next(first, steps)
        samples = steps * self._batch
        if isinstance(rows, DrawnRows):
            values = values[chosen[0]].astype(np.float32)
        block = values.ravel()[: samples * self._width].reshape(samples, self._width)
        return block, np.asarray(noise).reshape(steps, self._batch)


class _AdamRequest(Request):
    """A request whose engine is Adam's."""

    def engines(self, methods: Sequence[Any]) -> tuple[Engine, ...]:
        law, method, lowered = self.problem.covariance, methods[0], lower_adam(methods[0])
        given = None if self.rows is None and self.targets is None else (self.rows, self.targets)
        data = given and row_engine(self.problem, lowered, self.record(), *given)
        dense = not law.is_diagonal
        root = np.sqrt(law.eigenvalues)[:, None] * law.eigenvectors.T if dense else None
        scaled = dense or data is not None
        diagonal = np.ones(law.dimension) if scaled else np.sqrt(law.expanded())
        engine = AdamEngine(
            lowered,
            self.problem.noise,
            self.record(),
            law.dimension,
            np.array([method.beta1, method.beta2]),
            np.array(self.problem.delta()),
            np.array(diagonal),
            np.array(law.matrix if dense else law.expanded()),
            None if root is None else np.ascontiguousarray(root, dtype=np.float32),
            data,
        )
        return (engine,)


def simulate(
    problem: LeastSquares,
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
    rows: Any = None,
    targets: Any = None,
) -> Curve:
    """Run Adam in dimension d; the options are those of the other streaming methods.

    Raises
    ------
    InvalidInput
        Only one of rows and targets, wrong shapes, values that are not finite.
    NotAvailable
        An infinite dimension.
    """
    crew = Crew(workers, executor, progress, "simulate", "run", single=True)
    runs, sequence = ensemble_size("runs", runs), random.seed_sequence(seed)
    grid = time_grid(until, times, points)
    check_schedules(method, float(grid[-1]))
    checks.check_pair(problem, method)
    ask = _AdamRequest(problem, grid, runs, crew, rows, targets, None)
    try:
        return ask.curves([method], sequence)[0]
    except Interrupted as stop:
        raise Interrupted((stop.partial or [None])[0], stop.done, stop.runs) from None
