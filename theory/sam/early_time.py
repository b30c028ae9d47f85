r"""The first step of SAM, averaged over the Gaussian curvature and over the batch.

With (z, J) fixed, :math:`J'-J=Q(d,\cdot)` is linear in d, so that on all of the data the average
over Q of off-diagonal variance q is exact,

.. math:: \mathbb E[J'-J]=-h\rho q\left[(P+1)z+\rho(P+2)\Theta z\right](J^\top z)^\top,

and with batches it is taken to first order in ρ, exactly in the sampling. Gradient descent has no
first-order average; where SAM differs from it is this slope. After arXiv 2302.08692; derived here
by the averages of :mod:`limitlab.theory.second_order.wick`.

No curve of the sharpness is made of this slope: the reduced equations
:math:`\dot z=-\lambda(1+\rho\lambda)z,\ \dot\lambda=-2\rho qPz^2\lambda` are wrong beyond t = 0,
since SAM multiplies the growth of second order too (the figure ``sam_slope`` shows it).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ..core.derivation import Derivation
from ..core.system import Step
from ..second_order import early_time as descent
from ..second_order.letters import Scalar, Word, product_code
from ..second_order.wick import batch_average, gaussian_average, up_to
from ..second_order.words import close, rewrite, words
from . import step as sam
from .step import reach

#: q, and β = E m of the mask
variance, fraction = descent.variance, descent.fraction
drift, drift_leading, drift_batch = sp.symbols("Delta_J Delta_J_leading Delta_J_batch")
residual_batch, slope, slope_batch = sp.symbols("Delta_z slope slope_batch")
#: JJᵀ as a letter
_GRAM: dict[Word, Any] = {(sam.jacobian, sam.jacobian.T): descent.gram}


def in_states(form: Any, body: Any) -> Any:
    """A form in (z, J) alone: every intermediate letter replaced by what it is."""
    for letter, meaning in reversed(body.items()):
        form = rewrite(form, {(letter,): meaning})
    return sp.expand(form)


def change(batch: Any) -> tuple[Any, Any]:
    """z' − z and J' − J in words of z, J, Q and the mask."""
    stated = sam.recursion(batch)
    z, J = stated.after
    return tuple(in_states(stated.after[x] - x, stated.body) for x in (z, J))


class Product(Scalar):
    """The column or matrix that an open word stands for: it commutes with numbers."""

    def _latex(self, printer: Any) -> str:
        return " ".join(printer._print(letter) for letter in self.args)

    def _sympystr(self, printer: Any) -> str:
        return self._latex(printer)

    def _numpycode(self, printer: Any) -> str:
        return f"({product_code(printer, self.args)})"


def _average(form: Any) -> Any:
    return rewrite(gaussian_average(form, variance, sam.parameters), _GRAM)


def _over_batches(form: Any) -> Any:
    return rewrite(batch_average(form, sam.mask, fraction), _GRAM)


def _whole(form: Any) -> Any:
    """A sum of numbers times products."""
    return sp.factor(sp.Add(*(c * Product(*word) for c, word in words(form))), deep=False)


def first_order(form: Any) -> Any:
    """The terms up to the first order in ρ."""
    return sp.Add(*(c * sp.Mul(*w) for c, w in words(form) if sp.degree(c, reach) <= 1))


def leading(form: Any) -> Any:
    """To first order in ρ, the leading order in P."""
    kept = first_order(form)
    return sp.expand(sp.expand(kept).coeff(sam.parameters, 1) * sam.parameters)


@cache
def averages() -> Derivation:
    """Derive the mean change of J, of z, and of the squared singular values in one step."""
    _, full = change(sp.S.One)
    exact = _average(full)
    z_change, J_change = change(sam.mask)
    batched = _over_batches(first_order(_average(J_change)))
    # without curvature z alone moves; with it the mean moves by terms of order q
    straight = _over_batches(first_order(up_to(z_change, 0)))
    grows = [_slope(form) for form in (leading(exact), leading(batched))]
    forms = {
        drift: _whole(exact),
        drift_leading: _whole(leading(exact)),
        drift_batch: _whole(batched),
        residual_batch: _whole(straight),
        slope: grows[0],
        slope_batch: grows[1],
    }
    steps = (
        Step("J' − J in terms of z, J and Q", "J' − J", full),
        Step(
            "only terms of even degree in Q survive; Isserlis pairs them: exact",
            drift,
            forms[drift],
        ),
        Step("to first order in ρ and leading order in P", drift_leading, forms[drift_leading]),
        Step(
            "with batches, exactly in the sampling, to first order in ρ",
            drift_batch,
            forms[drift_batch],
        ),
        Step("and the residual, where Q = 0", residual_batch, forms[residual_batch]),
        Step("2 s_a u_aᵀ E[J' − J] v_a: the slope of s_a² in a step", slope, grows[0]),
        Step("… with batches", slope_batch, grows[1]),
    )
    definitions = ((r"\Omega[M]", r"b_2M+(b_1-b_2)\,\mathrm{diag}\,M"),)
    return Derivation("first step of SAM", tuple(forms.items()), steps, definitions)


def _slope(form: Any) -> Any:
    """2 s_a u_aᵀ (…) v_a, in the modes of J."""
    u, v, s = descent.u_a, descent.v_a, descent.s_a
    return sp.factor(close(rewrite(2 * s * u.T * form * v, descent.MODES)), deep=False)
