"""Examples of tuners on the toy and on two curvatures."""

from __future__ import annotations

from ..core.example import Example
from ..methods import CDAT, Armijo, OnEdge, Polyak
from ..second_order.problem import QuadraticRegression
from .problem import SharpnessToy, TwoCurvatures

_OPEN = SharpnessToy(2.0, 1.0, 0.01)
_BOUNDED = SharpnessToy(2.0, 1.0, 0.01, bulk=(0.5, 0.1), bounded=0.01)

EXAMPLES = (
    Example(_BOUNDED, CDAT(2.0), 40, runs={}),
    Example(_BOUNDED, Armijo(0.1), 40, runs={}),
    Example(_OPEN, OnEdge(0.9), 40, runs={}),
    Example(
        QuadraticRegression(3, 12, 0.1),
        CDAT(1.5, batch=2),
        10,
        runs={"runs": 40, "seed": 1},
        theory={"draws": 40, "seed": 2},
    ),
    Example(TwoCurvatures(4.0, (1.0, 2.0)), Polyak(1.0), 40, runs={}),
)
