"""Examples of SGD on a linear model."""

from __future__ import annotations

import numpy as np

from ..core.example import Example
from ..methods import SGD, GradientDescent
from .problem import LinearModel

_JACOBIAN = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, 0.3], [0.0, 0.3, 1.5], [0.4, 0.0, 0.2]])

EXAMPLES = (
    Example(LinearModel(jacobian=_JACOBIAN), SGD(0.2, batch=2), 20),
    Example(LinearModel(jacobian=_JACOBIAN), GradientDescent(0.2), 20, runs={"runs": 2, "seed": 1}),
)
