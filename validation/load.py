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

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import limitlab as ll
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "mine.nc"
    >>> curve = ll.Curve([0.0, 1.0], {"risk": [1.0, 0.5]})
    >>> curve.save(file)
    >>> ll.load(file) == curve
    True
    """
    data = storage.read_dataset(path)
    if data.attrs.get("format") == storage.FORMAT:
        return Curve(**storage.from_dataset(data))
    from .sweep import result

    if data.attrs.get("format") != result.FORMAT:
        raise InvalidInput("path", str(path), "holds neither a curve nor a sweep of limitlab")
    return result.opened(data)
