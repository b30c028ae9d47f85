"""Examples of one unit that learns one unit."""

from __future__ import annotations

from typing import Any

from ..activations import ReLU
from ..core.example import Example
from ..methods import SAM, SGD, GradientPenalty, WeightNoise
from .problem import SingleIndex

_SHARP = SingleIndex(200, ReLU(), norm=0.8, overlap=0.3)
_DRAWN: dict[str, Any] = {"runs": 20, "seed": 1}

EXAMPLES = (
    Example(_SHARP, SGD(0.3, batch=400), 10, runs=_DRAWN),
    Example(_SHARP, GradientPenalty(0.3, 0.2), 5, runs={}),
    Example(_SHARP, SAM(0.3, 0.2, True), 5, runs={}),
    Example(_SHARP, WeightNoise(0.3, 0.3, draws=2, batch=400), 10, runs=_DRAWN),
)
