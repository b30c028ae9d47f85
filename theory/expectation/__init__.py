"""From a rule ψ and a noise law to μ(R) = E ψ′(ℓ) and N(R) = E ψ(ℓ)², symbolically."""

from .engine import expectation, mean_slope, mean_square
from .pieces import Piece, pieces
from .residual import ResidualLaw

__all__ = ["Piece", "ResidualLaw", "expectation", "mean_slope", "mean_square", "pieces"]
