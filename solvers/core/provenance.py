"""How a curve was made, in words that a file can keep."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

Seed = int | np.random.SeedSequence | None


def seed_text(seed: Seed) -> str | None:
    """A seed in words: by it the same numbers are drawn again."""
    if isinstance(seed, np.random.SeedSequence):
        return f"entropy {seed.entropy}, spawn_key {seed.spawn_key}"
    return None if seed is None else str(seed)


def plain(value: Any) -> Any:
    """Return a value as JSON holds it, so that what a file gives back is equal.

    Numbers of numpy and sympy become Python's, arrays, tuples and sets become lists, keys become
    text, and anything else is told in its own words.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, set | frozenset):
        return sorted((plain(one) for one in value), key=str)
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, sp.Integer | int):
        return int(value)
    if isinstance(value, sp.Number | float):
        return float(value)
    if value in (sp.true, sp.false):
        return bool(value)
    return str(value)


def same(a: Any, b: Any) -> bool:
    """Whether two fields of curves are equal: arrays to the bit, NaN equal to NaN."""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return a is not None and b is not None and bool(np.array_equal(a, b, equal_nan=True))
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a):
        return math.isnan(b)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)
