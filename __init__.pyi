"""The names of the face and where they live, read at import: each is loaded on first use."""

from .solvers.core.curve import Curve as Curve
from .solvers.core.curve import load as load
from .solvers.gradient_flow_sharpness.flow_end import (
    gradient_flow_sharpness as gradient_flow_sharpness,
)
from .solvers.gradient_flow_sharpness.quasi_static import (
    quasi_static_attractors as quasi_static_attractors,
)
from .solvers.gradient_flow_sharpness.stopping import stopping_point as stopping_point
from .solvers.linear.critical import (
    critical_batch as critical_batch,
)
from .solvers.linear.critical import (
    critical_rate as critical_rate,
)
from .solvers.linear.critical import (
    growth_rate as growth_rate,
)
from .solvers.linear.kernel_norm import noise_kernel_norm as noise_kernel_norm
from .solvers.sam.early_time import sam_early_time as sam_early_time
from .solvers.sam.edge import (
    sam_cycle as sam_cycle,
)
from .solvers.sam.edge import (
    sam_edge as sam_edge,
)
from .solvers.second_order.early_time import early_time as early_time
from .solvers.second_order.solve import tangent_kernels as tangent_kernels
from .solvers.sgd_stability.stability import (
    group_exponent as group_exponent,
)
from .solvers.sgd_stability.stability import (
    lyapunov_exponent as lyapunov_exponent,
)
from .solvers.sgd_stability.stability import (
    sgd_stability as sgd_stability,
)
from .solvers.solve import limits as limits
from .solvers.solve import solve as solve
from .solvers.streaming.advice.clipping.criteria import clipping_criteria as clipping_criteria
from .solvers.streaming.advice.clipping.thresholds import (
    best_threshold as best_threshold,
)
from .solvers.streaming.advice.clipping.thresholds import (
    fraction_threshold as fraction_threshold,
)
from .solvers.streaming.advice.clipping.units import convert_units as convert_units
from .solvers.streaming.advice.clipping.verdict import can_clipping_help as can_clipping_help
from .solvers.streaming.advice.control.optimise import optimal_schedule as optimal_schedule
from .solvers.streaming.advice.control.report import no_schedule_recovers as no_schedule_recovers
from .solvers.streaming.advice.effects import effects as effects
from .solvers.streaming.advice.rates import best_rate as best_rate
from .solvers.streaming.advice.rates import rate_for_risk as rate_for_risk
from .solvers.streaming.advice.schedules import greedy as greedy
from .solvers.streaming.advice.schedules import schedule_along as schedule_along
from .solvers.streaming.expectations import expectations as expectations
from .solvers.streaming.stationary import stationary as stationary
from .solvers.tuners.bifurcation import bifurcation as bifurcation
from .solvers.tuners.predictions import tuner_predictions as tuner_predictions
from .solvers.two_eigenvalues.edge_offset import edge_offset as edge_offset
from .theory.core.errors import (
    Interrupted as Interrupted,
)
from .theory.core.errors import (
    InvalidInput as InvalidInput,
)
from .theory.core.errors import (
    InvalidType as InvalidType,
)
from .theory.core.errors import (
    LimitlabError as LimitlabError,
)
from .theory.core.errors import (
    NoLimit as NoLimit,
)
from .theory.core.errors import (
    NotAvailable as NotAvailable,
)
from .theory.core.errors import (
    SolveFailed as SolveFailed,
)
from .theory.core.errors import (
    ValidityWarning as ValidityWarning,
)
from .theory.core.problem import Problem as Problem
from .theory.core.symbols import t as t
from .theory.core.system import System as System
from .theory.core.tabulated import interpolated as interpolated
from .theory.covariance import (
    from_data as from_data,
)
from .theory.covariance import (
    from_density as from_density,
)
from .theory.covariance import (
    from_eigenvalues as from_eigenvalues,
)
from .theory.covariance import (
    from_matrix as from_matrix,
)
from .theory.covariance import (
    isotropic as isotropic,
)
from .theory.covariance import (
    marchenko_pastur as marchenko_pastur,
)
from .theory.covariance import (
    power_law as power_law,
)
from .theory.covariance import (
    toeplitz as toeplitz,
)
from .theory.derive import derive as derive
from .theory.features.power_law import power_law_features as power_law_features
from .theory.gradient_flow_sharpness.problem import (
    DiagonalLinearNetwork as DiagonalLinearNetwork,
)
from .theory.gradient_flow_sharpness.problem import (
    ScalarNetwork as ScalarNetwork,
)
from .theory.linear.problem import LinearModel as LinearModel
from .theory.methods import (
    CDAT as CDAT,
)
from .theory.methods import (
    SAM as SAM,
)
from .theory.methods import (
    SGD as SGD,
)
from .theory.methods import (
    Adam as Adam,
)
from .theory.methods import (
    Armijo as Armijo,
)
from .theory.methods import (
    ClippedSGD as ClippedSGD,
)
from .theory.methods import (
    GradientDescent as GradientDescent,
)
from .theory.methods import (
    Huber as Huber,
)
from .theory.methods import (
    Method as Method,
)
from .theory.methods import (
    OnEdge as OnEdge,
)
from .theory.methods import (
    Polyak as Polyak,
)
from .theory.methods import (
    SignSGD as SignSGD,
)
from .theory.noise import (
    Cauchy as Cauchy,
)
from .theory.noise import (
    Empirical as Empirical,
)
from .theory.noise import (
    Gaussian as Gaussian,
)
from .theory.noise import (
    GaussianMixture as GaussianMixture,
)
from .theory.noise import (
    Laplace as Laplace,
)
from .theory.noise import (
    Noise as Noise,
)
from .theory.noise import (
    NoNoise as NoNoise,
)
from .theory.noise import (
    Rademacher as Rademacher,
)
from .theory.noise import (
    StudentT as StudentT,
)
from .theory.noise import (
    Uniform as Uniform,
)
from .theory.schedules.following import AdaGradNorm as AdaGradNorm
from .theory.schedules.following import LineSearch as LineSearch
from .theory.schedules.following import PolyakStep as PolyakStep
from .theory.schedules.running_quantile import RunningQuantile as RunningQuantile
from .theory.schedules.schedule import (
    constant as constant,
)
from .theory.schedules.schedule import (
    cosine as cosine,
)
from .theory.schedules.schedule import (
    power_decay as power_decay,
)
from .theory.schedules.shapes import inverse_sqrt as inverse_sqrt
from .theory.schedules.shapes import piecewise as piecewise
from .theory.schedules.shapes import steps as steps
from .theory.schedules.shapes import warmup as warmup
from .theory.schedules.shapes import warmup_cosine as warmup_cosine
from .theory.schedules.shapes import wsd as wsd
from .theory.second_order.problem import QuadraticRegression as QuadraticRegression
from .theory.sgd_stability.problem import InterpolatingMinimum as InterpolatingMinimum
from .theory.streaming.problem import LeastSquares as LeastSquares
from .theory.tuners.problem import (
    SharpnessToy as SharpnessToy,
)
from .theory.tuners.problem import (
    TwoCurvatures as TwoCurvatures,
)
from .theory.two_eigenvalues.problem import TwoEigenvalueModel as TwoEigenvalueModel
from .validation.agreement.compare import compare as compare
from .validation.agreement.paired import paired_difference as paired_difference
from .validation.convergence.convergence import convergence as convergence
from .validation.figures.overlay import overlay as overlay
from .validation.fit.fit import fit as fit
from .validation.frontier.frontier import compute_frontier as compute_frontier
from .validation.networks.control import (
    control_linear as control_linear,
)
from .validation.networks.control import (
    control_network as control_network,
)
from .validation.networks.criterion import criterion as criterion
from .validation.networks.digits import digits_network as digits_network
from .validation.networks.expansion import quadratic_expansion as quadratic_expansion
from .validation.networks.linearisation import (
    Linearisation as Linearisation,
)
from .validation.networks.linearisation import (
    rate_from_library as rate_from_library,
)
from .validation.networks.losses import gauss_newton as gauss_newton
from .validation.networks.mlp import MLP as MLP
from .validation.networks.probe import probe as probe
from .validation.networks.train import train as train
from .validation.simulate import simulate as simulate
from .validation.simulate.linear.growth import (
    measured_critical_rate as measured_critical_rate,
)
from .validation.simulate.linear.growth import (
    measured_growth as measured_growth,
)
from .validation.simulate.second_order.early_time import early_time_runs as early_time_runs

__version__: str
