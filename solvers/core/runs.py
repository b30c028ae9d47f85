"""Many runs of a finite-data model, and the curve of them; runs that ran away are kept, flagged."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...theory.core.warn import warn
from .curve import Curve

Array = NDArray[np.float64]
Run = tuple[Array, int | None]
Result = TypeVar("Result")


def each(
    work: Callable[[int], Result], runs: int, workers: int | None, progress: bool | None
) -> list[Result]:
    """Return [work(0), …, work(runs − 1)], computed in threads, in this order."""
    if runs == 1:
        return [work(0)]
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        results: Iterable[Result] = pool.map(work, range(runs))
        if progress is not False:
            from tqdm import tqdm

            bar = None if progress is None else False
            results = tqdm(results, total=runs, desc="runs", disable=bar)
        return list(results)


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
