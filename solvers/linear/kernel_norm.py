"""noise_kernel_norm: the forms of K beside each other, and what they say about stability."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import sympy as sp

from ...theory.core.checks import choice, count
from ...theory.core.errors import InvalidInput, InvalidType, NotAvailable
from ...theory.linear.problem import LinearModel
from ...theory.methods.base import Method
from ...theory.methods.sampling import batches
from ..core.lanczos import RESIDUAL
from .noise_kernel import NoiseKernel

FORMS = ("exact", "closure", "bracket", "trace")
#: residuals above which K_exact needs consent: its cost is O((DC)³)
LARGEST_EXACT = 1500
#: rate · sharpness up to which squares of the norm are floats
LARGEST_STEP = 1e100


@dataclass(frozen=True, eq=False)
class KernelNorm(float):
    """The norms of the noise kernel that were asked for; as a number, the asked form.

    Attributes
    ----------
    form : str
        The form that ``value`` has: "exact", "closure", "bracket" or "trace".
    edge : float
        rate · sharpness; the edge of full-batch descent is 2 (1 + momentum).
    trace, closure : float
    second_moment, highest : float or None
        The bracket K_2 <= K_exact <= max r.
    exact : float or None
    remark : str
        What was left out, and why.
    """

    form: str
    edge: float
    trace: float
    closure: float
    second_moment: float | None = None
    highest: float | None = None
    exact: float | None = None
    remark: str = ""

    def __new__(cls, form: str, edge: float, **found: Any) -> KernelNorm:
        return super().__new__(cls, found[{"bracket": "second_moment"}.get(form, form)])

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (), asdict(self)

    @property
    def value(self) -> float:
        """The norm in the asked form; for the bracket its lower end K_2."""
        return float(self)

    @property
    def verdict(self) -> str:
        """Mean-square "stable", "unstable" or "undecided": 1 lies inside what is known of K.

        Norms are known to 1e-9: exactly at a critical rate it is undecided.
        """
        known = (self.closure, self.second_moment, self.exact)
        lower = max(norm for norm in known if norm is not None)
        upper = next((norm for norm in (self.exact, self.highest) if norm is not None), math.inf)
        if lower > 1 + RESIDUAL:
            return "unstable"
        return "stable" if upper < 1 - RESIDUAL else "undecided"

    def __str__(self) -> str:
        names = ("edge", "trace", "closure", "second_moment", "exact", "highest")
        found = [(name, getattr(self, name)) for name in names]
        numbers = ", ".join(f"{name} {value:.6g}" for name, value in found if value is not None)
        return f"{self.verdict}: {numbers}" + (f" ({self.remark})" if self.remark else "")


def noise_kernel_norm(
    problem: LinearModel, method: Method, form: str = "exact", *, largest: int = LARGEST_EXACT
) -> KernelNorm:
    """Return the norm of the noise kernel of SGD on a linear model.

    Parameters
    ----------
    problem : LinearModel
    method : GradientDescent or SGD
        With a constant rate.
    form : {"exact", "closure", "bracket", "trace"}
        What to compute; each form comes with the cheaper ones. "exact" and "bracket" need
        eigenvectors.
    largest : int
        Residuals DC up to which the exact norm is computed. Above it there is the bracket, and
        the remark says so; a larger number is consent to its cost.

    Returns
    -------
    KernelNorm
        With the ``verdict`` "stable", "unstable" or "undecided".

    Raises
    ------
    NotAvailable
        A form that needs eigenvectors, for a spectrum; a schedule; nothing that moves.

    Examples
    --------
    >>> import limitlab as ll
    >>> model = ll.LinearModel(kernel=[[1, 0.3, 0.1], [0.3, 0.6, 0.2], [0.1, 0.2, 0.4]])
    >>> print(ll.noise_kernel_norm(model, ll.SGD(0.8, batch=2)))
    stable: edge 0.962559, trace 0.2, closure 0.280314, second_moment 0.338923, exact 0.417089, \
highest 0.452236
    """
    count("largest", largest)
    check_form(problem, form)
    kernel, rate = NoiseKernel(problem, batches(method, problem.data)), constant_rate(method)
    step = rate * problem.sharpness
    if step > LARGEST_STEP:
        remedy = f"rate · sharpness = {step:.3g}; give one up to {LARGEST_STEP:g}"
        raise InvalidInput("rate", rate, remedy)
    return norm_at(kernel, rate, form, largest)


def norm_at(
    kernel: NoiseKernel, rate: float, form: str, largest: int = LARGEST_EXACT
) -> KernelNorm:
    """The norm of a kernel at a rate; see :func:`noise_kernel_norm`."""
    size = kernel.problem.size
    found: dict[str, Any] = {"trace": kernel.trace(rate), "closure": kernel.closure(rate)}
    if form in ("exact", "bracket"):
        found["second_moment"], found["highest"] = kernel.bracket(rate)
    if form == "exact" and size <= largest:
        found["exact"] = kernel.exact(rate)
    elif form == "exact":
        form = "bracket"
        found["remark"] = f"{size} residuals: the bracket only; largest={size} computes the rest"
    return KernelNorm(form, rate * kernel.problem.sharpness, **found)


def best_form(problem: Any, largest: int = LARGEST_EXACT) -> str:
    """The best form that this problem has without consent."""
    if problem.spectrum is not None:
        return "closure"
    return "exact" if problem.size <= largest else "bracket"


def check_form(problem: Any, form: str) -> None:
    """Refuse what is no form, and one that needs eigenvectors where there are none."""
    check_linear(problem)
    choice("form", form, FORMS)
    if problem.spectrum is not None and form in ("exact", "bracket"):
        remedy = 'needs eigenvectors: give jacobian= or kernel=, or take form="closure"'
        raise NotAvailable("form", form, remedy)


def check_linear(problem: Any) -> None:
    """Refuse every problem but a linear model."""
    if not isinstance(problem, LinearModel):
        raise InvalidType("problem", problem, "give a LinearModel")


def constant_rate(method: Any) -> float:
    """The rate as a number; a schedule has no single kernel norm."""
    if isinstance(method.rate, sp.Expr) and method.rate.free_symbols:
        remedy = "a norm belongs to one rate; give a number (curves show it along a schedule)"
        raise NotAvailable("rate", method.rate, remedy)
    return float(method.rate)
