"""The laws of label noise, one a file."""

from ..core.discover import classes
from .base import Noise
from .cauchy import Cauchy
from .empirical import Empirical
from .gaussian import Gaussian
from .laplace import Laplace
from .mixture import GaussianMixture
from .none import NoNoise
from .rademacher import Rademacher
from .student_t import StudentT
from .uniform import Uniform

#: the shipped laws, for tests and the command line
LAWS: tuple[type[Noise], ...] = classes("noise", Noise)

__all__ = [
    "LAWS",
    "Cauchy",
    "Empirical",
    "Gaussian",
    "GaussianMixture",
    "Laplace",
    "NoNoise",
    "Noise",
    "Rademacher",
    "StudentT",
    "Uniform",
]
