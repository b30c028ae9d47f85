"""What is asked of one object many times in a call is computed once in that call, and forgotten.

Between calls nothing is kept: a class that its author edits states something else the next time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

#: (function, identities of the arguments) → (arguments, result); the arguments are held, so that
#: no other object takes their identity
_known: ContextVar[dict[Any, tuple[Any, Any]] | None] = ContextVar("known", default=None)


@contextmanager
def one_call() -> Iterator[None]:
    """Open a call; within another one nothing changes."""
    if _known.get() is not None:
        yield
        return
    token = _known.set({})
    try:
        yield
    finally:
        _known.reset(token)


def once(function: Function) -> Function:
    """Make a function of objects compute once a call for the same objects."""

    @wraps(function)
    def kept(*args: Any) -> Any:
        known = _known.get()
        if known is None:
            return function(*args)
        key = (function, *map(id, args))
        if key not in known:
            known[key] = args, function(*args)
        return known[key][1]

    return kept  # type: ignore[return-value]
