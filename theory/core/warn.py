"""Warnings that point to the line of the user's that caused them, however deep they are raised."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

from .errors import ValidityWarning

_ROOT = Path(__file__).parents[2]
_ROOMS = tuple(str(_ROOT / room) for room in ("theory", "solvers", "validation"))


def warn(message: str, category: type[Warning] = ValidityWarning) -> None:
    """Warn at the innermost line that is outside the package's rooms."""
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
