"""Side by side: limitlab against peers that do the same work, some of which may be missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .clock import Call, race
from .report import Goal, Row

NOT_INSTALLED = "not installed"


@dataclass(frozen=True)
class Entry:
    """Someone in a contest.

    Parameters
    ----------
    name : str
    build : function
        Returns the function that does the work; ImportError means that a peer is not there.
    units : float
        Units of work in one call.
    family : str
        Goals are set against the fastest of a family.
    """

    name: str
    build: Callable[[], Call]
    units: float = 1.0
    family: str = ""


def _ready(entries: Sequence[Entry]) -> tuple[dict[str, Call], dict[str, str]]:
    """Functions of those that are there, and why the others are not."""
    calls, missing = {}, {}
    for entry in entries:
        try:
            calls[entry.name] = entry.build()
        except ImportError:
            missing[entry.name] = NOT_INSTALLED
    return calls, missing


def _winners(entries: Sequence[Entry], costs: Mapping[str, float]) -> set[str]:
    """The fastest of each family; of a family that is not there, the first."""
    found = set()
    for family in {entry.family for entry in entries}:
        members = [entry.name for entry in entries if entry.family == family]
        found.add(min(members, key=lambda name: costs.get(name, float("inf"))))
    return found


def rows_of(
    entries: Sequence[Entry],
    costs: Mapping[str, float],
    goals: Mapping[str, Goal],
    remarks: Mapping[str, str],
) -> list[Row]:
    """Rows of costs a unit; the first entry is limitlab, and the others' ratios are to it.

    The goal of a family goes to its fastest member.
    """
    ours, winners = costs[entries[0].name], _winners(entries, costs)
    rows = []
    for i, entry in enumerate(entries):
        cost = costs.get(entry.name)
        ratio = cost / ours if i and cost is not None else None
        goal = goals.get(entry.family) if entry.name in winners else None
        rows.append(Row(entry.name, cost, ratio, goal, remarks.get(entry.name, "")))
    return rows


def contest(
    entries: Sequence[Entry],
    goals: Mapping[str, Goal],
    *,
    scale: float = 1e9,
    remark: Callable[[Any], str] = lambda result: "",
    **options: Any,
) -> list[Row]:
    """Let limitlab (the first entry) and its peers take turns.

    Parameters
    ----------
    goals : mapping
        Goal of a family.
    scale : float
        Units of time in a second (1e9: nanoseconds a unit of work).
    remark : function
        From what a call returned to a remark that shows that it did the work.
    options
        Of `clock.race`.
    """
    calls, missing = _ready(entries)
    timings = race(calls, **options)
    units = {entry.name: entry.units for entry in entries}
    costs = {name: timing.best / units[name] * scale for name, timing in timings.items()}
    remarks = missing | {name: remark(timing.result) for name, timing in timings.items()}
    return rows_of(entries, costs, goals, remarks)
