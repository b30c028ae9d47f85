"""Names of moments."""

from __future__ import annotations

from typing import Any

#: letters of the states
LETTERS = {"delta": "d", "m": "m", "S": "S", "theta": "T"}


def moment_name(states: tuple[Any, ...], pair: tuple[int, int]) -> str:
    """Return the name of ½ λ E z_a z_b: Y_ and the letters of its two states."""
    return "Y_" + "".join(LETTERS[states[k].name] for k in pair)
