"""The methods that ship with the package, one a file."""

from ..core.discover import classes
from .adam import Adam
from .base import Method
from .clipped import ClippedSGD
from .gradient_descent import GradientDescent
from .huber import Huber
from .sam import SAM
from .sgd import SGD
from .signsgd import SignSGD

#: the shipped methods, for tests and the command line
METHODS: tuple[type[Method], ...] = classes("methods", Method)

__all__ = [
    "METHODS",
    "SAM",
    "SGD",
    "Adam",
    "ClippedSGD",
    "GradientDescent",
    "Huber",
    "Method",
    "SignSGD",
]
