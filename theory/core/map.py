"""A map of a few variables, lowered to the code of one step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp
from sympy.printing.pycode import PythonCodePrinter


def map_source(
    states: Sequence[Any], after: Sequence[Any], watched: Any, numbers: Sequence[Any]
) -> str:
    """Return the text of ``forward(x, p)``: one step of x in place; returns what is watched before.

    Parameters
    ----------
    states, numbers : sequence of symbols
        In the order of the arrays x and p.
    after : sequence of expressions
        The states after the step.
    watched : expression
    """
    replaced, reduced = sp.cse([*after, watched], sp.numbered_symbols("_x"), order="none")
    printer = PythonCodePrinter({"fully_qualified_modules": False})
    lines = ["@scalar", "def forward(x, p):"]
    lines += [f"    {s.name} = x[{i}]" for i, s in enumerate(states)]
    lines += [f"    {s.name} = p[{i}]" for i, s in enumerate(numbers)]
    lines += [f"    {s.name} = {printer.doprint(e)}" for s, e in replaced]
    lines += [f"    x[{i}] = {printer.doprint(e)}" for i, e in enumerate(reduced[:-1])]
    return "\n".join([*lines, f"    return {printer.doprint(reduced[-1])}"]) + "\n"
