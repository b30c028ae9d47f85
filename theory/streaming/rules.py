"""A method's rule in symbols and in numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import stated
from ..core.errors import InvalidInput
from ..core.numeric import values_of
from ..core.symbolic import twin
from ..core.symbols import residual
from .noise_law import parameter_values


def rule_of(method: Any, symbolic: Any) -> Any:
    """Return ψ with symbols for the method's numbers; with numbers where it branches on them."""
    try:
        return stated.rule(symbolic, residual)
    except InvalidInput:
        return stated.rule(method, residual)


def rule_values(method: Any) -> Callable[[np.ndarray], np.ndarray]:
    """Return ψ at t = 0 as a function of arrays."""
    symbolic, parameters = twin(method, "method")
    values = parameter_values(parameters, {"method": method})
    return values_of(rule_of(method, symbolic), residual, values)
