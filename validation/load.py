"""load: what `save` has written, a curve or a sweep."""

from __future__ import annotations

import os
from typing import Any

from ..solvers.core import storage
from ..solvers.core.curve import Curve
from ..theory.core.errors import InvalidInput


def load(path: str | os.PathLike[str]) -> Any:
    """Read a Curve or a Sweep that ``save`` wrote.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    Curve or Sweep

    Raises
    ------
    InvalidInput
        No such file; damaged anywhere (every byte is under a checksum); something else.
    """
    data = storage.read_dataset(path)
    if data.attrs.get("format") == storage.FORMAT:
        return Curve(**storage.from_dataset(data))
    from .sweep import result

    if data.attrs.get("format") != result.FORMAT:
        raise InvalidInput("path", str(path), "holds neither a curve nor a sweep of limitlab")
    return result.opened(data)
