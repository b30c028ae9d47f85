"""Examples of equilibrium networks."""

from __future__ import annotations

from ..core.example import Example
from ..methods import FixedPointIteration
from .problem import EquilibriumNetwork

EXAMPLES = (
    Example(
        EquilibriumNetwork("ginibre", 0.8, size=300),
        FixedPointIteration(),
        4,
    ),
)
