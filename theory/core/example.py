"""Examples: a pair that a family solves, and the arguments that a shipped class is tried with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Example:
    """A small problem with a method: the tests over all families run it from derivation to file.

    Attributes
    ----------
    problem : Problem
    method : Method
    until : float
        Where to stop: a second of work at most.
    quantity : str
        What theory and runs are compared in.
    runs : dict
        Options of `simulate`; a family whose algorithm draws nothing takes none.
    theory : dict
        Options of `solve`.
    """

    problem: Any
    method: Any
    until: float
    quantity: str = "loss"
    runs: dict[str, Any] = field(default_factory=lambda: {"runs": 40, "seed": 1})
    theory: dict[str, Any] = field(default_factory=dict)
