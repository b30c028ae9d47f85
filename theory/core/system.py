"""The narrow waist: what every derivation gives, and the steps that it consists of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from html import escape
from typing import Any, Protocol, runtime_checkable

import sympy as sp

from . import kept, show
from .printer import latex


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

    Examples
    --------
    >>> import limitlab as ll
    >>> system = ll.derive(ll.LeastSquares(ll.isotropic(100), ll.Gaussian(0.5)), ll.SGD(0.5))
    >>> system.name, len(system.steps), [str(each) for each in system.numbers]
    ('SGD', 10, ['eta', 'sigma^2'])
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

    def __post_init__(self) -> None:
        for name in ("left", "right"):
            if isinstance(getattr(self, name), sp.MutableDenseMatrix):  # it has no hash
                object.__setattr__(self, name, sp.ImmutableMatrix(getattr(self, name)))

    @property
    def html(self) -> str:
        """The equation: set by MathJax where it is one of sympy, in its own words otherwise."""
        left, right = (_html(side) for side in (self.left, self.right))
        return f"{left} = {right}"


def _html(side: Any) -> str:
    if isinstance(side, tuple):
        return f"({', '.join(map(_html, side))})"
    if isinstance(side, sp.Basic):
        return rf"\({escape(latex(side), quote=False)}\)"
    return escape(str(side))


class Derived:
    """Base of the systems: how they show themselves, and how they are kept.

    Equal where every equation, step and number is; a copy from a pickle is equal.
    """

    def __reduce__(self) -> Any:
        # what is compiled or cached is made again
        state = {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]
        return kept.again, (type(self), kept.written(state))

    def _repr_html_(self: Any) -> str:
        rows = [(s.text, s.html) for s in self.steps]
        return show.block(
            show.heading(self.name),
            show.math_html(_equations(self)),
            show.folded("derivation", show.table_html(("step", "gives"), rows, raw=True)),
            show.folded("generated code", f"<pre>{escape(self.source)}</pre>"),
        )

    def _repr_latex_(self: Any) -> str:
        return show.math_latex(_equations(self))


def _equations(system: System) -> list[tuple[str, str]]:
    lines = (line.partition(" = ") for line in system.latex().splitlines())
    return [(left, right) for left, _, right in lines]


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
