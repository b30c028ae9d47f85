"""One thread for the matrix products of runs that are themselves spread over threads.

Two workers whose products take every processor each get in one another's way (measured: four
times slower on a busy machine). numpy's own OpenBLAS is asked by its exported name; where numpy
was built with another library nothing is done, which costs time and changes no result.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

_NAMES = tuple(
    f"{prefix}openblas_{{}}_num_threads{suffix}"
    for prefix in ("scipy_", "")
    for suffix in ("64_", "")
)
_lock = threading.Lock()
_users = 0
_before = 1


@cache
def _controls() -> tuple[Any, Any] | None:
    """The library's functions that read and set its number of threads."""
    try:
        library = ctypes.CDLL(np._core._multiarray_umath.__file__)  # type: ignore[attr-defined]
    except (AttributeError, OSError):
        return None
    for name in _NAMES:
        if hasattr(library, name.format("set")) and hasattr(library, name.format("get")):
            return getattr(library, name.format("get")), getattr(library, name.format("set"))
    return None


def threads() -> int | None:
    """Return how many threads a product takes now; None where nobody can be asked."""
    controls = _controls()
    return None if controls is None else int(controls[0]())


@contextmanager
def one_thread() -> Iterator[None]:
    """Products inside take one thread each; the number before comes back with the last user."""
    global _users, _before
    controls = _controls()
    if controls is None:
        yield
        return
    read, write = controls
    with _lock:
        if _users == 0:
            _before = read()
            write(1)
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                write(_before)
