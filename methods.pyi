"""How it is learnt: the optimisers, and the base of one of your own."""

from .theory.methods import CDAT as CDAT
from .theory.methods import SAM as SAM
from .theory.methods import SGD as SGD
from .theory.methods import Adam as Adam
from .theory.methods import Armijo as Armijo
from .theory.methods import ClippedSGD as ClippedSGD
from .theory.methods import FixedPointIteration as FixedPointIteration
from .theory.methods import GradientDescent as GradientDescent
from .theory.methods import GradientPenalty as GradientPenalty
from .theory.methods import Huber as Huber
from .theory.methods import Method as Method
from .theory.methods import OnEdge as OnEdge
from .theory.methods import Polyak as Polyak
from .theory.methods import SignSGD as SignSGD
from .theory.methods import SpeedLimited as SpeedLimited
from .theory.methods import WeightNoise as WeightNoise
from .theory.methods import exponential as exponential
from .theory.methods import slow_memory as slow_memory
from .theory.methods import uniform as uniform
