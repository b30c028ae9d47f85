"""Examples of SAM."""

from __future__ import annotations

from ..core.example import Example
from ..methods.sam import SAM
from ..second_order.problem import QuadraticRegression
from ..two_eigenvalues.problem import TwoEigenvalueModel

EXAMPLES = (
    Example(
        QuadraticRegression(3, 40, 0.1),
        SAM(0.4, 0.2, batch=2),
        12,
        theory={"draws": 40, "seed": 2},
    ),
    Example(TwoEigenvalueModel(0.05, 0.2, (0.1, 1.9)), SAM(1.0, 0.1), 200, runs={}),
)
