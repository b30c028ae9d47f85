"""Carry a sweep out: the pieces that are not kept yet are done, by whom ever, and put together."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...solvers.core.container import Damaged, decode
from ...solvers.core.describe import described, difference
from ...solvers.core.runner import Crew, keeping
from ...solvers.core.shelves import Pieces
from ...solvers.core.shelves import Runs as RunShelf
from ...solvers.core.store import PARTS, Store, asked_of
from ...theory.core import dispatch
from ...theory.core.errors import InvalidInput, LimitlabError, ValidityWarning
from ...theory.core.version import VERSION
from ..simulate import simulate
from .axes import Plane
from .cells import REFUSED, Answer
from .dataset import RUNS, RUNS_SPREAD, dataset
from .pieces import Refusal, Runs, Work, cells_of, chunks, theory_pieces
from .result import Sweep

Index = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Study:
    """A checked call of `sweep`."""

    plane: Plane
    until: Any
    options: Mapping[str, Any]
    runs: int | None
    seed: Any
    crew: Crew

    def conduct(self, folder: Any, shard: tuple[int, int] | None) -> tuple[Sweep, bool]:
        """Return the sweep, and whether Ctrl-C ended it."""
        home, study = None if folder is None else Path(folder), self
        if self.runs is not None and self.seed is None:
            study = replace(self, seed=_seed_of(home))
        if home is None:
            return study._conduct(None, None, lambda name: None)
        asked = study._asked()
        place = home if shard is None else home / f"shard-{shard[0]}-of-{shard[1]}"
        with Store(place, asked) as store:
            others = _others(home, place, asked)
            return study._conduct(store, shard, others)

    def _asked(self) -> dict[str, str]:
        plane = self.plane
        over = {axis.name: {"fields": axis.fields, "values": axis.values} for axis in plane.axes}
        seed = {} if self.runs is None else {"seed": self.seed}
        stated = {k: v for k, v in self.options.items() if v is not None}
        return described(
            version=VERSION,
            verb="sweep",
            problem=plane.problem,
            method=plane.method,
            over=over,
            until=self.until,
            **seed,
            **stated,
        )

    def _conduct(
        self, store: Store | None, shard: tuple[int, int] | None, others: Callable[[str], Any]
    ) -> tuple[Sweep, bool]:
        pieces = theory_pieces(self.plane, self.until, self.options)
        mine = _of_shard(len(pieces), shard)
        names = [f"theory-{k:06d}" for k in mine]
        shelf = None if store is None else Pieces(store, names, others)
        found, interrupted = self._done([pieces[k] for k in mine], shelf)
        answers: dict[Index, Answer] = {}
        for number, result in found.items():
            answers |= dict(zip(pieces[mine[number]].cells, result, strict=True))
        if self.runs is not None and not interrupted:
            interrupted = self._simulate(store, shard, others, answers)
        return dataset(self.plane, answers, self._said(interrupted)), interrupted

    def _done(self, pieces: list[Any], shelf: Any) -> tuple[dict[int, Any], bool]:
        """What pieces gave, by their number; those that are kept are not done again."""
        known = {} if shelf is None else shelf.known(0, len(pieces))
        missing = [k for k in range(len(pieces)) if k not in known]
        if not missing:
            return known, False
        work = Work({i: pieces[k] for i, k in enumerate(missing)})

        def put(results: Mapping[int, Any]) -> None:
            if shelf is not None:
                shelf.put(0, {missing[k]: one for k, one in results.items()})

        found, interrupted = self.crew.numbered(work, range(len(missing)), put)
        return known | {missing[k]: one for k, one in found.items()}, interrupted

    def _simulate(
        self,
        store: Store | None,
        shard: tuple[int, int] | None,
        others: Callable[[str], Any],
        answers: dict[Index, Answer],
    ) -> bool:
        """Do the runs of every cell and put their means beside the theory."""
        assert self.runs is not None
        options = self._run_options()
        cells = cells_of(self.plane)
        shelves = {k: _CellRuns(store, self.runs, k, others) for k in _of_shard(len(cells), shard)}
        tasks = [
            (k, Runs(self.plane, cells[k], self.until, options, numbers))
            for k, shelf in shelves.items()
            for numbers in chunks(self.runs)
            if not (shelf.complete(0) or set(numbers) <= set(shelf.known(0)))
        ]
        work = Work({i: task for i, (_, task) in enumerate(tasks)})
        refused: dict[int, Refusal] = {}

        def put(results: Mapping[int, Any]) -> None:
            for number, result in results.items():
                k = tasks[number][0]
                if isinstance(result, Refusal):
                    refused[k] = result
                else:
                    shelves[k].known(0, result[1])
                    shelves[k].put(0, result[0])

        interrupted = False
        if tasks:
            _, interrupted = self.crew.numbered(work, range(len(tasks)), put)
        for k, shelf in shelves.items():
            shelf.flush()
            if k not in refused and not shelf.complete(0):
                answers.pop(cells[k], None)  # not finished
            elif cells[k] in answers:
                answers[cells[k]] = self._beside(answers[cells[k]], cells[k], shelf, refused.get(k))
        return interrupted

    def _run_options(self) -> dict[str, Any]:
        """Those of `simulate`; an algorithm that draws nothing takes neither runs nor a seed."""
        known = dispatch.options(_SIMULATIONS, "simulate", self.plane.problem, self.plane.method)
        wanted = {"runs": self.runs, "seed": self.seed}
        wanted |= {k: self.options[k] for k in ("times", "points") if k in self.options}
        return {k: v for k, v in wanted.items() if k in known}

    def _beside(
        self, answer: Answer, cell: Index, shelf: _CellRuns, refused: Refusal | None
    ) -> Answer:
        """A cell's theory with the mean and the spread of its runs, at the theory's times."""
        if refused is not None:
            why = f"simulation: {refused.text}"
            return replace(
                answer,
                status=answer.status if answer.reason else REFUSED,
                reason=answer.reason or why,
            )
        try:
            problem, method = self.plane.cell(cell)
            with warnings.catch_warnings(), keeping(shelf):
                warnings.simplefilter("ignore", ValidityWarning)
                curve = simulate(problem, method, self.until, **self._run_options())
        except LimitlabError as error:
            return replace(
                answer,
                status=answer.status if answer.reason else REFUSED,
                reason=answer.reason or f"simulation: {error}",
            )
        time = answer.time if answer.time.size else curve.time
        beside = {name + RUNS: np.interp(time, curve.time, v) for name, v in curve.values.items()}
        beside |= {
            name + RUNS_SPREAD: np.interp(time, curve.time, v) for name, v in curve.spread.items()
        }
        return replace(answer, time=time, values={**answer.values, **beside})

    def _said(self, interrupted: bool) -> dict[str, Any]:
        return {
            "source": "sweep",
            "version": VERSION,
            "problem": repr(self.plane.problem),
            "method": repr(self.plane.method),
            "until": self.until,
            "options": {k: v for k, v in self.options.items() if v is not None},
            "runs": self.runs,
            "seed": self.seed if self.seed is None else str(self.seed),
            "interrupted": interrupted,
        }


class _CellRuns(RunShelf):
    """The runs of one cell, in a file of its own or in memory."""

    def __init__(
        self, store: Store | None, runs: int, cell: int, others: Callable[[str], Any]
    ) -> None:
        super().__init__(store or _Memory(), runs, f"runs-{cell:06d}", others)  # type: ignore[arg-type]


class _Memory:
    """A store that is none."""

    def get(self, name: str) -> Any:
        return None

    def put(self, name: str, value: Any) -> None: ...


_SIMULATIONS = f"{__package__.rsplit('.', 1)[0]}.simulate"


def _of_shard(count: int, shard: tuple[int, int] | None) -> list[int]:
    """The numbers of a shard's pieces: every n-th."""
    first, step = (0, 1) if shard is None else (shard[0] - 1, shard[1])
    return list(range(first, count, step))


def _seed_of(home: Path | None) -> int:
    """The seed with which a sweep or one of its shards was begun, or a new one."""
    for folder in () if home is None else (home, *sorted(home.glob(PARTS))):
        known = (asked_of(folder) or {}).get("seed", "")
        if known.isdigit():
            return int(known)
    return int(np.random.SeedSequence().entropy)  # type: ignore[arg-type]


def _others(home: Path, own: Path, asked: Mapping[str, str]) -> Callable[[str], Any]:
    """What the other parts of a store keep under a name: their files are whole while they write.

    Raises
    ------
    InvalidInput
        A part that belongs to something else.
    """
    folders = [f for f in (home, *sorted(home.glob(PARTS))) if f != own and f.is_dir()]
    parts = []
    for folder in folders:
        known = asked_of(folder)
        if known is None:
            continue
        why = difference(asked, known)
        if why:
            raise InvalidInput("store", os.fspath(folder), f"holds another sweep: {why}")
        parts.append(folder)

    def get(name: str) -> Any:
        for folder in parts:
            try:
                return decode((folder / f"{name}.results").read_bytes())
            except FileNotFoundError:
                continue
            except (Damaged, OSError, KeyError, ValueError):
                continue  # computed again
        return None

    return get if parts else lambda name: None
