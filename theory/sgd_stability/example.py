"""Examples of SGD at an interpolating minimum."""

from __future__ import annotations

from ..core.example import Example
from ..methods import SGD
from .problem import InterpolatingMinimum

_PLANE = InterpolatingMinimum(features=[[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]])

EXAMPLES = (
    Example(_PLANE, SGD(0.1, batch=1, sampling="bernoulli"), 5, runs={"runs": 4000, "seed": 1}),
)
