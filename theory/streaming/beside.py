"""A mode system with a law beside it: what two limits of a stream have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..core.derivation import Derivation
from ..core.system import Step
from .system import ModeSystem


@dataclass(frozen=True)
class ModesBeside:
    """Modes, and equations beside them, each with its steps, numbers and code; a `System`.

    Attributes
    ----------
    modes : ModeSystem
    law : Derivation
    """

    modes: ModeSystem
    law: Derivation

    @property
    def name(self) -> str:
        return f"{self.modes.name}, {self.law.name}"

    @property
    def steps(self) -> tuple[Step, ...]:
        return (*self.modes.steps, *self.law.steps)

    @property
    def numbers(self) -> tuple[Any, ...]:
        return (*self.modes.numbers, *self.law.numbers)

    @property
    def source(self) -> str:
        return "\n\n".join([self.modes.source, self.law.source])

    def latex(self, environment: str | None = None) -> str:
        """Return the equations in LaTeX (see `System.latex`)."""
        return "\n".join([self.modes.latex(environment), self.law.latex(environment)])

    def explain(self) -> str:
        """Return the derivation."""
        return f"{self.modes.explain()}\n{self.law.explain()}"
