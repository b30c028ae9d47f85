"""Many runs of a finite-data model, and the curve of them; runs that ran away are kept, flagged."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...theory.core.errors import Interrupted
from ...theory.core.warn import warn
from .curve import Curve

Array = NDArray[np.float64]
Run = tuple[Array, int | None]
Result = TypeVar("Result")


def each(
    work: Callable[[int], Result], runs: int, workers: int | None, progress: bool | None
) -> list[Result]:
    """Return [work(0), …, work(runs − 1)], computed in threads, in this order.

    Raises
    ------
    Interrupted
        Ctrl-C; with the results of the finished runs.
    """
    if runs == 1:
        return [work(0)]
    pool = ThreadPoolExecutor(workers or os.cpu_count() or 1)
    futures = [pool.submit(work, k) for k in range(runs)]
    try:
        return [future.result() for future in _with_bar(futures, progress)]
    except KeyboardInterrupt:
        pool.shutdown(cancel_futures=True)  # those that run end first
        done = [f for f in futures if not f.cancelled() and f.exception() is None]
        raise Interrupted([f.result() for f in done], len(done), runs) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _with_bar(futures: Sequence[Any], progress: bool | None) -> Iterable[Any]:
    if progress is False:
        return futures
    from tqdm import tqdm

    hidden = None if progress is None else False
    return tqdm(futures, total=len(futures), desc="runs", disable=hidden)


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
