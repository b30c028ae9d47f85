"""The narrow waist: what every derivation gives, and the steps that it consists of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class System(Protocol):
    """A symbolic dynamical system: what `derive` returns, and what ``solve(system=)`` takes.

    It knows no number; `numbers` are the symbols that stand for them. Frozen: change a copy with
    ``dataclasses.replace``, and curve, LaTeX and code change together.

    Attributes
    ----------
    name : str
        What is derived.
    steps : tuple of Step
        The derivation.
    numbers : tuple of sympy symbols
        Stand for the numbers of a problem and a method.
    source : str
        The generated code.
    """

    @property
    def name(self) -> str: ...

    @property
    def steps(self) -> tuple[Step, ...]: ...

    @property
    def numbers(self) -> tuple[Any, ...]: ...

    @property
    def source(self) -> str: ...

    def latex(self, environment: str | None = None) -> str:
        """Return the equations in LaTeX, one a line, or in an environment of amsmath."""

    def explain(self) -> str:
        """Return the steps of the derivation."""


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
