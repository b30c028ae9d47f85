"""Activations, one a file, and the means of a pair of them."""

from __future__ import annotations

from typing import Any

from ..core.discover import classes
from ..core.errors import InvalidInput, InvalidType
from .base import Activation, alike
from .gelu import GELU
from .linear import Linear
from .quadratic import Quadratic
from .relu import ReLU
from .tanh import HardTanh, Tanh

#: the shipped activations, for files
ACTIVATIONS: tuple[type[Activation], ...] = classes("activations", Activation)
#: and by their words
WORDS = {kind.word or kind.__name__.lower(): kind for kind in ACTIVATIONS}

__all__ = [
    "ACTIVATIONS",
    "GELU",
    "WORDS",
    "Activation",
    "HardTanh",
    "Linear",
    "Quadratic",
    "ReLU",
    "Tanh",
    "activation_of",
    "alike",
]


def activation_of(value: Any, field: str = "activation") -> Activation:
    """Return an activation, or the one that a word names.

    Raises
    ------
    InvalidInput, InvalidType
        An unknown word; neither a word nor an activation.
    """
    if isinstance(value, Activation):
        return value
    if not isinstance(value, str):
        raise InvalidType(field, value, "give an activation such as GELU(1.0), or its word")
    plain = value.replace("_", "-")
    if plain not in WORDS:
        raise InvalidInput(field, value, f"give one of {', '.join(WORDS)}, or an Activation")
    return WORDS[plain]()
