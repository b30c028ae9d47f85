"""Activations, one a file, and the means of a pair of them."""

from .base import Activation
from .gelu import GELU
from .relu import ReLU

__all__ = ["GELU", "Activation", "ReLU"]
