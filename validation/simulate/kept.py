"""simulate with a store: the runs that are there are taken, the others are done and kept."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...solvers.core.describe import described
from ...solvers.core.runner import keeping
from ...solvers.core.shelves import Runs
from ...solvers.core.store import Store, asked_of
from ...theory.core import dispatch
from ...theory.core.version import VERSION

#: options that change no number of a run
NEUTRAL = ("runs", "workers", "executor", "progress")


def simulate_kept(
    folder: str | os.PathLike[str],
    problem: Any,
    method: Any,
    until: Any,
    options: Mapping[str, Any],
) -> Any:
    """Simulate, with the runs kept in a folder.

    Raises
    ------
    InvalidInput
        The store belongs to something else, is in use, damaged, or cannot be written.
    """
    options = dict(options)
    draws = "seed" in dispatch.options(__package__, "simulate", problem, method)
    if draws and options.get("seed") is None:
        options["seed"] = _seed_of(folder)
    stated = {k: v for k, v in options.items() if k not in NEUTRAL and v is not None}
    asked = described(
        version=VERSION, verb="simulate", problem=problem, method=method, until=until, **stated
    )
    with Store(folder, asked) as store, keeping(Runs(store, options.get("runs"))):
        return dispatch.follow(__package__, "simulate", problem, method, until, **options)


def _seed_of(folder: str | os.PathLike[str]) -> int:
    """The seed with which a store was begun, or a new one."""
    known = (asked_of(folder) or {}).get("seed", "")
    return int(known) if known.isdigit() else int(np.random.SeedSequence().entropy)  # type: ignore[arg-type]
