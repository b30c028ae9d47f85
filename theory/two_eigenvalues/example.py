"""An example of the two-eigenvalue model."""

from __future__ import annotations

from ..core.example import Example
from ..methods import GradientDescent
from .problem import TwoEigenvalueModel

EXAMPLES = (Example(TwoEigenvalueModel(0.05, 0.2, (0.1, 2.2)), GradientDescent(1.0), 200, runs={}),)
