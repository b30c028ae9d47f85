"""The first step of SAM, averaged over the curvature and the batch: numbers.

Every number is evaluated from the formulas that :mod:`limitlab.theory.sam.early_time` derives; the
growth of second order is that of :mod:`limitlab.theory.second_order.early_time`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...theory.core.derivation import Derivation
from ...theory.core.errors import InvalidType, NotAvailable
from ...theory.core.warn import warn
from ...theory.methods import GradientDescent
from ...theory.methods.sam import SAM
from ...theory.methods.sampling import batches_of
from ...theory.sam import early_time as derived
from ...theory.sam.step import constant_rate
from ...theory.second_order.problem import QuadraticRegression
from ..second_order.early_time import all_modes, early_time

Array = NDArray[np.float64]

#: radius · |J_a|² of one example from which averages over batches, of first order, warn
SMALL = 0.1


@dataclass(frozen=True, eq=False)
class SamEarlyTime:
    """Averages over the curvature, and over the batch, of the first step from (z₀, G).

    Modes are those of G, singular values falling.

    Attributes
    ----------
    singular_values : (modes,) array
        s_a of G.
    jacobian_change : (D, P) array
        E[J₁ − J₀]: exact on all of the data, to first order in the radius with batches.
    leading_change : (D, P) array
        To first order in the radius and leading order in P, on all of the data.
    residual_change : (D,) array
        E[z₁ − z₀] without curvature, to first order in the radius.
    slope : (modes,) array
        Mean change of s_a²/D in the step, leading order; gradient descent has none.
    descent_second : (modes,) array
        c₂ of E s_a²(τ)/D = s_a²/D + c₂τ² + … under gradient flow, τ = rate/D · steps.
    turns : (modes,) array
        τ at which SAM − gradient descent changes its sign: SAM multiplies c₂ by about
        (1 + radius · s_a²/D)², which overtakes the slope. Rough, for a small radius.
    """

    singular_values: Array
    jacobian_change: Array
    leading_change: Array
    residual_change: Array
    slope: Array
    descent_second: Array
    turns: Array

    @property
    def derivation(self) -> Derivation:
        """What was derived, with its steps and LaTeX."""
        return derived.averages()


def sam_early_time(problem: QuadraticRegression, method: SAM) -> SamEarlyTime:
    """Evaluate the first step of SAM on second-order regression, averaged over Q.

    Parameters
    ----------
    problem : QuadraticRegression
    method : SAM
        With a constant rate, not normalised.

    Raises
    ------
    InvalidType, NotAvailable
        Another problem or method; a normalised displacement, whose reach is random.

    Warns
    -----
    ValidityWarning
        Batches with a radius that is not small: with the size of the error.

    Examples
    --------
    >>> import limitlab as ll
    >>> problem = ll.QuadraticRegression(2, 50, 0.3, [[2, 0.5], [0.5, 1]], [1, -0.5])
    >>> found = ll.sam_early_time(problem, ll.SAM(0.1, 0.05))
    >>> found.slope.shape, bool(found.slope[0] < 0)
    ((2,), True)
    """
    if not isinstance(problem, QuadraticRegression):
        raise InvalidType("problem", problem, "give a QuadraticRegression")
    if not isinstance(method, SAM):
        raise InvalidType("method", method, "give SAM(rate, radius)")
    if method.normalised:
        raise NotAvailable("normalised", True, "the averages are derived without; use False")
    rate, drawn = constant_rate(method, "the step has one size"), batches_of(method, problem.data)
    f, moments = derived.averages().functions, drawn.moments
    if not drawn.full:
        warn_of_radius(method.radius * float(np.diag(problem.gram).max()))
    common = {
        "z": problem.z0,
        "J": problem.G,
        "Theta": problem.gram,
        "q": problem.q,
        "P": problem.parameters,
        "h": rate / drawn.batch,
        "rho": method.radius / drawn.batch,
        "beta": moments.beta,
        "b_1": moments.b1,
        "b_2": moments.b2,
    }
    U, s = all_modes(problem.G)
    modes = min(problem.G.shape)
    D, full = problem.data, drawn.full
    slope = f["slope" if full else "slope_batch"]
    slopes = [slope(**common, u_a=U[:, k], s_a=s[k]) for k in range(modes)]
    second = early_time(problem, GradientDescent(rate)).flow_second / 2
    return SamEarlyTime(
        s[:modes],
        f["Delta_J" if full else "Delta_J_batch"](**common),
        f["Delta_J_leading"](**common),
        f["Delta_z"](**common),
        np.array(slopes) / D,
        second / D,
        _turns(np.array(slopes), second, s[:modes] ** 2, rate, method.radius, D),
    )


def warn_of_radius(size: float) -> list[str]:
    """Warn, and return the remark, where averages of first order in the radius are coarse.

    Parameters
    ----------
    size : float
        radius · |J_a|² of one example.
    """
    if size <= SMALL:
        return []
    remark = (
        f"with batches the averages are of first order in the radius: radius · |J_a|² of one "
        f"example is up to {size:.2g}, and their relative error of that size"
    )
    warn(remark)
    return [remark]


def _turns(
    slope: Array, second: Array, squares: Array, rate: float, radius: float, D: int
) -> Array:
    """slope τ D/rate + ((1 + ρs²)² − 1) c₂ τ² = 0."""
    more = ((1 + radius * squares / D) ** 2 - 1) * second
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(more != 0, -slope * D / rate / more, np.nan)
