"""Checks of what a user hands in: each refuses with the field, the value and the remedy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from .errors import InvalidInput, InvalidType

#: the largest count: above it floats no longer hold every integer
LARGEST = 2**53
#: runs, paths or points of one curve
LARGEST_ENSEMBLE = 10**7
#: of an entry whose third power must be a float (kernels, residuals), and of one whose sixth must
#: (Jacobians)
CUBED, SIXTH = 1e100, 1e50


def number(field: str, value: Any) -> float:
    """A finite real number as a float."""
    if type(value) is float and math.isfinite(value):
        return value
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        raise InvalidType(field, value, "give a number")
    try:
        result = float(value)
    except OverflowError:
        result = math.inf
    if not math.isfinite(result):
        raise InvalidInput(field, value, "give a finite number")
    return result


def positive(field: str, value: Any) -> float:
    """A finite number > 0 as a float."""
    result = number(field, value)
    if result <= 0:
        raise InvalidInput(field, value, "give a number > 0")
    return result


def count(field: str, value: Any, least: int = 1, most: int | None = LARGEST) -> int:
    """An integer from least to most (None: without end); integral floats such as 1e9 are taken."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        raise InvalidType(field, value, f"give an integer >= {least}")
    if not isinstance(value, Integral) and not float(value).is_integer():
        raise InvalidInput(field, value, f"give an integer >= {least}")
    result = int(float(value)) if not isinstance(value, Integral) else int(value)
    if result < least:
        raise InvalidInput(field, value, f"give an integer >= {least}")
    if most is not None and result > most:
        raise InvalidInput(field, value, f"give an integer from {least} to {most:.16g}")
    return result


def ensemble_size(field: str, value: Any, least: int = 1) -> int:
    """A number of runs or paths that a curve can hold."""
    return count(field, value, least, LARGEST_ENSEMBLE)


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
    result = reals(field, values, f"give an array of numbers with {axes} axes")
    if result.ndim != axes:
        raise InvalidInput(field, values, f"has {result.ndim} axes; give an array with {axes}")
    if result.size == 0:
        raise InvalidInput(field, values, "is empty; give at least one value")
    if not np.all(np.isfinite(result)):
        bad = tuple(int(i) for i in np.argwhere(~np.isfinite(result))[0])
        raise InvalidInput(field, values, f"has NaN or infinity at index {bad}; remove it")
    return read_only(result)


def within_size(field: str, values: np.ndarray, largest: float = CUBED) -> np.ndarray:
    """The array, if none of its entries is larger: else products of them may overflow.

    Raises
    ------
    InvalidInput
        One is.
    """
    found = float(np.abs(values).max())
    if found > largest:
        remedy = f"has an entry of size {found:.3g}; products of such may overflow, rescale to "
        raise InvalidInput(field, values, f"{remedy}at most {largest:g}")
    return values


def reals(field: str, values: Any, remedy: str = "give an array of real numbers") -> np.ndarray:
    """A float64 copy of an array of real numbers, of any shape; complex ones are refused."""
    try:
        given = np.asarray(values)
        if given.dtype.kind in "USmM":
            raise TypeError
        if given.dtype.kind == "c":
            raise InvalidType(field, values, "holds complex numbers; give real ones")
        return np.array(given, dtype=np.float64, order="C")
    except InvalidType:
        raise
    except (TypeError, ValueError, OverflowError):
        raise InvalidType(field, values, remedy) from None


def read_only(values: np.ndarray) -> np.ndarray:
    """The same array, protected against writing."""
    values.setflags(write=False)
    return values
