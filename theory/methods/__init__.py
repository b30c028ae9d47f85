"""The methods that ship with the package, one a file."""

from .adam import Adam
from .base import Method
from .clipped import ClippedSGD
from .gradient_descent import GradientDescent
from .huber import Huber
from .sgd import SGD
from .signsgd import SignSGD

METHODS: tuple[type[Method], ...] = (SGD, SignSGD, ClippedSGD, Huber)

__all__ = ["METHODS", "SGD", "Adam", "ClippedSGD", "GradientDescent", "Huber", "Method", "SignSGD"]
