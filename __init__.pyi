"""The face: verbs and their answers, and the groups in which every other name is listed once.

A new name is one line in the stub of its group, ``<group>.pyi`` beside this file; the groups are
listed here.
"""

from . import advice as advice
from . import clipping as clipping
from . import covariance as covariance
from . import data as data
from . import edge as edge
from . import errors as errors
from . import methods as methods
from . import networks as networks
from . import noise as noise
from . import problems as problems
from . import schedules as schedules
from . import studies as studies
from .advice import *
from .clipping import *
from .covariance import *
from .data import *
from .edge import *
from .errors import *
from .methods import *
from .networks import *
from .noise import *
from .problems import *
from .schedules import *
from .solvers.core.curve import Curve as Curve
from .solvers.solve import limits as limits
from .solvers.solve import solve as solve
from .studies import *
from .theory.core.system import System as System
from .theory.derive import derive as derive
from .validation.agreement.agreement import Agreement as Agreement
from .validation.agreement.compare import compare as compare
from .validation.agreement.paired import paired_difference as paired_difference
from .validation.convergence.convergence import convergence as convergence
from .validation.figures.overlay import overlay as overlay
from .validation.load import load as load
from .validation.simulate import simulate as simulate

__version__: str
