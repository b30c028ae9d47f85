"""Solving and simulating what the tables say, away from the thread that serves the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...solvers.core.curve import Curve
from ...solvers.core.runner import TASKS
from ...solvers.solve import limits, solve
from ...theory.core.checks import positive
from ...theory.core.dispatch import options
from ...theory.core.errors import InvalidInput, LimitlabError
from ..experiment.names import METHOD_NAMES, PROBLEM_NAMES, make
from ..simulate import simulate
from .crew import Watched

POINTS, MOST_STEPS, SEED = 61, 500, 1
#: a simulation fills in: so many runs are there after each round
ROUNDS = (25, 50, 100, 200)
#: steps of a run that take longer than somebody waits in front of a page: half a minute and more
_LONGEST, _LONGEST_BY_COORDINATE = 3e8, 1e10
_ROOM = f"{__package__.rpartition('.')[0]}.simulate"


@dataclass(frozen=True, eq=False)
class Answer:
    """A curve and the limit that gave it."""

    problem: Any
    method: Any
    until: float
    limit: str
    points: int
    curve: Curve
    #: of `solve`, beside these
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def remarks(self) -> list[str]:
        """What the theory says about itself here."""
        return [str(text) for text in self.curve.provenance.get("remarks", [])]


def objects(tables: dict[str, Any]) -> tuple[Any, Any, float]:
    """The problem, the method and the horizon.

    Raises
    ------
    InvalidInput, InvalidType
        A value out of its range, named by its place.
    """
    problem = make(tables["problem"], PROBLEM_NAMES, "problem")
    method = make(tables["method"], METHOD_NAMES, "method")
    return problem, method, positive("until", tables["until"])


def answer(tables: dict[str, Any]) -> Answer:
    """Solve: with the band of single runs where this pair has one.

    Raises
    ------
    LimitlabError
        What cannot be solved, with the remedy.
    """
    problem, method, until = objects(tables)
    if "fluctuations" in limits(problem, method):
        try:
            return _solved(problem, method, until, {"limit": "fluctuations"})
        except LimitlabError:
            pass  # the default limit says what is wrong, or has a curve without a band
    return _solved(problem, method, until, {})


#: kinds of problems and methods, and limits, whose clock does not count steps
_CLOCKS: set[Any] = set()


def _solved(problem: Any, method: Any, until: float, limit: dict[str, str]) -> Answer:
    """What counts steps shows every one of them, where it jumps between two sides of a valley."""
    clock = (type(problem), type(method), *limit.values())
    smooth = problem.family == "streaming" or clock in _CLOCKS
    points = POINTS if smooth else max(2, min(int(until), MOST_STEPS) + 1)
    drawn = _drawn(problem, method)
    curve = solve(problem, method, until, points=points, **drawn, **limit)
    if not smooth and curve.provenance.get("time") != "steps":
        _CLOCKS.add(clock)
        return _solved(problem, method, until, limit)
    return Answer(problem, method, until, curve.provenance["limit"], points, curve, drawn)


def _drawn(problem: Any, method: Any) -> dict[str, int]:
    """What is drawn by a solver is drawn again alike; what every run draws, as by a file's run."""
    if problem.family == "streaming":
        return {}
    default = next(iter(limits(problem, method).values()))
    draws = {"draws": ROUNDS[-1]} if problem.drawn and "draws" in default.options else {}
    return {**draws, "seed": SEED}


def simulation(given: Answer) -> dict[str, Any]:
    """The options of the whole simulation; an algorithm that draws nothing takes no runs."""
    known = options(_ROOM, "simulate", given.problem, given.method)
    wanted = {"runs": ROUNDS[-1], "seed": SEED}
    return {name: value for name, value in wanted.items() if name in known}


def _check_length(given: Answer) -> None:
    """One run goes on to its end, also after a stop."""
    if given.curve.steps is None:
        return
    steps = float(given.curve.steps[-1])
    covariance = getattr(given.problem, "covariance", None)
    parts = 1 if covariance is None else covariance.eigenvalues.size
    if steps > _LONGEST or steps * parts > _LONGEST_BY_COORDINATE:
        remedy = f"is {steps:.2g} steps of one run; export it and simulate it from the file"
        raise InvalidInput("until", given.until, remedy)


def rounds(given: Answer, pool: Watched) -> Iterator[Curve]:
    """Simulate more and more runs; each round holds the runs of the one before.

    Raises
    ------
    Stopped
        By ``pool.stop``.
    InvalidInput
        A horizon of more steps than somebody waits for.
    """
    _check_length(given)
    whole = simulation(given)
    known = options(_ROOM, "simulate", given.problem, given.method)
    crewed = {"progress": False, "executor": pool}
    sizes = ROUNDS if "runs" in whole else (1,)
    for before, size in zip((0, *sizes), sizes, strict=False):
        own = {**whole, "runs": size} if "runs" in whole else whole
        own |= {name: value for name, value in crewed.items() if name in known}
        pool.expect(min(TASKS, size), before / sizes[-1], size / sizes[-1])
        yield simulate(
            given.problem,
            given.method,
            given.until,
            points=given.points,
            **own,
        )
