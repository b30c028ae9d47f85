"""Refuse what cannot fit into memory before it starts, with its size."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

from ...theory.core.errors import InvalidInput


def available() -> float:
    """Return the bytes that this process may still take; infinity where the system does not say."""
    return min(_free(), _within_group(), _within_limit())


def _free() -> float:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return math.inf
    sizes = dict(line.split(":", 1) for line in lines if ":" in line)
    found = sizes.get("MemAvailable", "").split()
    return 1024.0 * int(found[0]) if found else math.inf


def _within_group() -> float:
    """What the limit of a container leaves."""
    group = Path("/sys/fs/cgroup")
    try:
        most, used = (
            (group / name).read_text().strip() for name in ("memory.max", "memory.current")
        )
        return math.inf if most == "max" else max(float(most) - float(used), 0.0)
    except (OSError, ValueError):
        return math.inf


def _within_limit() -> float:
    """What ``ulimit -v`` leaves."""
    try:
        import resource

        most, _ = resource.getrlimit(resource.RLIMIT_AS)
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (ImportError, OSError, ValueError, IndexError):
        return math.inf
    if most == resource.RLIM_INFINITY:
        return math.inf
    return max(float(most) - pages * os.sysconf("SC_PAGE_SIZE"), 0.0)


def check_fits(field: str, count: Any, times: int, arrays: int = 2) -> None:
    """Refuse a number of runs, paths or cells whose values at all times exceed the memory.

    Parameters
    ----------
    field : str
        What is counted.
    count, times : int
    arrays : int
        Numbers of float64 kept of each at each time.

    Raises
    ------
    InvalidInput
        With the size, and what is free.
    """
    if isinstance(count, bool) or not isinstance(count, int | float) or not count > 0:
        return  # refused elsewhere, with its reason
    size, free = 8.0 * arrays * count * times, available()
    if size > free:
        remedy = (
            f"at {times} times that takes {_size(size)}, and {_size(free)} are free; take fewer, "
            "or fewer times"
        )
        raise InvalidInput(field, count, remedy)


def _size(size: float) -> str:
    return f"{size / 1e9:.3g} GB" if size >= 1e8 else f"{size / 1e6:.3g} MB"
