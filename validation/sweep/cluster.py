"""Other machines: a dask cluster by the address of its scheduler."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ...theory.core.errors import InvalidInput, NotAvailable

#: seconds to wait for a scheduler
_PATIENCE = 30


@contextmanager
def connected(scheduler: str | None) -> Iterator[Any]:
    """An executor on the cluster, for the time of the block; None without an address.

    Raises
    ------
    NotAvailable
        dask.distributed is not installed.
    InvalidInput
        Nobody answers at the address.
    """
    if scheduler is None:
        yield None
        return
    try:
        from distributed import Client
    except ImportError:
        remedy = "dask.distributed is not installed: pip install 'limitlab[cluster]'"
        raise NotAvailable("scheduler", scheduler, remedy) from None
    try:
        client = Client(scheduler, timeout=_PATIENCE)
    except (OSError, ValueError, TimeoutError) as error:
        remedy = f"no scheduler answers there ({type(error).__name__})"
        raise InvalidInput("scheduler", scheduler, remedy) from None
    with client:
        yield client.get_executor()
