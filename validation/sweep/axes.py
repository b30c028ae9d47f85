"""What a sweep varies: fields by their dotted paths, each with its values and their names."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from ...theory.core.errors import InvalidInput, InvalidType, LimitlabError
from ...theory.core.problem import Learner, Problem

OWNERS = ("problem", "method")
#: cells of one sweep
MOST_CELLS = 10**7


@dataclass(frozen=True)
class Axis:
    """A dimension of the sweep.

    Attributes
    ----------
    name : str
        Of the dimension; several fields that go together are joined by "_".
    paths : tuple of (owner, path)
        The fields, such as ("method", ("threshold",)).
    values : tuple of tuple
        For each place on the axis a value for every field.
    labels : tuple of tuple
        What the values are called: the numbers themselves where all are numbers, else words.
    """

    name: str
    paths: tuple[tuple[str, tuple[str, ...]], ...]
    values: tuple[tuple[Any, ...], ...]
    labels: tuple[tuple[Any, ...], ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields as the user wrote them."""
        return tuple(".".join(path) or owner for owner, path in self.paths)

    @property
    def is_rate(self) -> bool:
        """Whether it varies a rate that is a number, and nothing else."""
        numbers = all(isinstance(v, int | float | np.number) for (v, *_) in self.values)
        return self.paths == (("method", ("rate",)),) and numbers


@dataclass(frozen=True)
class Plane:
    """A problem and a method, and the axes along which they are varied."""

    problem: Any
    method: Any
    axes: tuple[Axis, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Cells along each axis."""
        return tuple(len(axis.values) for axis in self.axes)

    def cell(self, index: Sequence[int]) -> tuple[Any, Any]:
        """Return the problem and the method of a cell.

        Raises
        ------
        InvalidInput
            A value that the problem or the method does not take.
        """
        found = {"problem": self.problem, "method": self.method}
        own: dict[str, dict[str, Any]] = {"problem": {}, "method": {}}
        for axis, place in zip(self.axes, index, strict=True):
            for (owner, path), value in zip(axis.paths, axis.values[place], strict=True):
                if len(path) == 1:
                    own[owner][path[0]] = value
                else:
                    found[owner] = _with(found[owner], path, value)
        for owner, values in own.items():  # checked once, however many fields move
            found[owner] = _replaced(found[owner], values) if values else found[owner]
        return found["problem"], found["method"]

    def names(self, index: Sequence[int]) -> dict[str, Any]:
        """The labels of a cell by field."""
        return {
            name: label
            for axis, place in zip(self.axes, index, strict=True)
            for name, label in zip(axis.fields, axis.labels[place], strict=True)
        }


def plane(problem: Any, method: Any, over: Any) -> Plane:
    """Return the plane that ``over`` spans.

    Raises
    ------
    InvalidInput, InvalidType
        A field that neither the problem nor the method has, or both; no values; too many cells.
    """
    if not isinstance(over, Mapping) or not over:
        remedy = 'give a dict of fields and their values, such as {"rate": [0.2, 0.4]}'
        raise InvalidType("over", over, remedy)
    axes = tuple(_axis(problem, method, key, values) for key, values in over.items())
    names = [name for axis in axes for name in axis.fields]
    for name in names:
        if names.count(name) > 1:
            raise InvalidInput("over", name, "is varied twice; name it once")
    found = Plane(problem, method, axes)
    if math.prod(found.shape) > MOST_CELLS:
        raise InvalidInput("over", found.shape, f"more than {MOST_CELLS} cells; take fewer values")
    return found


def _axis(problem: Any, method: Any, key: Any, values: Any) -> Axis:
    keys = key if isinstance(key, tuple) else (key,)
    paths = tuple(_path(problem, method, one) for one in keys)
    field = f"over[{key!r}]"
    if isinstance(values, Mapping):
        rows, labels = _rows(keys, list(values.values()), field), [str(name) for name in values]
        named = tuple(tuple(label for _ in keys) for label in labels)
    else:
        rows = _rows(keys, values, field)
        named = tuple(tuple(_label(value) for value in row) for row in rows)
        for column in zip(*named, strict=True):
            _check_names(column, field, len(keys) > 1)
    return Axis("_".join(map(str, keys)), paths, rows, named)


def _rows(keys: Sequence[Any], values: Any, field: str) -> tuple[tuple[Any, ...], ...]:
    if isinstance(values, str | bytes) or not hasattr(values, "__iter__"):
        raise InvalidType(field, values, "give a list of values, or a dict of names and values")
    listed = values.tolist() if isinstance(values, np.ndarray) else list(values)
    if not listed:
        raise InvalidInput(field, values, "give at least one value")
    if len(keys) == 1:
        return tuple((value,) for value in listed)
    for row in listed:
        if not isinstance(row, list | tuple) or len(row) != len(keys):
            remedy = f"fields that go together take rows of {len(keys)} values, one a field"
            raise InvalidInput(field, row, remedy)
    return tuple(tuple(row) for row in listed)


def _check_names(labels: Sequence[Any], field: str, repeats: bool) -> None:
    if repeats:
        return
    for label in labels:
        if list(labels).count(label) > 1:
            remedy = "two values are called so; leave one out, or name them: {name: value, …}"
            raise InvalidInput(field, label, remedy)


def _label(value: Any) -> Any:
    """A number stands for itself; laws and methods have a name, schedules their formula."""
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, int | float | np.number):
        return float(value)
    return str(getattr(value, "label", value)) if not isinstance(value, str) else value


def _path(problem: Any, method: Any, key: Any) -> tuple[str, tuple[str, ...]]:
    """Find the field that a dotted path names."""
    if not isinstance(key, str) or not key:
        raise InvalidType("over", key, 'name a field, such as "rate" or "noise.scale"')
    owner, *rest = key.split(".")
    if owner in OWNERS:
        path = tuple(rest)
    else:
        holders = [
            name
            for name, one in zip(OWNERS, (problem, method), strict=True)
            if owner in _fields(one)
        ]
        if len(holders) > 1:
            remedy = f'both have it; write "method.{key}" or "problem.{key}"'
            raise InvalidInput("over", key, remedy)
        if not holders:
            raise InvalidInput("over", key, _nearest(owner, [*_fields(problem), *_fields(method)]))
        owner, path = holders[0], (owner, *rest)
    at = {"problem": problem, "method": method}[owner]
    for part in path:
        if part not in _fields(at):
            raise InvalidInput("over", key, _nearest(part, _fields(at)))
        at = getattr(at, part)
    return owner, path


def _fields(owner: Any) -> list[str]:
    known: bool = dataclasses.is_dataclass(owner)
    return [f.name for f in dataclasses.fields(owner) if f.init] if known else []


def _nearest(name: str, known: Sequence[str]) -> str:
    if not known:
        return "has no fields that can be varied; give whole objects: {name: object, …}"
    close = get_close_matches(name, known, 1, 0.5)
    return f"{f'did you mean {close[0]}? ' if close else ''}known: {', '.join(known)}"


def _with(owner: Any, path: tuple[str, ...], value: Any) -> Any:
    """Return a copy with another value in the place of a field, whose constructor checks it."""
    if not path:
        kind = Problem if isinstance(owner, Problem) else Learner
        if not isinstance(value, kind):
            raise InvalidType("over", value, f"give a {'problem' if kind is Problem else 'method'}")
        return value
    name, *rest = path
    if rest:
        value = _with(getattr(owner, name), tuple(rest), value)
    return _replaced(owner, {name: value})


def _replaced(owner: Any, values: Mapping[str, Any]) -> Any:
    """Return a copy with other values of some fields."""
    try:
        return dataclasses.replace(owner, **values)
    except LimitlabError:
        raise
    except (TypeError, ValueError) as error:
        fields, given = ", ".join(values), tuple(values.values())
        shown = given[0] if len(given) == 1 else given
        raise InvalidInput(fields, shown, f"cannot be put in: {error}") from error
