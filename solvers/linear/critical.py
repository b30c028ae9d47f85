r"""Where the noise kernel reaches 1: critical rates and batches; and the growth beyond.

The mean square grows like :math:`r^t` with the r at which the kernel of growth r,
:math:`\Gamma_{ij}(r)`, has norm 1. The norm falls with r, and rises with the rate.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ...theory.core.checks import choice, positive
from ...theory.core.errors import InvalidInput, NotAvailable
from ...theory.linear.problem import LinearModel
from ...theory.methods.base import Method
from ...theory.methods.sampling import batches
from ...theory.methods.sgd import SGD
from .kernel_norm import check_form, check_linear, constant_rate
from .noise_kernel import NoiseKernel

#: rate · sharpness up to which a level of the norm is looked for
LARGEST_STEP = 1e9
#: growth of the mean square in a step up to which its rate is looked for
LARGEST_GROWTH = 1e50


class CriticalRate(float):
    """A rate at which mean-square stability ends.

    Attributes
    ----------
    limited_by : str
        ``"noise"``: the noise kernel reaches 1. ``"edge"``: there is no noise (full batch), and
        rate · sharpness = 2 (1 + momentum) ends it.
    bracket : tuple of float
        Rates between which the exact one lies; both are the rate itself for other forms.
    """

    limited_by: str
    bracket: tuple[float, float]

    def __new__(
        cls, value: float, limited_by: str, bracket: tuple[float, float] | None = None
    ) -> CriticalRate:
        rate = super().__new__(cls, value)
        rate.limited_by, rate.bracket = limited_by, bracket or (value, value)
        return rate

    def __getnewargs__(self) -> tuple[Any, ...]:
        return float(self), self.limited_by, self.bracket


def critical_rate(
    problem: LinearModel, method: Method, form: str = "exact", *, level: float = 1.0
) -> CriticalRate:
    """Return the rate at which the noise kernel has norm 1, or another level.

    Parameters
    ----------
    problem : LinearModel
    method : GradientDescent or SGD
        Its rate does not matter.
    form : {"exact", "closure", "bracket", "trace"}
        Of the norm. "bracket": the rate below which SGD is surely stable (max r = 1); beyond
        ``bracket[1]`` (K_2 = 1) it surely is not.
    level : float
        The norm at the rate that is returned; below 1 for a rate with a margin.

    Returns
    -------
    CriticalRate
        A float; ``limited_by`` says whether noise or the edge sets it.

    Raises
    ------
    InvalidInput
        A level that the norm does not reach below rate · sharpness = 1e9; a level other than 1 for
        a full batch.

    Examples
    --------
    >>> import limitlab as ll
    >>> problem = ll.LinearModel(spectrum=[1.0, 1.0])
    >>> rate = ll.critical_rate(problem, ll.SGD(1.0, batch=1), form="closure")
    >>> float(rate), rate.limited_by
    (1.0, 'noise')
    """
    kernel = _kernel(problem, method, form)
    positive("level", level)
    if kernel.batches.full:
        if level != 1:
            raise InvalidInput("level", level, "a full batch has no noise; give a smaller batch")
        return CriticalRate(_edge(kernel), "edge")
    if form == "bracket":
        ends = _root(kernel, kernel.highest, level), _root(kernel, kernel.second_moment, level)
        return CriticalRate(ends[0], "noise", ends)
    return CriticalRate(_root(kernel, getattr(kernel, form), level), "noise")


def critical_batch(problem: LinearModel, method: Method, form: str = "exact") -> int:
    """Return the smallest batch for which the mean square is stable at the method's rate.

    Parameters
    ----------
    problem : LinearModel
    method : SGD
        Its batch does not matter.
    form : {"exact", "closure", "bracket", "trace"}
        Of the norm; "bracket": the smallest batch that is surely stable (max r < 1).

    Raises
    ------
    InvalidInput
        The rate is beyond what the largest batch D can have.
    NotAvailable
        A method without batches.

    Examples
    --------
    >>> import limitlab as ll
    >>> problem = ll.LinearModel([[1.0, 0.0], [0.0, 2.0]], residual=[1.0, 1.0])
    >>> ll.critical_batch(problem, ll.SGD(0.3))
    1
    """
    check_linear(problem)
    if not isinstance(method, SGD):
        raise NotAvailable("method", method, "only SGD has a batch to choose; give SGD(rate)")
    rate, most = constant_rate(method), problem.data
    norm = {"bracket": "highest"}.get(form, form)

    def stable(batch: int) -> bool:
        kernel = _kernel(problem, replace(method, batch=batch), form)
        return not kernel.beyond_edge(rate) and getattr(kernel, norm)(rate) < 1

    if not stable(most):
        end = critical_rate(problem, replace(method, batch=most), form)
        raise InvalidInput("rate", rate, f"no batch is stable; give a rate below {end:.6g}")
    low, high = 0, most  # not stable, stable
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if stable(middle) else (middle, high)
    return high


def growth_rate(problem: LinearModel, method: Method, form: str = "exact") -> float:
    """Return the factor r by which the mean square grows in a step: E|z|² ~ r^t.

    Modes that do not move (eigenvalue 0) are left out; they would hold r at 1.

    Parameters
    ----------
    problem : LinearModel
    method : GradientDescent or SGD
        With a constant rate.
    form : {"exact", "closure"}
        Of the second moments.

    Raises
    ------
    InvalidInput, InvalidType, NotAvailable
        A schedule in place of a rate; one at which the mean square grows by more than 1e50 a step;
        another form; an exact one without eigenvectors.

    Examples
    --------
    >>> import limitlab as ll
    >>> problem = ll.LinearModel([[1.0, 0.0], [0.0, 2.0]], residual=[1.0, 1.0])
    >>> round(ll.growth_rate(problem, ll.GradientDescent(0.5)), 6)
    0.5625
    """
    choice("form", form, ("exact", "closure"))
    kernel, rate = _kernel(problem, method, form), constant_rate(method)
    if rate * problem.sharpness > LARGEST_GROWTH**0.5:
        raise _too_large(rate)
    quiet = _without_source(kernel, rate)
    if kernel.batches.full:
        return quiet

    def excess(r: float) -> float:
        return _bounded(_norm_of_growth(kernel, form, rate, r))

    from scipy.optimize import brentq

    # of large numbers what counts is the share
    gap = size = max(1.0, quiet)
    while excess(quiet + gap) > 0 and gap < LARGEST_GROWTH:
        gap *= 2
    if gap >= LARGEST_GROWTH:
        raise _too_large(rate)
    high = quiet + gap
    while excess(quiet + gap) <= 0:  # the norm is infinite at the pole
        gap /= 2
        if gap < 1e-13 * size:
            return quiet
    return float(brentq(excess, quiet + gap, high, xtol=1e-15 * size, rtol=1e-14))


def _kernel(problem: Any, method: Any, form: str) -> NoiseKernel:
    check_form(problem, form)
    return NoiseKernel(problem, batches(method, problem.data))


def _edge(kernel: NoiseKernel) -> float:
    """The rate at which the denominator of Γ_ii, linear in it, vanishes; ∞ if it never does."""
    slack = [
        kernel.functions["Delta"](eta=eta, lambda_i=kernel.problem.sharpness, **kernel.numbers)
        for eta in (0.0, 1.0)
    ]
    return float(slack[0] / (slack[0] - slack[1])) if slack[1] < slack[0] else math.inf


def _root(kernel: NoiseKernel, norm: Callable[[float], float], level: float) -> float:
    """The rate at which a norm, which rises with it, has a level."""
    from scipy.optimize import brentq

    unit = 1 / kernel.problem.sharpness
    high = 1.0
    while norm(high * unit) < level:
        if high > LARGEST_STEP:
            remedy = f"not reached below rate · sharpness = {high:.1g}; give a lower level"
            raise InvalidInput("level", level, remedy)
        high *= 2

    def excess(step: float) -> float:
        return _bounded(norm(step * unit) / level)

    return unit * float(brentq(excess, 0.0, high, xtol=1e-15, rtol=1e-13))


def _bounded(norm: float) -> float:
    """K ↦ (K − 1)/(K + 1): a root at K = 1, finite at K = ∞."""
    return 1.0 if math.isinf(norm) else (norm - 1) / (norm + 1)


def _without_source(kernel: NoiseKernel, rate: float) -> float:
    """Growth of the moments of single modes with S = 0, the pole of Γ_ii(r)."""
    values = kernel.moving
    unit = np.eye(3)[:, :, None] * np.ones_like(values)
    M, X, Y = unit
    step = {"M_ij": M, "X_ij": X, "X_ji": X, "Y_ij": Y, "S_ij": 0.0, "eta": rate}
    step |= {"lambda_i": values, "lambda_j": values, **kernel.numbers}
    image = np.array([kernel.functions[name](**step) for name in ("M_next", "X_next", "Y_next")])
    eigenvalues = np.linalg.eigvals(image.transpose(2, 0, 1))
    rounding = 1e-9 * max(1.0, float(np.abs(eigenvalues).max()))
    return float(eigenvalues.real[np.abs(eigenvalues.imag) < rounding].max())


def _too_large(rate: float) -> InvalidInput:
    remedy = f"the mean square grows by more than {LARGEST_GROWTH:.0e} a step; give a lower one"
    return InvalidInput("rate", rate, remedy)


def _norm_of_growth(kernel: NoiseKernel, form: str, rate: float, r: float) -> float:
    if form == "exact":
        return kernel.radius("Gamma_r", rate, r=r)
    own = kernel.functions["Gamma_r"](
        eta=rate, lambda_i=kernel.moving, lambda_j=kernel.moving, r=r, **kernel.numbers
    )
    return float(own.sum()) / kernel.problem.size
