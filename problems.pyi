"""What is learnt: streams, models on finite data, and the smallest losses with an edge."""

from .theory.activations import GELU as GELU
from .theory.activations import Activation as Activation
from .theory.activations import HardTanh as HardTanh
from .theory.activations import Linear as Linear
from .theory.activations import Quadratic as Quadratic
from .theory.activations import ReLU as ReLU
from .theory.activations import Tanh as Tanh
from .theory.core.problem import Problem as Problem
from .theory.distillation.problem import BlockwiseDistillation as BlockwiseDistillation
from .theory.equilibrium.problem import EquilibriumNetwork as EquilibriumNetwork
from .theory.feature_alignment.problem import QuadraticNetwork as QuadraticNetwork
from .theory.features.power_law import power_law_features as power_law_features
from .theory.gradient_flow_sharpness.problem import DiagonalLinearNetwork as DiagonalLinearNetwork
from .theory.gradient_flow_sharpness.problem import ScalarNetwork as ScalarNetwork
from .theory.hessian.problem import SingleIndex as SingleIndex
from .theory.linear.problem import LinearModel as LinearModel
from .theory.second_order.problem import QuadraticRegression as QuadraticRegression
from .theory.sgd_stability.problem import InterpolatingMinimum as InterpolatingMinimum
from .theory.streaming.problem import LeastSquares as LeastSquares
from .theory.tuners.problem import SharpnessToy as SharpnessToy
from .theory.tuners.problem import TwoCurvatures as TwoCurvatures
from .theory.two_eigenvalues.problem import TwoEigenvalueModel as TwoEigenvalueModel
