"""The curve of many runs of a finite-data model; runs that ran away are kept, flagged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...theory.core.errors import Interrupted
from ...theory.core.warn import warn
from .curve import Curve

Array = NDArray[np.float64]
Run = tuple[Array, int | None]

#: a run whose risk, or |z|², exceeds this has diverged
LARGEST = 1e300
Result = TypeVar("Result")


def whole_or_partial(
    work: Callable[[], list[Result]], build: Callable[[list[Result]], Curve]
) -> Curve:
    """Return the curve of the runs that `work` does.

    Raises
    ------
    Interrupted
        Ctrl-C; with the curve of the finished runs.
    """
    try:
        found = work()
    except Interrupted as stop:
        partial = build(stop.partial) if stop.partial else None
        if partial is not None:
            said = {**partial.provenance, "interrupted": True, "runs": stop.done}
            partial = replace(partial, provenance=said)
        raise Interrupted(partial, stop.done, stop.runs) from None
    return build(found)


def warn_of_divergence(steps: Mapping[str, int], runs: int) -> None:
    """Warn of runs that ran away: how many, and when the first one did.

    Parameters
    ----------
    steps : mapping of the run's number to the recorded step by which it had diverged
    """
    warn(
        f"{len(steps)} of {runs} runs diverged, the first by step {min(steps.values())}: from "
        "there on there is no mean; lower the rate, or end before it"
    )


def ensemble(
    time: Array,
    names: Sequence[str],
    runs: Sequence[Run],
    label: str,
    provenance: dict[str, Any],
    **fields: Any,
) -> Curve:
    """Return the curve of runs that all recorded the same quantities.

    From the step at which the first run ran away the mean is NaN: a mean over the survivors would
    not be one of the ensemble. "diverged" tells the fraction of runs that had by then.

    Parameters
    ----------
    runs : sequence of ((quantities, T) array, step of divergence or None)
    """
    stacked = np.stack([values for values, _ in runs])
    samples = {name: stacked[:, i] for i, name in enumerate(names)}
    steps = {str(k): lost for k, (_, lost) in enumerate(runs) if lost is not None}
    if steps:
        provenance = provenance | {"diverged": steps}
        warn_of_divergence(steps, len(runs))
    several = len(runs) > 1
    return Curve(
        time,
        {name: array.mean(axis=0) for name, array in samples.items()},
        {name: array.std(axis=0, ddof=1) for name, array in samples.items()} if several else {},
        samples if several else {},
        {"diverged": np.isnan(stacked[:, 0]).mean(axis=0)},
        label=label,
        provenance=provenance,
        **fields,
    )
