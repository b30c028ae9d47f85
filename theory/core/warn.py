"""Warnings that point to the line of the user's that caused them, however deep they are raised.

Inside `one_warning` what a call warns of is collected, and issued as a single warning at its end.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from .errors import ValidityWarning

_ROOT = Path(__file__).parents[2]
_ROOMS = (
    *(str(_ROOT / room) for room in ("theory", "solvers", "validation")),
    sys.modules["contextlib"].__file__ or "contextlib",
)
_said: ContextVar[list[str] | None] = ContextVar("said", default=None)


def warn(message: str, category: type[Warning] = ValidityWarning) -> None:
    """Warn at the innermost line that is outside the package's rooms; once a call."""
    said = _said.get()
    if said is not None and category is ValidityWarning:
        if message not in said:
            said.append(str(message))
        return
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_ROOMS):
        frame = frame.f_back
    warnings.warn_explicit(
        message,
        category,
        frame.f_code.co_filename,
        frame.f_lineno,
        module=frame.f_globals.get("__name__"),
        registry=frame.f_globals.setdefault("__warningregistry__", {}),
    )


@contextmanager
def one_warning() -> Iterator[list[str]]:
    """Collect what a call warns of and issue it together; an inner call leaves its own to it.

    Yields
    ------
    list of str
        What was said; complete at the end.
    """
    outer = _said.get()
    said: list[str] = []
    token = _said.set(said)
    try:
        yield said
    finally:
        _said.reset(token)
        if outer is not None:
            outer += [text for text in said if text not in outer]
        elif said:
            warn("; ".join(said))
