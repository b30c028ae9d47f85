"""Data of a figure with one part off: what checks are held against.

Every part of the data (an array, a number, a curve) is scaled, reversed, or put in the place of a
part of the same shape beside it, one at a time and together with its like: then two things that
are compared are equal, theory is off, or runs belong to another case.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from limitlab.solvers.core.curve import Curve
from limitlab.theory.core.errors import LimitlabError

FACTORS = (0.5, 1.1, -1.0, 0.0, 10.0)
#: parts of which every pair is exchanged, and of which none but the first are touched
FEW, MANY = 8, 60
Place = tuple[Any, ...]


def children(whole: Any) -> dict[Any, Any]:
    """The named parts of a container; none of a leaf."""
    if isinstance(whole, dict):
        return dict(whole)
    if isinstance(whole, list | tuple):
        return dict(enumerate(whole))
    if is_dataclass(whole) and not isinstance(whole, type | Curve):
        return {one.name: getattr(whole, one.name) for one in fields(whole) if one.init}
    return {}


def with_child(whole: Any, name: Any, part: Any) -> Any:
    """The container with one part exchanged."""
    if isinstance(whole, dict):
        return {**whole, name: part}
    if isinstance(whole, tuple):
        parts = [*whole[:name], part, *whole[name + 1 :]]
        return type(whole)(*parts) if hasattr(whole, "_fields") else tuple(parts)
    if isinstance(whole, list):
        return [*whole[:name], part, *whole[name + 1 :]]
    return replace(whole, **{name: part})


def places(whole: Any, at: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every part that is no container, and the containers on the way; of many the first ones."""
    for name, part in islice(children(whole).items(), MANY):
        yield (*at, name), part
        yield from places(part, (*at, name))


def at(whole: Any, place: Place) -> Any:
    """The part at a place."""
    for name in place:
        whole = children(whole)[name]
    return whole


def put(whole: Any, place: Place, part: Any) -> Any:
    """The whole with another part at a place."""
    if not place:
        return part
    first, *rest = place
    return with_child(whole, first, put(children(whole)[first], tuple(rest), part))


def scaled(part: Any, factor: float) -> Any:
    """A part with all its numbers off by a factor; None where it has none."""
    if isinstance(part, bool | str) or part is None:
        return None
    if isinstance(part, Curve):
        values, samples = (
            {k: factor * np.asarray(v) for k, v in some.items()}
            for some in (part.values, part.samples)
        )
        return replace(part, values=values, samples=samples)
    if isinstance(part, np.ndarray):
        return factor * part if part.dtype.kind in "fi" else None
    if isinstance(part, int | float | np.floating):
        return type(part)(factor * part) if not isinstance(part, int) else factor * part
    parts = children(part)
    changed = {name: scaled(one, factor) for name, one in parts.items()}
    if all(one is None for one in changed.values()):
        return None
    for name, one in changed.items():
        if one is not None:
            part = with_child(part, name, one)
    return part


def alike(a: Any, b: Any) -> bool:
    """Whether one can stand for the other."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.shape == b.shape
    return type(a) is type(b) and children(a).keys() == children(b).keys()


def _beside(data: Any, place: Place) -> dict[Any, Any]:
    """The parts that are exchanged for one: all others of a few, the next one of many."""
    parts = children(at(data, place[:-1]))
    if len(parts) > FEW:
        names = list(parts)
        following = names[(names.index(place[-1]) + 1) % len(names)]
        return {following: parts[following]}
    return {name: part for name, part in parts.items() if name != place[-1]}


def _off(data: Any) -> Iterator[tuple[str, Any, Any]]:
    """What is done, where, and the part that is off."""
    found = list(places(data))
    for place, part in found:
        for name, other in _beside(data, place).items():
            if alike(part, other):
                yield f"{place} as {name}", place, other
    for factor in FACTORS:
        for place, part in found:
            yield f"{place} times {factor:g}", place, _try(scaled, part, factor)
    for place, part in found:
        if isinstance(part, np.ndarray):
            for axis in range(part.ndim):
                yield f"{place} reversed", place, np.flip(part, axis)
            if part.dtype.kind == "f":
                for value in (1.0, 2.0):
                    yield f"{place} all {value:g}", place, np.full_like(part, value)
                yield f"{place} nothing missing", place, np.nan_to_num(part, nan=1.0, posinf=1.0)
        if isinstance(part, float | np.floating):
            yield f"{place} off by one", place, part + 1
        if isinstance(part, int) and not isinstance(part, bool):
            yield f"{place} and one", place, part + 1
        if isinstance(part, Curve):
            still = {k: np.full_like(v, v[0]) for k, v in part.values.items()}
            runs = {k: np.repeat(v[:, :1], v.shape[1], 1) for k, v in part.samples.items()}
            told = {**part.provenance, "state": "moving"}
            yield f"{place} at rest", place, replace(part, values=still, samples=runs)
            yield f"{place} not at rest", place, replace(part, provenance=told)


def _try(change: Any, *arguments: Any) -> Any:
    """What a change gives; None where the part does not take it."""
    try:
        return change(*arguments)
    except (LimitlabError, TypeError, ValueError):
        return None


def spoilt(data: Any) -> Iterator[tuple[str, Any]]:
    """The data with one part off, and what was done."""
    for what, place, part in _off(data):
        if part is not None:
            bad = _try(put, data, place, part)
            if bad is not None:
                yield what, bad
