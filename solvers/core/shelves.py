"""What a store keeps of a call: the runs of its ensembles, or pieces of a sweep.

All runs of an ensemble are one file, written again as more of them end. A write waits until its own
time is a small share of what was computed since the last one, so that keeping costs next to
nothing, and a kill loses no more than that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from .store import Store

#: share of the time that writing may take
_SHARE = 0.01
#: seconds between two writes, at least and at most
_SOON, _LATE = 0.5, 30.0


class Runs:
    """The runs of the ensembles of one call.

    Parameters
    ----------
    store : Store
    asked : int
        Runs that are asked for. Families that do several in one piece of work keep pieces, which
        serve the same number only.
    prefix : str
        Of the names in the store.
    others : callable
        What other stores keep under a name.
    """

    def __init__(
        self,
        store: Store,
        asked: int | None,
        prefix: str = "runs",
        others: Callable[[str], Any] = lambda name: None,
    ) -> None:
        self._store, self._asked, self._prefix, self._others = store, asked, prefix, others
        self._held: dict[int, dict[int, Any]] = {}
        self._counts: dict[int, int] = {}
        self._new: set[int] = set()
        self._written, self._took = time.monotonic(), 0.0

    def _name(self, part: int) -> str:
        return f"{self._prefix}-{part}"

    def known(self, part: int, runs: int | None = None) -> dict[int, Any]:
        """The results that are there; `runs` is how many the ensemble has."""
        if part not in self._held:
            self._held[part] = {}
            for kept in (self._others(self._name(part)), self._store.get(self._name(part))):
                # pieces of another number of runs are not those of this one
                if kept is not None and (kept["asked"] in (self._asked, kept["count"])):
                    self._held[part] |= kept["results"]
                    if kept["asked"] == self._asked:
                        self._counts[part] = kept["count"]
        if runs is not None:
            self._counts[part] = runs
        return self._held[part]

    def complete(self, part: int) -> bool:
        """Whether every run of an ensemble is there."""
        held = self.known(part)
        return part in self._counts and all(k in held for k in range(self._counts[part]))

    def put(self, part: int, results: Mapping[int, Any]) -> None:
        """Keep more; written when it is worth it."""
        self._held.setdefault(part, {}).update(results)
        self._new.add(part)
        pause = min(max(self._took / _SHARE, _SOON), _LATE)
        if time.monotonic() - self._written >= pause:
            self.flush()

    def flush(self) -> None:
        """Write what is new."""
        begun = time.monotonic()
        for part in sorted(self._new):
            kept = {
                "asked": self._asked,
                "count": self._counts.get(part),
                "results": self._held[part],
            }
            self._store.put(self._name(part), kept)
        self._new.clear()
        self._written = time.monotonic()
        self._took = self._written - begun


class Pieces:
    """The pieces of a sweep, a file each."""

    def __init__(self, store: Store, names: list[str], others: Callable[[str], Any]) -> None:
        self._store, self._names, self._others = store, names, others

    def known(self, part: int, runs: int) -> dict[int, Any]:
        """The pieces that are there, here or in other stores."""
        found = {}
        there = set(self._store.names())
        for number, name in enumerate(self._names):
            kept = self._store.get(name) if name in there else self._others(name)
            if kept is not None:
                found[number] = kept
        return found

    def put(self, part: int, results: Mapping[int, Any]) -> None:
        """Keep more of them, at once."""
        for number, result in results.items():
            self._store.put(self._names[number], result)

    def flush(self) -> None:
        """Nothing waits."""
