"""An example of Adam."""

from __future__ import annotations

from ..core.example import Example
from ..covariance import isotropic
from ..methods import Adam
from ..noise import Gaussian
from ..streaming.problem import LeastSquares

EXAMPLES = (Example(LeastSquares(isotropic(200), Gaussian(0.5)), Adam(0.3, 0.0, 0.9), 1.0, "risk"),)
