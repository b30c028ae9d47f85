"""One call of simulate: the engines that serve it, and from their runs to curves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ....solvers.core.curve import Curve
from ....solvers.core.runner import Crew
from ....theory.core.dispatch import module_of
from ....theory.core.errors import Interrupted, InvalidInput, NotAvailable, SolveFailed
from ....theory.schedules.following import FollowingRate
from . import checks, result
from .choose import choose
from .engine import Engine, Shared, Together
from .following import greedy_engine, lower_any
from .private import private_engine
from .rows import row_engine

_ROOM = __name__.rpartition(".streaming")[0]
#: place of the engine of rows among those of a family
_ROWS = 3


def own_engine(method: Any) -> Callable[[Any, Any, Engine], Engine] | None:
    """What makes the engine of a method that needs one of its own out of the vector's."""
    if hasattr(method.rate, "objective"):
        return greedy_engine
    return private_engine if getattr(method, "noise_multiplier", 0.0) else None


def do_all(
    machine: Together, sequence: np.random.SeedSequence, runs: int, crew: Crew
) -> tuple[list[Shared], bool]:
    """Do all runs; return those that finished, and whether Ctrl-C ended them."""
    machine.prepare()  # compiled once, and not in every worker
    return crew.finished(partial(machine.run, sequence), runs)


@dataclass(frozen=True, eq=False)
class Request:
    """What a call asks for, apart from methods and seed."""

    problem: Any
    grid: np.ndarray
    runs: int
    crew: Crew
    rows: Any
    targets: Any
    engine: str | None

    def curves(self, methods: Sequence[Any], sequence: np.random.SeedSequence) -> list[Curve]:
        """The curves of methods that share every sample.

        Raises
        ------
        Interrupted
            Ctrl-C; with the curves of the finished runs.
        """
        machine = Together(self.engines(methods))
        checks.warn_of_many_steps(machine.engines[0], self.runs)
        outcomes, interrupted = do_all(machine, sequence, self.runs, self.crew)
        if not interrupted:
            return self._curves(machine, methods, sequence, outcomes)
        try:
            finished = self._curves(machine, methods, sequence, outcomes) if outcomes else None
        except SolveFailed:
            finished = None
        raise Interrupted(finished, len(outcomes), self.runs)

    def _curves(
        self,
        machine: Together,
        methods: Sequence[Any],
        sequence: np.random.SeedSequence,
        outcomes: Sequence[Shared],
    ) -> list[Curve]:
        each = list(zip(*(outcome.each for outcome in outcomes), strict=True))
        for engine, method, its in zip(machine.engines, methods, each, strict=True):
            result.refuse_divergence(its, engine, method)
        ended = {"runs": len(outcomes), "interrupted": len(outcomes) < self.runs}
        return [
            result.to_curve(
                its,
                engine,
                self.problem,
                method,
                result.provenance(self.problem, method, engine, sequence, self.grid)
                | ended
                | result.pairing(methods, i),
            )
            for i, (engine, method, its) in enumerate(
                zip(machine.engines, methods, each, strict=True)
            )
        ]

    def record(self) -> np.ndarray:
        """Step numbers at which quantities are recorded."""
        d = self.problem.dimension
        if np.isinf(d):
            remedy = "a spectral density has no finite algorithm; give a covariance of finite d"
            raise NotAvailable("covariance", self.problem.covariance, remedy)
        record = result.recorded_steps(self.grid, d)
        if record[-1] == 0:
            remedy = f"the last time is below one step, 1/d = {1 / d:.3g}; give a later one"
            raise InvalidInput("until", float(self.grid[-1]), remedy)
        return record

    def engines(self, methods: Sequence[Any]) -> tuple[Engine, ...]:
        """One engine a method, all of one kind."""
        lowered, record = [lowered_of(self.problem, one) for one in methods], self.record()
        if self.rows is None and self.targets is None:
            own = [own_engine(method) for method in methods]
            wanted = "vector" if any(own) and self.engine is None else self.engine
            chosen = choose(self.problem, lowered, record, wanted)
            return tuple(
                engine if make is None else make(self.problem, method, engine)
                for make, method, engine in zip(own, methods, chosen, strict=True)
            )
        for method in methods:
            if own_engine(method) or isinstance(method.rate, FollowingRate):
                remedy = (
                    "added noise and rates that follow the run are simulated on Gaussian inputs"
                )
                raise NotAvailable("rows", method, remedy)
        if self.engine is not None:
            remedy = "rows are streamed by their own engine; leave it out"
            raise NotAvailable("engine", self.engine, remedy)
        first = row_engine(self.problem, lowered[0], record, self.rows, self.targets)
        return tuple(
            replace(first, lowered=one)
            if one.engines is None
            else one.engines[_ROWS].of_rows(first, one, self.problem)
            for one in lowered
        )


def lowered_of(problem: Any, method: Any) -> Any:
    """The step of a method; one with memory has its own."""
    if not method.remembered:
        return lower_any(problem, method)
    return module_of(_ROOM, "lowering", problem, method).lower(method)
