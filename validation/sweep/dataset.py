"""From the answers of cells to one Dataset with a named dimension for every axis, and time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...solvers.core.provenance import plain
from .axes import Axis, Plane
from .cells import MISSING, Answer
from .result import FORMAT, Sweep

#: suffixes of what stands beside a quantity
SPREAD, RUNS, RUNS_SPREAD = "_spread", "_runs", "_runs_spread"
_MEANING = {
    "announced_error": "announced relative error of the theory at this d; inf: not known",
    "status": "ok, diverged, failed, refused or missing",
    "reason": "why a cell is not ok",
}


def dataset(
    plane: Plane, answers: Mapping[tuple[int, ...], Answer], said: Mapping[str, Any]
) -> Sweep:
    """Return the sweep of the cells that have been answered; the others are missing.

    Parameters
    ----------
    plane : Plane
    answers : dict of index to Answer
    said : dict
        How it was made.
    """
    dims = [axis.name for axis in plane.axes]
    status = np.full(plane.shape, MISSING, dtype=object)
    reason = np.full(plane.shape, "", dtype=object)
    for index, answer in answers.items():
        status[index], reason[index] = answer.status, answer.reason
    time, same = _time([answer.time for answer in answers.values() if answer.time.size])
    variables = _filled(plane, answers, time, own_times=not same)
    described = {
        name: ((*dims, "time"), values, {"long_name": _MEANING.get(name, name)})
        for name, values in variables.items()
    }
    for name, text in (("status", status), ("reason", reason)):
        described[name] = (tuple(dims), text.astype(str), {"long_name": _MEANING[name]})
    coordinates: dict[str, Any] = {"time": ("time", time, {"long_name": "time"})}
    for axis in plane.axes:
        coordinates |= _coordinates(axis)
    done = all(one != MISSING for one in status.ravel())
    attributes = {
        "format": FORMAT,
        "complete": int(done),
        "provenance": json.dumps(plain(said), sort_keys=True),
    }
    return Sweep(described, coords=coordinates, attrs=attributes)


def _coordinates(axis: Axis) -> dict[str, Any]:
    """The labels of an axis; fields that go together are coordinates along it."""
    found: dict[str, Any] = {}
    for k, name in enumerate(axis.fields):
        column = [row[k] for row in axis.labels]
        numbers = all(isinstance(one, float) for one in column)
        found[name] = (axis.name, np.array(column, dtype=float if numbers else str))
    return found


def _time(times: Sequence[np.ndarray]) -> tuple[np.ndarray, bool]:
    """The times of the longest cell, and whether all cells have them."""
    if not times:
        return np.zeros(1), True
    longest = max(times, key=len)
    objects = {id(one): one for one in times}  # cells that were solved in one go share theirs
    return longest, all(np.array_equal(one, longest) for one in objects.values())


def _filled(
    plane: Plane, answers: Mapping[tuple[int, ...], Answer], time: np.ndarray, own_times: bool
) -> dict[str, np.ndarray]:
    """An array for every quantity: NaN where a cell has none."""
    found: dict[str, np.ndarray] = {}

    def put(name: str, index: tuple[int, ...], values: np.ndarray) -> None:
        if name not in found:
            found[name] = np.full((*plane.shape, time.size), np.nan)
        found[name][index][: values.size] = values

    for index, answer in answers.items():
        for name, values in answer.values.items():
            put(name, index, values)
        for name, values in answer.spread.items():
            put(name + SPREAD, index, values)
        if answer.error is not None:
            put("announced_error", index, answer.error)
        if own_times and answer.time.size:
            put("cell_time", index, answer.time)
    return found
