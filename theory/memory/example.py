"""Examples of methods with memory."""

from __future__ import annotations

from ..core.example import Example
from ..covariance import isotropic
from ..methods import SGD, ClippedSGD, slow_memory, uniform
from ..noise import Gaussian
from ..streaming.problem import LeastSquares

_PROBLEM = LeastSquares(isotropic(200), Gaussian(0.5))

EXAMPLES = (
    Example(_PROBLEM, SGD(0.8, momentum=slow_memory(2.0)), 2.0, "risk"),
    Example(
        _PROBLEM, ClippedSGD(0.5, 1.0, average=uniform(), weight_decay=0.3), 2.0, "average_risk"
    ),
)
