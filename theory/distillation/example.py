"""Examples of a deep linear student."""

from __future__ import annotations

from ..core.example import Example
from ..methods import SGD, GradientDescent
from .problem import BlockwiseDistillation

_PAIR = BlockwiseDistillation([1.0, 0.6], start=0.02, switch=1.0)
_DEEP = BlockwiseDistillation([1.2, 0.8], start=0.1, layers=4, blocks=2, switch=1.5)

EXAMPLES = (
    Example(_PAIR, GradientDescent(0.02), 4, runs={}),
    Example(_PAIR, GradientDescent(0.02), 4, runs={}, theory={"limit": "closed"}),
    Example(_DEEP, GradientDescent(0.05), 5, runs={}, theory={"limit": "map"}),
    Example(_PAIR, GradientDescent(0.02), 4, runs={}, theory={"limit": "matrices"}),
    Example(_PAIR, SGD(0.05, batch=20), 4, theory={"limit": "sde", "paths": 100, "seed": 2}),
)
