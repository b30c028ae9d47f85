"""The methods that ship with the package, one a file."""

from ..core.discover import classes
from .adam import Adam
from .armijo import Armijo
from .base import Method
from .cdat import CDAT
from .clipped import ClippedSGD
from .fixed_point import FixedPointIteration
from .gradient_descent import GradientDescent
from .gradient_penalty import GradientPenalty
from .huber import Huber
from .on_edge import OnEdge
from .polyak import Polyak
from .remember import exponential, slow_memory, uniform
from .sam import SAM
from .sgd import SGD
from .signsgd import SignSGD
from .speed_limited import SpeedLimited
from .weight_noise import WeightNoise

#: the shipped methods, for tests and the command line
METHODS: tuple[type[Method], ...] = classes("methods", Method)

__all__ = [
    "CDAT",
    "METHODS",
    "SAM",
    "SGD",
    "Adam",
    "Armijo",
    "ClippedSGD",
    "FixedPointIteration",
    "GradientDescent",
    "GradientPenalty",
    "Huber",
    "Method",
    "OnEdge",
    "Polyak",
    "SignSGD",
    "WeightNoise",
    "exponential",
    "slow_memory",
    "uniform",
    "SpeedLimited",
]
