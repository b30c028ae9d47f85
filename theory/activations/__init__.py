"""Activations, one a file, and the means of a pair of them."""

from ..core.discover import classes
from .base import Activation
from .gelu import GELU
from .relu import ReLU

#: the shipped activations, for files
ACTIVATIONS: tuple[type[Activation], ...] = classes("activations", Activation)

__all__ = ["ACTIVATIONS", "GELU", "Activation", "ReLU"]
