"""An example of a method with memory."""

from __future__ import annotations

from ..core.example import Example
from ..covariance import isotropic
from ..methods import SGD, slow_memory, uniform
from ..noise import Gaussian
from ..streaming.problem import LeastSquares

_PROBLEM = LeastSquares(isotropic(200), Gaussian(0.5))

EXAMPLES = (Example(_PROBLEM, SGD(0.8, momentum=slow_memory(2.0), average=uniform()), 2.0, "risk"),)
