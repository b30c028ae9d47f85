"""Examples of streaming methods."""

from __future__ import annotations

from ..core.example import Example
from ..covariance import isotropic, power_law
from ..methods import SGD, ClippedSGD, Huber, SignSGD
from ..noise import Gaussian, StudentT
from .problem import LeastSquares

_PROBLEM = LeastSquares(isotropic(200), Gaussian(0.5))
_HEAVY = LeastSquares(power_law(200, 0.5), StudentT(3.0, 0.5))

EXAMPLES = (
    Example(_PROBLEM, SGD(0.5), 2.0, "risk"),
    Example(_PROBLEM, ClippedSGD(0.8, 1.0), 2.0, "risk"),
    Example(_PROBLEM, Huber(0.8, 1.0), 2.0, "risk"),
    Example(_HEAVY, SignSGD(0.4), 2.0, "risk"),
)
