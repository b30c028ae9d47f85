"""Examples of networks whose gradient flow is known to its end."""

from __future__ import annotations

import numpy as np

from ..core.example import Example
from ..methods import GradientDescent
from .problem import DiagonalLinearNetwork, ScalarNetwork

_INPUTS = np.array([[1.0, 0.5, -0.3, 0.2], [0.2, -0.4, 0.9, 0.6]])

EXAMPLES = (
    Example(ScalarNetwork([1.2, 0.9, 0.8]), GradientDescent(0.1), 20, runs={}),
    Example(
        DiagonalLinearNetwork([1.0, 0.8, 0.9, 1.1], [0.9, 1.0, 0.7, 0.8], _INPUTS, [1.0, -0.5]),
        GradientDescent(0.05),
        20,
        runs={},
    ),
)
