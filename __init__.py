"""limitlab: limit theories of optimisers in high dimension, derived, solved and tested.

State what is learnt (a problem) and how (a method); then::

    derive(problem, method)    the limit, symbolically        -> System
    solve(problem, method)     its solution                   -> Curve
    simulate(problem, method)  the algorithm in dimension d   -> Curve
    compare(theory, runs)      do the two agree?              -> Agreement
    overlay(theory, runs)      both on one figure

Names are loaded on first use, so that importing the package is immediate.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .theory.version import VERSION

__version__ = VERSION

_ROOMS = {
    "theory.errors": ("LimitlabError", "InvalidInput", "InvalidType", "NoLimit", "NotAvailable")
    + ("SolveFailed", "ValidityWarning"),
    "theory.symbols": ("t",),
    "theory.schedule": ("constant", "power_decay", "cosine"),
    "theory.tabulated": ("interpolated",),
    "theory.running_quantile": ("RunningQuantile",),
    "theory.least_squares": ("LeastSquares",),
    "theory.noise": ("Noise", "Gaussian", "Rademacher", "Uniform", "Laplace", "StudentT", "Cauchy")
    + ("GaussianMixture", "Empirical", "NoNoise"),
    "theory.covariance": ("isotropic", "power_law", "marchenko_pastur", "toeplitz")
    + ("from_data", "from_eigenvalues", "from_matrix", "from_density"),
    "theory.methods": ("Method", "SGD", "SignSGD", "ClippedSGD", "Huber", "Adam")
    + ("GradientDescent",),
    "theory.sharpening.linear_model": ("LinearModel",),
    "theory.sharpening.quadratic": ("QuadraticRegression",),
    "theory.sharpening.two_eigenvalues": ("TwoEigenvalueModel",),
    "theory.derive": ("derive",),
    "theory.system": ("System",),
    "solvers.expectations": ("expectations",),
    "solvers.solve": ("solve",),
    "solvers.stationary": ("stationary",),
    "solvers.curve": ("Curve", "load"),
    "solvers.effects": ("effects",),
    "solvers.rates": ("rate_for_risk", "best_rate"),
    "solvers.schedules": ("greedy", "schedule_along"),
    "solvers.clipping.criteria": ("clipping_criteria",),
    "solvers.clipping.thresholds": ("best_threshold", "fraction_threshold"),
    "solvers.clipping.verdict": ("can_clipping_help",),
    "solvers.clipping.units": ("convert_units",),
    "solvers.control.optimise": ("optimal_schedule",),
    "solvers.control.report": ("no_schedule_recovers",),
    "solvers.sharpening.kernel_norm": ("noise_kernel_norm",),
    "solvers.sharpening.critical": ("critical_rate", "critical_batch", "growth_rate"),
    "solvers.sharpening.early_time": ("early_time",),
    "solvers.sharpening.edge_offset": ("edge_offset",),
    "solvers.sharpening.quadratic": ("tangent_kernels",),
    "validation.simulate": ("simulate",),
    "validation.simulate.sharpening.growth": ("measured_growth", "measured_critical_rate"),
    "validation.simulate.sharpening.early_time": ("early_time_runs",),
    "validation.networks.digits": ("digits_network",),
    "validation.networks.mlp": ("MLP",),
    "validation.networks.linearisation": ("Linearisation", "rate_from_library"),
    "validation.networks.losses": ("gauss_newton",),
    "validation.networks.expansion": ("quadratic_expansion",),
    "validation.networks.probe": ("probe",),
    "validation.networks.train": ("train",),
    "validation.networks.criterion": ("criterion",),
    "validation.networks.control": ("control_linear", "control_network"),
    "validation.compare": ("compare",),
    "validation.convergence": ("convergence",),
    "validation.paired": ("paired_difference",),
    "validation.overlay": ("overlay",),
}
_HOME = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = ["__version__", *_HOME]  # noqa: PLE0604

if TYPE_CHECKING:  # what type checkers and editors see; kept equal to _ROOMS by a test
    from .solvers.clipping.criteria import clipping_criteria
    from .solvers.clipping.thresholds import best_threshold, fraction_threshold
    from .solvers.clipping.units import convert_units
    from .solvers.clipping.verdict import can_clipping_help
    from .solvers.control.optimise import optimal_schedule
    from .solvers.control.report import no_schedule_recovers
    from .solvers.curve import Curve, load
    from .solvers.effects import effects
    from .solvers.expectations import expectations
    from .solvers.rates import best_rate, rate_for_risk
    from .solvers.schedules import greedy, schedule_along
    from .solvers.sharpening.critical import critical_batch, critical_rate, growth_rate
    from .solvers.sharpening.early_time import early_time
    from .solvers.sharpening.edge_offset import edge_offset
    from .solvers.sharpening.kernel_norm import noise_kernel_norm
    from .solvers.sharpening.quadratic import tangent_kernels
    from .solvers.solve import solve
    from .solvers.stationary import stationary
    from .theory.covariance import (
        from_data,
        from_density,
        from_eigenvalues,
        from_matrix,
        isotropic,
        marchenko_pastur,
        power_law,
        toeplitz,
    )
    from .theory.derive import derive
    from .theory.errors import (
        InvalidInput,
        InvalidType,
        LimitlabError,
        NoLimit,
        NotAvailable,
        SolveFailed,
        ValidityWarning,
    )
    from .theory.least_squares import LeastSquares
    from .theory.methods import SGD, Adam, ClippedSGD, GradientDescent, Huber, Method, SignSGD
    from .theory.noise import (
        Cauchy,
        Empirical,
        Gaussian,
        GaussianMixture,
        Laplace,
        Noise,
        NoNoise,
        Rademacher,
        StudentT,
        Uniform,
    )
    from .theory.running_quantile import RunningQuantile
    from .theory.schedule import constant, cosine, power_decay
    from .theory.sharpening.linear_model import LinearModel
    from .theory.sharpening.quadratic import QuadraticRegression
    from .theory.sharpening.two_eigenvalues import TwoEigenvalueModel
    from .theory.symbols import t
    from .theory.system import System
    from .theory.tabulated import interpolated
    from .validation.compare import compare
    from .validation.convergence import convergence
    from .validation.networks.control import control_linear, control_network
    from .validation.networks.criterion import criterion
    from .validation.networks.digits import digits_network
    from .validation.networks.expansion import quadratic_expansion
    from .validation.networks.linearisation import Linearisation, rate_from_library
    from .validation.networks.losses import gauss_newton
    from .validation.networks.mlp import MLP
    from .validation.networks.probe import probe
    from .validation.networks.train import train
    from .validation.overlay import overlay
    from .validation.paired import paired_difference
    from .validation.simulate import simulate
    from .validation.simulate.sharpening.early_time import early_time_runs
    from .validation.simulate.sharpening.growth import measured_critical_rate, measured_growth


def __getattr__(name: str) -> Any:
    """Load a name of the face from its module on first use."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
