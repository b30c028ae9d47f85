"""An example of second-order regression."""

from __future__ import annotations

from ..core.example import Example
from ..methods import SGD
from .problem import QuadraticRegression

EXAMPLES = (Example(QuadraticRegression(3, 300, 0.3), SGD(0.2, batch=2), 8, theory={"seed": 1}),)
