"""What is shown, as an experiment file, as Python, and as a figure."""

from __future__ import annotations

import inspect
import io
import json
from collections.abc import Mapping
from typing import Any

import sympy as sp

from ...solvers.core.curve import Curve
from ...theory.schedules.grammar import expression
from ..experiment.names import (
    COVARIANCE_NAMES,
    METHOD_NAMES,
    NOISE_NAMES,
    PROBLEM_NAMES,
)
from ..figures.overlay import overlay
from .work import Answer, simulation

_MAKERS = {**PROBLEM_NAMES, **METHOD_NAMES, **NOISE_NAMES, **COVARIANCE_NAMES}
_LETTERS = {"dimension": "d", "matrix": "K"}


def toml(tables: Mapping[str, Any], shown: Answer) -> str:
    """An experiment file: ``limitlab run`` gives the same numbers."""
    lines = ["[problem]", *_lines(tables["problem"]), "", "[[method]]", *_lines(tables["method"])]
    run = {"until": tables["until"], "points": shown.points, **simulation(shown)}
    lines += ["", "[run]", *_lines(run), f'limits = ["{shown.limit}"]']
    return "\n".join([*lines, "", "[output]", 'folder = "out/explored"', ""])


def _lines(table: Mapping[str, Any]) -> list[str]:
    return [f"{key} = {_toml(value)}" for key, value in table.items()]


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(_lines(value)) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, float) and value == float("inf"):
        return "inf"
    return json.dumps(value, ensure_ascii=False)


def python(tables: Mapping[str, Any], shown: Answer) -> str:
    """A program: run as it stands, it gives the same numbers."""
    runs = "".join(f", {name}={value}" for name, value in simulation(shown).items())
    own = "".join(f", {name}={value}" for name, value in shown.options.items())
    grid = f"until={_number(tables['until'])}, points={shown.points}"
    return f"""import limitlab as ll

problem = {_call(tables["problem"])}
method = {_call(tables["method"])}
theory = ll.solve(problem, method, {grid}, limit="{shown.limit}"{own})
runs = ll.simulate(problem, method, {grid}{runs})
print(ll.compare(theory, runs, quantity="{quantity(shown.curve)}"))
ll.overlay(theory, runs, quantity="{quantity(shown.curve)}").savefig("explored.pdf")
"""


def _call(table: Mapping[str, Any]) -> str:
    maker = _MAKERS[table["kind"]]
    given = [(key, value) for key, value in table.items() if key != "kind"]
    own = inspect.signature(maker).parameters
    text = ", ".join(
        f"{key if key in own else _LETTERS[key]}={_argument(value)}" for key, value in given
    )
    return f"ll.{maker.__name__}({text})"


def _argument(value: Any) -> str:
    if isinstance(value, Mapping):
        return _call(value)
    return _number(value)


def _number(value: Any) -> str:
    """Text that is a number in the grammar of files becomes that number."""
    if isinstance(value, str):
        try:
            read = expression(value, "value")
        except ValueError:
            return repr(value)
        if isinstance(read, sp.Expr) and read.free_symbols:
            return repr(value)
        return repr(float(read))
    return 'float("inf")' if value == float("inf") else repr(value)


def quantity(curve: Curve) -> str:
    """What is drawn: the risk, or the loss."""
    return "risk" if "risk" in curve.values else "loss"


def svg(shown: Answer, runs: Curve | None) -> bytes:
    """The figure of theory and runs in the house style."""
    curves = [shown.curve, *([] if runs is None else [runs])]
    buffer = io.BytesIO()
    overlay(*curves, quantity=quantity(shown.curve)).savefig(buffer, format="svg")
    return buffer.getvalue()
