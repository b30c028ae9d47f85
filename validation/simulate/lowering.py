"""From a method's symbolic rule to the compiled step of the finite-dimensional algorithm."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import sympy as sp

from ...solvers.compile import load
from ...theory.printer import SourcePrinter
from ...theory.streaming import rule_of
from ...theory.symbols import residual, t
from ...theory.twin import twin

_KERNELS = Path(__file__).parent / "kernels"
_ACTS_ON = {"residual": 0, "norm": 1, "coordinate": 2}


@dataclass(frozen=True, eq=False)
class Lowered:
    """What the kernels need of a method.

    Attributes
    ----------
    source : str
        Generated definitions of ``rate(t, p)`` and ``rule(ell, t, p)``.
    parameters : (k,) array
        The method's numbers, p.
    acts_on : int
        0 residual, 1 gradient norm, 2 coordinate.
    """

    source: str
    parameters: np.ndarray
    acts_on: int

    def kernels(self, name: str) -> ModuleType:
        """The compiled module of `kernels/<name>.py` with this rule."""
        return load(self.source, _KERNELS / f"{name}.py")


def lower(method: Any) -> Lowered:
    """Print the rule and the rate of `method` with symbols for its numbers.

    A new rate or threshold therefore changes `parameters` and compiles nothing.
    """
    symbolic, parameters = twin(method, "method")
    printer = SourcePrinter(tuple(q.symbol for q in parameters), {})
    functions = [
        printer.function("rate", "t, p", sp.sympify(symbolic.rate)),
        printer.function("rule", "ell, t, p", rule_of(method, symbolic)),
    ]
    values = np.array([q.read({"method": method}) for q in parameters], dtype=np.float64)
    return Lowered("\n\n".join(functions), values, _ACTS_ON[method.acts_on])


def grows(method: Any) -> bool:
    """Whether the rule is unbounded, so that the tails of the noise enter the step."""
    rule = sp.sympify(method.rule(residual)).subs(t, 0)
    near, far = (abs(float(rule.subs(residual, x))) for x in (1e6, 1e12))
    return far > 10 * near
