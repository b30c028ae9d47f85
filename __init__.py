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
    "theory.least_squares": ("LeastSquares",),
    "theory.noise": ("Noise", "Gaussian", "Rademacher", "Uniform", "Laplace", "StudentT", "Cauchy")
    + ("GaussianMixture", "Empirical", "NoNoise"),
    "theory.covariance": ("isotropic", "power_law", "marchenko_pastur", "toeplitz")
    + ("from_data", "from_eigenvalues", "from_matrix", "from_density"),
    "theory.methods": ("Method", "SGD", "SignSGD", "ClippedSGD", "Huber", "GradientDescent"),
    "theory.derive": ("derive",),
    "theory.system": ("System",),
    "solvers.expectations": ("expectations",),
    "solvers.solve": ("solve",),
    "solvers.stationary": ("stationary",),
    "solvers.curve": ("Curve",),
    "solvers.storage": ("load",),
    "validation.simulate": ("simulate",),
    "validation.compare": ("compare",),
    "validation.convergence": ("convergence",),
    "validation.paired": ("paired_difference",),
    "validation.overlay": ("overlay",),
}
_HOME = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = ["__version__", *_HOME]  # noqa: PLE0604

if TYPE_CHECKING:  # what type checkers and editors see; kept equal to _ROOMS by a test
    from .solvers.curve import Curve
    from .solvers.expectations import expectations
    from .solvers.solve import solve
    from .solvers.stationary import stationary
    from .solvers.storage import load
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
    from .theory.methods import SGD, ClippedSGD, GradientDescent, Huber, Method, SignSGD
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
    from .theory.schedule import constant, cosine, power_decay
    from .theory.symbols import t
    from .theory.system import System
    from .validation.compare import compare
    from .validation.convergence import convergence
    from .validation.overlay import overlay
    from .validation.paired import paired_difference
    from .validation.simulate import simulate


def __getattr__(name: str) -> Any:
    """Load a name of the face from its module on first use."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
