"""The numbers of a system with memory."""

from __future__ import annotations

from typing import Any

from ...theory.core.symbolic import numbers
from ...theory.memory.step import owners
from ...theory.memory.system import MemorySystem
from ...theory.streaming.derive import Binding, bind
from ..streaming.coefficients import Coefficients


def coefficients_of(system: MemorySystem, problem: Any, method: Any) -> Coefficients:
    """Return A and B of one gradient, with the source and the numbers of the whole system."""
    known = bind(system.gradient, problem, method)
    p = numbers(system.parameters, owners(method, problem.noise))
    whole = Binding(p, known.weights, known.means, known.scales, known.apart)
    return Coefficients.of(system.source, whole)
