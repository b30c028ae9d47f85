"""Examples of a quadratic network."""

from __future__ import annotations

from ..core.example import Example
from ..methods import SGD, GradientDescent, SpeedLimited
from .problem import QuadraticNetwork

_TEACHER = (1.0, 0.5, -0.5, 0.8)
_INPUTS = (1.0, 0.6, 1.5, 1.2)

EXAMPLES = (
    Example(
        QuadraticNetwork(6, 4, _TEACHER, _INPUTS),
        GradientDescent(0.02),
        1,
        runs={},
        theory={"limit": "map"},
    ),
    Example(QuadraticNetwork(5, 4, _TEACHER, readout="ones"), SGD(0.01, batch=400), 0.3),
    Example(
        QuadraticNetwork(6, 4, _TEACHER, _INPUTS, train_readout=True),
        SpeedLimited(0.01),
        0.5,
        runs={},
        theory={"limit": "map"},
    ),
)
