"""What a derivation consists of: its steps, in words and in LaTeX."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Step:
    """One step of a derivation: what is done, and the equation it gives."""

    text: str
    left: Any
    right: Any


def typeset(equations: Iterable[tuple[str, str]], environment: str | None = None) -> str:
    """Return equations in LaTeX, one a line, or wrapped in an environment of amsmath."""
    lines = [rf"{left} = {right}" for left, right in equations]
    if environment is None:
        return "\n".join(lines)
    body = " \\\\\n".join(line.replace(" = ", " &= ", 1) for line in lines)
    return f"\\begin{{{environment}}}\n{body}\n\\end{{{environment}}}"


def narrate(steps: Iterable[Step]) -> str:
    """Return the steps of a derivation as numbered lines."""
    return "\n".join(
        f"{number}. {step.text}\n       {step.left} = {step.right}"
        for number, step in enumerate(steps, start=1)
    )
