"""Edges of stability: where they are, what happens there, how curvature moves."""

from .solvers.gradient_flow_sharpness.flow_end import (
    gradient_flow_sharpness as gradient_flow_sharpness,
)
from .solvers.gradient_flow_sharpness.quasi_static import (
    quasi_static_attractors as quasi_static_attractors,
)
from .solvers.gradient_flow_sharpness.stopping import stopping_point as stopping_point
from .solvers.hessian.minima import penalised_minima as penalised_minima
from .solvers.hessian.parts import hessian_parts as hessian_parts
from .solvers.hessian.quadratic import quadratic_traces as quadratic_traces
from .solvers.linear.critical import critical_batch as critical_batch
from .solvers.linear.critical import critical_rate as critical_rate
from .solvers.linear.critical import growth_rate as growth_rate
from .solvers.linear.kernel_norm import noise_kernel_norm as noise_kernel_norm
from .solvers.sam.early_time import sam_early_time as sam_early_time
from .solvers.sam.edge import sam_cycle as sam_cycle
from .solvers.sam.edge import sam_edge as sam_edge
from .solvers.second_order.early_time import early_time as early_time
from .solvers.second_order.solve import tangent_kernels as tangent_kernels
from .solvers.sgd_stability.stability import group_exponent as group_exponent
from .solvers.sgd_stability.stability import lyapunov_exponent as lyapunov_exponent
from .solvers.sgd_stability.stability import sgd_stability as sgd_stability
from .solvers.tuners.bifurcation import bifurcation as bifurcation
from .solvers.tuners.predictions import tuner_predictions as tuner_predictions
from .solvers.two_eigenvalues.edge_offset import edge_offset as edge_offset
from .validation.simulate.linear.growth import measured_critical_rate as measured_critical_rate
from .validation.simulate.linear.growth import measured_growth as measured_growth
from .validation.simulate.second_order.early_time import early_time_runs as early_time_runs
