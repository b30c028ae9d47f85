"""What was asked for, field by field, in words that two calls can be compared by."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from ...theory.core.once import shipped


def described(**asked: Any) -> dict[str, str]:
    """Return a line for every field of what is asked, by its dotted name.

    Examples
    --------
    >>> from limitlab import SGD
    >>> described(method=SGD(0.5, batch=2), until=4.0)["method.batch"]
    '2'
    """
    found: dict[str, str] = {}
    for name, value in asked.items():
        _describe(name, value, found)
    return found


def difference(ours: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    """Say in which field two descriptions differ first; empty where in none."""
    for name in dict.fromkeys([*ours, *theirs]):
        mine, other = ours.get(name, "absent"), theirs.get(name, "absent")
        if mine != other:
            return f"{name} is {_short(other)} there and {_short(mine)} here"
    return ""


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def _describe(name: str, value: Any, found: dict[str, str]) -> None:
    if isinstance(value, np.ndarray):
        digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()[:16]
        found[name] = f"array {value.shape} {digest}"
    elif isinstance(value, np.random.SeedSequence):
        found[name] = f"entropy {value.entropy}, spawn_key {value.spawn_key}"
    elif isinstance(value, Mapping):
        for key, one in value.items():
            _describe(f"{name}.{key}", one, found)
    elif isinstance(value, list | tuple):
        found[f"{name}.length"] = str(len(value))
        for k, one in enumerate(value):
            _describe(f"{name}.{k}", one, found)
    elif isinstance(value, float | np.floating):
        found[name] = repr(float(value))
    elif isinstance(value, sp.Basic):
        found[name] = sp.srepr(value)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        found[name] = _class(value)
        for each in dataclasses.fields(value):
            _describe(f"{name}.{each.name}", getattr(value, each.name), found)
    elif callable(value):
        found[name] = _code(value)
    else:
        found[name] = repr(value)


def _class(value: Any) -> str:
    """The class, and of a user's own what it states."""
    kind = type(value)
    return kind.__name__ if shipped(value) else f"{kind.__name__} {_code(kind)}"


def _code(thing: Any) -> str:
    """A fingerprint of what a function does, with what it closes over, or of a class's source."""
    code = getattr(thing, "__code__", None)
    if code is not None:
        cells = [repr(cell.cell_contents) for cell in thing.__closure__ or ()]
        parts = [code.co_code, repr(code.co_consts), repr(code.co_names), *cells]
        text = repr([*parts, thing.__defaults__])
    else:
        try:
            text = inspect.getsource(thing)
        except (OSError, TypeError):
            text = getattr(thing, "__qualname__", type(thing).__qualname__)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
