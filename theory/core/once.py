"""What is asked of one object many times in a call is computed once in that call, and forgotten.

Between calls nothing is kept of what a user's own class states: one that its author edits states
something else the next time. Of problems and methods that the package itself states all of it is
kept, for the last few pairs.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache, wraps
from typing import Any, TypeVar

import numpy as np
import sympy as sp

Function = TypeVar("Function", bound=Callable[..., Any])

#: (function, arguments) → (arguments, result); the arguments are held, so that no other object
#: takes their identity
Known = dict[Any, tuple[Any, Any]]
_known: ContextVar[Known | None] = ContextVar("known", default=None)
#: arguments that are told apart by value; others by identity
_PLAIN = (bool, int, float, str, bytes, type(None))
_PACKAGE = __name__.split(".")[0]
#: pairs that are kept, and what is kept of one
_MOST_PAIRS, _MOST_RESULTS = 64, 1024
_pairs: OrderedDict[Any, tuple[tuple[Any, ...], Known]] = OrderedDict()


@contextmanager
def one_call(*owners: Any) -> Iterator[tuple[Any, ...]]:
    """Open a call about some objects; within another one nothing changes.

    Yields
    ------
    tuple
        The objects, or equal ones of an earlier call of which things are known already.
    """
    if _known.get() is not None:
        yield owners
        return
    owners, known = _earlier(owners)
    token = _known.set(known)
    try:
        yield owners
    finally:
        _known.reset(token)


def _earlier(owners: tuple[Any, ...]) -> tuple[tuple[Any, ...], Known]:
    """The objects of an earlier call that equal these, and what is known of them."""
    if not owners or not all(map(shipped, owners)):
        return owners, {}
    key = tuple((type(owner), _statement(type(owner)), owner) for owner in owners)
    try:
        found = _pairs.setdefault(key, (owners, {}))
        _pairs.move_to_end(key)
        while len(_pairs) > _MOST_PAIRS:
            _pairs.popitem(last=False)
    except (TypeError, KeyError):  # not hashable; another thread was faster
        return owners, {}
    if len(found[1]) > _MOST_RESULTS:
        found[1].clear()
    return found


def shipped(value: Any) -> bool:
    """Whether all that a value states is stated by this package, so that it stays as it is."""
    if isinstance(value, _PLAIN):
        return True
    if isinstance(value, np.ndarray):
        return value.dtype != object and not value.flags.writeable
    if isinstance(value, sp.Basic):
        return all(is_ours(type(node)) for node in sp.preorder_traversal(value))
    if isinstance(value, tuple):
        return all(map(shipped, value))
    kind: Any = type(value)
    stated: bool = dataclasses.is_dataclass(kind)
    if not stated or not is_ours(kind):
        return False
    return all(shipped(getattr(value, name)) for name in _names(kind))


@lru_cache(maxsize=256)
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


def is_ours(kind: type) -> bool:
    """Whether a class is of this package, or of sympy."""
    return kind.__module__.split(".")[0] in (_PACKAGE, "sympy")


def _statement(kind: type) -> tuple[Any, ...]:
    """All that a class states, so that one that was patched is another one."""
    return tuple(value for base in kind.__mro__[:-1] for value in map(id, vars(base).values()))


def once(function: Function) -> Function:
    """Make a function compute once a call for the same objects and equal numbers."""

    @wraps(function)
    def kept(*args: Any) -> Any:
        return recalled(lambda: function(*args), function, *args)

    return kept  # type: ignore[return-value]


def recalled(compute: Callable[[], Any], *args: Any) -> Any:
    """Return what is computed, once a call for the same objects and equal numbers."""
    known = _known.get()
    if known is None:
        return compute()
    key = tuple(a if isinstance(a, _PLAIN) else id(a) for a in args)
    if key not in known:
        known[key] = args, compute()
    return known[key][1]
