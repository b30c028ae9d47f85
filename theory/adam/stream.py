r"""The two means of Adam over the stationary stream of gradients at a frozen risk.

With the averages :math:`S=\mathrm{EMA}_{\beta_1}(\xi^2)`, :math:`v=\mathrm{EMA}_{\beta_2}(\xi^2
\ell^2)` and :math:`Q=\sum_l(1-\beta_1)(1-\beta_2)(\beta_1\beta_2)^l\xi_l^4\ell_l^2`, Stein's lemma
in every :math:`z_l` turns the definition of g_A into

.. math:: g_A=\mathbb E\,[S\,v^{-1/2}-Q\,v^{-3/2}],

whose samples do not grow as R → 0, unlike those of the definition (derived here). With a batch of B
the gradient is :math:`\frac1B\sum_b\xi_b\ell_b` and :math:`\frac1B\sum_b\xi_b^2` stands for
:math:`\xi^2`: along the residuals the ξ are one normal number u, across them a chi-square of B − 1,

.. math:: \xi\ell\to\frac{u}{B}\Big(\sum_b\ell_b^2\Big)^{1/2},\qquad
          \xi^2\to\frac{u^2+\chi^2_{B-1}}B .
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ..core.printer import SourcePrinter

beta_1, beta_2 = sp.symbols("beta1 beta2", positive=True)
#: ξ and ξ² of a sample; its residual, and its gradient ξ ℓ
normal, residual, gradient = sp.symbols("x residual step", real=True)
#: the averages S, Q and v, and v^(−1/2)
slope, cross, square, weight = sp.symbols("slope cross square weight", positive=True)
#: Σ_l (1 − β₁) β₁^l v_l^(−1/2) over the steps ahead
ahead = sp.Symbol("ahead", positive=True)

_TEXTS = {
    slope: r"\mathrm{EMA}_{\beta_1}(\xi^2)",
    cross: r"\mathrm{EMA}_{\beta_1,\beta_2}(\xi^4\ell^2)",
    weight: r"\mathrm{EMA}_{\beta_2}(\xi^2\ell^2)^{-1/2}",
    gradient: r"\left(\xi_0\ell_0\right)",
    ahead: r"\left(\sum_{l\geq 0}(1-\beta_1)\beta_1^l v_l^{-1/2}\right)",
}


class Sample(sp.AtomicExpr):
    """What is averaged over the stream; opaque to everything that rewrites expressions."""

    __slots__ = ("formula",)

    def __new__(cls, formula: Any) -> Sample:
        made = super().__new__(cls)
        made.formula = sp.sympify(formula)
        return made

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (self.formula,)

    def _hashable_content(self) -> tuple[Any, ...]:
        return (self.formula,)

    @property
    def free_symbols(self) -> set[Any]:
        """None: what it is made of belongs to the stream."""
        return set()

    def _latex(self, printer: Any) -> str:
        named = {s: sp.Symbol(rf"{{{text}}}") for s, text in _TEXTS.items()}
        return rf"\mathrm{{E}}\left[{printer._print(self.formula.xreplace(named))}\right]"

    def _sympystr(self, printer: Any) -> str:
        return f"E[{printer._print(self.formula)}]"


def average(memory: Any, old: Any, new: Any) -> Any:
    """An exponential average after one more value."""
    return memory * old + (1 - memory) * new


@cache
def drift_sample() -> Sample:
    """g_A by Stein's lemma: the mean derivative of ℓ_l v^(−1/2), summed over the past."""
    share_1, share_2, rest = sp.symbols("w_1 w_2 rest", positive=True)
    own = share_2 * (normal * residual) ** 2
    term = share_1 * normal**2 * sp.diff(residual / sp.sqrt(rest + own), residual)
    # v is the same in every term; what is summed are the factors in front of its powers
    summed = sp.expand(term.subs(rest, square - own)).subs(square, weight**-2)
    linear = summed.coeff(share_2, 0).subs(share_1 * normal**2, slope)
    second = summed.coeff(share_2, 1).subs(share_1 * normal**4 * residual**2, cross)
    return Sample(sp.powdenest(linear + second, force=True))


@cache
def variance_sample() -> Sample:
    """s_A²: the square of a gradient with the weights of all steps that it enters."""
    return Sample((gradient * ahead) ** 2)


def stream_source(drift: Sample, variance: Sample) -> str:
    """Return the functions of a pass over the stream: averages and samples."""
    printer = SourcePrinter((), {})
    power = gradient**2
    # the shares of the two averages in Q multiply
    pair = beta_1 * beta_2 * cross + (1 - beta_1) * (1 - beta_2) * normal**2 * power
    averages = (
        ("next_slope", "slope, x, beta1", average(beta_1, slope, normal**2)),
        ("next_cross", "cross, x, step, beta1, beta2", pair),
        ("next_square", "square, step, beta2", average(beta_2, square, power)),
        ("weight_of", "square", 1 / sp.sqrt(square)),
        ("drift_sample", "slope, cross, weight", drift.formula),
        ("next_ahead", "ahead, weight, beta1", average(beta_1, ahead, weight)),
        ("variance_sample", "step, ahead", variance.formula),
    )
    return "\n\n".join(printer.function(*parts) for parts in averages)
