"""Laws of the label noise, and the base of one of your own."""

from .theory.noise import Cauchy as Cauchy
from .theory.noise import Empirical as Empirical
from .theory.noise import Gaussian as Gaussian
from .theory.noise import GaussianMixture as GaussianMixture
from .theory.noise import Laplace as Laplace
from .theory.noise import Noise as Noise
from .theory.noise import NoNoise as NoNoise
from .theory.noise import Rademacher as Rademacher
from .theory.noise import StudentT as StudentT
from .theory.noise import Uniform as Uniform
