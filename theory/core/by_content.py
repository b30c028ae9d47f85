"""Equality and hash by content for frozen dataclasses that hold arrays."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from functools import cached_property
from types import FunctionType
from typing import Any

import numpy as np


def digest(value: Any) -> bytes:
    """A fingerprint of a value: arrays by dtype, shape and bytes, dataclasses by their fields.

    Representations are never used for these: they shorten long arrays.
    """
    if isinstance(value, np.ndarray):
        head = f"{value.dtype.str}{value.shape}".encode()
        return hashlib.sha256(head + np.ascontiguousarray(value).tobytes()).digest()
    if isinstance(value, (tuple, list)):
        return hashlib.sha256(b"\0".join(digest(item) for item in value)).digest()
    if isinstance(value, Mapping):
        return hashlib.sha256(
            b"\0".join(digest(key) + digest(item) for key, item in value.items())
        ).digest()
    if isinstance(value, ByContent):
        return value.fingerprint.encode()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return fields_digest(value)
    if isinstance(value, FunctionType):
        return _code(value)
    return repr(value).encode()


def _code(function: FunctionType) -> bytes:
    """A function is what it is, and the code that an editor may put into it later."""
    code = function.__code__
    return b"\0".join([repr(function).encode(), code.co_code, repr(code.co_consts).encode()])


def fields_digest(instance: Any) -> bytes:
    """A fingerprint of a dataclass instance: its class and all its fields."""
    head = f"{type(instance).__module__}.{type(instance).__qualname__}".encode()
    fields = dataclasses.fields(instance)
    parts = [f.name.encode() + digest(getattr(instance, f.name)) for f in fields]
    return hashlib.sha256(b"\0".join([head, *parts])).digest()


class Compared:
    """Base that compares by fields where a class of a user's would compare arrays, and fail.

    A dataclass writes an equality that asks an array whether it is true; here it is asked whether
    it holds the same numbers. A class with an equality of its own keeps that.
    """

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        # dataclass comes after this and leaves alone what the class already has
        if cls.__eq__ in (object.__eq__, _equal_fields):
            whole = issubclass(cls, ByContent)  # which knows what functions hold too
            cls.__eq__ = ByContent.__eq__ if whole else _equal_fields  # type: ignore[assignment]
            cls.__hash__ = ByContent.__hash__ if whole else _fields_hash  # type: ignore[assignment]


def _equal_fields(self: Any, other: object) -> bool:
    if type(self) is not type(other):
        return NotImplemented
    if not dataclasses.is_dataclass(self):
        return self is other
    fields = [f.name for f in dataclasses.fields(self) if f.compare]
    return all(_equal(getattr(self, name), getattr(other, name)) for name in fields)


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return type(one) is type(other) and np.array_equal(one, other, equal_nan=_floats(one))
    return bool(one is other or one == other)


def _floats(array: np.ndarray) -> bool:
    return array.dtype.kind in "fc"


def _fields_hash(self: Any) -> int:
    if not dataclasses.is_dataclass(self):
        return object.__hash__(self)
    values = (getattr(self, f.name) for f in dataclasses.fields(self) if f.compare)
    # arrays have no hash, and equal ones must not differ: their shape stands for them
    return hash((type(self), *(v.shape if isinstance(v, np.ndarray) else v for v in values)))


class ByContent:
    """Mixin for ``@dataclass(frozen=True, eq=False)``: equal when every field is equal."""

    @cached_property
    def fingerprint(self) -> str:
        """Hexadecimal digest of class and fields."""
        return fields_digest(self).hex()

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)
