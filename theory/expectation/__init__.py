"""From a rule ψ and a noise law to μ(R) = E ψ′(ℓ) and N(R) = E ψ(ℓ)², symbolically."""

from . import norms
from .engine import expectation, mean_derivative, mean_slope, mean_square, powers
from .pieces import Piece, pieces
from .residual import ResidualLaw

__all__ = [
    "Piece",
    "ResidualLaw",
    "expectation",
    "mean_derivative",
    "mean_slope",
    "mean_square",
    "norms",
    "pieces",
    "powers",
]
