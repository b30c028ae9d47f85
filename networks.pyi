"""Small networks: train them, probe their kernels, hold a theory against them."""

from .solvers.distillation.plateaus import distillation_plateaus as distillation_plateaus
from .solvers.distillation.recomposition import recomposition as recomposition
from .solvers.equilibrium.static import critical_scale as critical_scale
from .solvers.equilibrium.static import equilibrium as equilibrium
from .solvers.equilibrium.static import linear_moments as linear_moments
from .solvers.feature_alignment.correlations import feature_alignment as feature_alignment
from .solvers.feature_alignment.early import early_alignment as early_alignment
from .solvers.feature_alignment.early import early_alignment_of as early_alignment_of
from .solvers.feature_alignment.early import early_limit_of as early_limit_of
from .validation.networks.control import control_linear as control_linear
from .validation.networks.control import control_network as control_network
from .validation.networks.criterion import criterion as criterion
from .validation.networks.digits import digits_network as digits_network
from .validation.networks.expansion import quadratic_expansion as quadratic_expansion
from .validation.networks.features import early_features as early_features
from .validation.networks.features import paired_start as paired_start
from .validation.networks.features import train_features as train_features
from .validation.networks.linearisation import Linearisation as Linearisation
from .validation.networks.linearisation import rate_from_library as rate_from_library
from .validation.networks.losses import gauss_newton as gauss_newton
from .validation.networks.mlp import MLP as MLP
from .validation.networks.probe import probe as probe
from .validation.networks.traces import hessian_traces as hessian_traces
from .validation.networks.train import train as train
