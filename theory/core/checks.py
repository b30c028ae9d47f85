"""Checks of what a user hands in: each refuses with the field, the value and the remedy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from .errors import InvalidInput, InvalidType


def number(field: str, value: Any) -> float:
    """A finite real number as a float."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        raise InvalidType(field, value, "give a number")
    result = float(value)
    if not math.isfinite(result):
        raise InvalidInput(field, value, "give a finite number")
    return result


def positive(field: str, value: Any) -> float:
    """A finite number > 0 as a float."""
    result = number(field, value)
    if result <= 0:
        raise InvalidInput(field, value, "give a number > 0")
    return result


def count(field: str, value: Any, least: int = 1) -> int:
    """An integer >= least; integral floats such as 1e9 are taken."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        raise InvalidType(field, value, f"give an integer >= {least}")
    if not isinstance(value, Integral) and not float(value).is_integer():
        raise InvalidInput(field, value, f"give an integer >= {least}")
    result = int(float(value)) if not isinstance(value, Integral) else int(value)
    if result < least:
        raise InvalidInput(field, value, f"give an integer >= {least}")
    return result


def fraction(field: str, value: Any) -> float:
    """A number in [0, 1) as a float."""
    result = number(field, value)
    if not 0 <= result < 1:
        raise InvalidInput(field, value, "give a number >= 0 and below 1")
    return result


def between(field: str, value: Any, low: float, high: float) -> float:
    """A number in [low, high] as a float."""
    result = number(field, value)
    if not low <= result <= high:
        raise InvalidInput(field, value, f"give a number from {low:g} to {high:g}")
    return result


def choice(field: str, value: Any, names: Sequence[str]) -> str:
    """One of the names."""
    if value not in names:
        listed = ", ".join(f'"{name}"' for name in names)
        raise InvalidInput(field, value, f"use one of {listed}")
    return value


def vector(field: str, values: Any, length: int | None = None) -> np.ndarray:
    """A finite, non-empty, read-only float array of one axis.

    Parameters
    ----------
    length : int, optional
        The required length.
    """
    result = array(field, values, 1)
    if length is not None and result.size != length:
        raise InvalidInput(field, values, f"has length {result.size}; give {length} numbers")
    return result


def array(field: str, values: Any, axes: int) -> np.ndarray:
    """A finite, non-empty, read-only float64 array with the given number of axes."""
    try:
        result = np.array(values, dtype=np.float64, order="C")
    except (TypeError, ValueError):
        raise InvalidType(field, values, f"give an array of numbers with {axes} axes") from None
    if result.ndim != axes:
        raise InvalidInput(field, values, f"has {result.ndim} axes; give an array with {axes}")
    if result.size == 0:
        raise InvalidInput(field, values, "is empty; give at least one value")
    if not np.all(np.isfinite(result)):
        bad = tuple(int(i) for i in np.argwhere(~np.isfinite(result))[0])
        raise InvalidInput(field, values, f"has NaN or infinity at index {bad}; remove it")
    return read_only(result)


def read_only(values: np.ndarray) -> np.ndarray:
    """The same array, protected against writing."""
    values.setflags(write=False)
    return values
