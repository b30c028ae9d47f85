r"""Near the edge of the scalar network: the normal form, its drift, and where descent stops.

With :math:`e=\pi-1`, :math:`q_k=\sum_ix_i^{-k}`, :math:`\varphi=q_1`, :math:`\delta=\eta\varphi-2`

.. math:: e'=-(1+\delta)e+a_2e^2+a_3e^3,\qquad \dot s=2s(\delta-s/\kappa),\quad \dot\delta=-Cs,

:math:`s=e^2`, :math:`1/\kappa=a_2^2+a_3`, :math:`C=\eta^3(q_3-q_2^2/q_1)`. The linear equation for
s(δ) is solved, and s = 0 is the end: :math:`\eta\varphi_\infty=2-C\kappa/2` from far above. The
shape drifts by :math:`\dot x_i=\eta^2s\,(1/x_i-q_2/q_1)`, and C and κ with it. Model of arXiv
2305.13064; all of it derived here.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ..core.derivation import Derivation
from ..core.system import Step
from .maps import balances, rate

q1, q2, q3 = sp.symbols("q_1 q_2 q_3", positive=True)
e, delta = sp.symbols("e delta", real=True)
alpha, beta, second, third = sp.symbols("alpha beta a_2 a_3", real=True)
stiffness, drift, constant = sp.symbols("kappa C K", real=True)
#: s(δ), its constant from a start, and where it ends from far above
square, kept, universal = sp.symbols("s K_start delta_end", real=True)
#: s(δ) from a start, in which no exponential overflows below it
from_start = sp.Symbol("s_from_start", real=True)
start_square, start_delta = sp.symbols("s_0 delta_0", real=True)
s_dot, delta_dot = sp.symbols("s_dot delta_dot", real=True)
#: a square x_i at the end of the flow, and its change in a step
entry, entry_dot = sp.symbols("x x_dot", positive=True)


@cache
def normal_form() -> Derivation:
    """Derive the cubic map, its average over two steps, the drift, and s(δ)."""
    forms, told = _cubic()
    averaged, more = _averaged()
    ends, last = _ends()
    return Derivation(
        "scalar network near the edge",
        tuple((forms | averaged | ends).items()),
        (*balances(), *told, *more, *last),
    )


def _cubic() -> tuple[dict[Any, Any], tuple[Step, ...]]:
    """c(e) along the flow curve, and one step to third order in e."""
    c = sp.Symbol("c")
    # Σ ln(x_i + c)/2 = ln π
    gap = (q1 * c - q2 * c**2 / 2 + q3 * c**3 / 3) / 2 - sp.series(sp.log(1 + e), e, 0, 4).removeO()
    one, two, three = sp.symbols("c_1 c_2 c_3")
    orders = sp.Poly(_series(gap.subs(c, one * e + two * e**2 + three * e**3), 3), e)
    found: dict[Any, Any] = {}
    for k, unknown in enumerate((one, two, three), start=1):
        found[unknown] = sp.solve(orders.coeff_monomial(e**k).subs(found), unknown)[0]
    shift = found[one] * e + found[two] * e**2
    # power sums of 1/(x_i + c), to the order that the step needs
    p1 = q1 - shift * q2 + shift**2 * q3
    p2, p3 = q2 - 2 * shift * q3, q3
    size = rate * e * (1 + e)
    elementary = (1, p1, (p1**2 - p2) / 2, (p1**3 - 3 * p1 * p2 + 2 * p3) / 6)
    step = (1 + e) * sum((-size) ** k * form for k, form in enumerate(elementary)) - 1
    moved = sp.Poly(_series(step, 3), e)
    edge = {rate: 2 / q1}
    quadratic, cubic = (moved.coeff_monomial(e**k) for k in (2, 3))
    forms = {
        alpha: found[one],
        beta: sp.factor(found[two]),
        second: sp.factor(quadratic.subs(edge)),
        third: sp.factor(cubic.subs(edge)),
    }
    return forms, (
        Step("s_i = x_i + c with Π s_i = π²: c = αe + βe² + …", alpha, forms[alpha]),
        Step("and", beta, forms[beta]),
        Step("a step takes e to, first order", "e'/e", moved.coeff_monomial(e)),
        Step("second order at η = 2/q₁", second, forms[second]),
        Step("third", third, forms[third]),
    )


def _series(form: Any, order: int) -> Any:
    """A polynomial in e up to e^order."""
    terms = sp.Poly(form, e).terms()
    return sp.Add(*(factor * e**k for (k,), factor in terms if k <= order))


def _averaged() -> tuple[dict[Any, Any], tuple[Step, ...]]:
    """Two steps of the normal form, and the drift of φ by the balances."""
    small = sp.Symbol("epsilon", positive=True)

    def once(value: Any) -> Any:
        return -(1 + small**2 * delta) * value + second * value**2 + third * value**3

    twice = sp.expand(once(once(small * e)))
    change = sp.Poly(twice - small * e, small).coeff_monomial(small**3)
    per_step = sp.expand(2 * e * change / 2)
    inverse = sp.expand(-per_step.coeff(e, 4) / 2)
    # s_i' = s_i + shift + η²e²π²/s_i: the shift keeps Σ ln x_i, so Σ dx_i/x_i = 0
    shift = sp.Symbol("shift")
    balance = rate**2 * e**2 * q2 + shift * q1
    moved = sp.solve(balance, shift)[0]
    falls = -(rate**2 * e**2 * q3 + moved * q2)
    pace = sp.factor(-rate * falls / e**2)
    forms = {
        stiffness: 1 / inverse,
        drift: pace,
        s_dot: per_step.subs(e**4, square**2).subs(e**2, square).subs(inverse, 1 / stiffness),
        delta_dot: -drift * square,
        entry_dot: sp.factor((rate**2 * e**2 / entry + moved).subs(e**2, square)),
    }
    forms[s_dot] = sp.factor(2 * square * (delta - square / stiffness))
    if sp.simplify(per_step - 2 * e**2 * (delta - e**2 * inverse)) != 0:
        raise ArithmeticError("two steps are no longer a logistic equation for s")
    return forms, (
        Step("two steps with e ∝ ε, δ ∝ ε² change s = e² by, per step", s_dot, forms[s_dot]),
        Step("with", stiffness, forms[stiffness]),
        Step("a step lowers φ by, to second order in η", "φ' − φ", sp.factor(falls)),
        Step("so that δ' − δ = −C s with", drift, pace),
        Step("the shape itself drifts by", entry_dot, forms[entry_dot]),
    )


def _ends() -> tuple[dict[Any, Any], tuple[Step, ...]]:
    """The linear equation for s(δ), and where it reaches 0."""
    function = sp.Function("s")
    slope = sp.cancel(2 * square * (delta - square / stiffness) / (-drift * square))
    found = sp.dsolve(
        sp.Eq(function(delta).diff(delta), slope.subs(square, function(delta))), function(delta)
    ).rhs
    c1 = sp.Symbol("C1")
    expanded = sp.expand(found)
    particular = sp.expand(expanded.subs(c1, 0))
    exponential = sp.simplify((expanded - particular) / c1)
    growth = sp.simplify(sp.diff(exponential, delta) / exponential)
    general = particular + constant * sp.exp(growth * delta)
    at_start = sp.solve(general.subs(delta, start_delta) - start_square, constant)[0]
    far = sp.solve(particular, delta)[0]
    factor, decay = at_start.as_independent(sp.exp)
    joined = sp.exp(sp.factor(sp.log(decay * sp.exp(growth * delta)).expand(force=True)))
    orbit = particular + factor * joined
    forms = {square: general, kept: at_start, from_start: orbit, universal: far}
    return forms, (
        Step("ds/dδ", "ds/dδ", slope),
        Step("its solution", square, general),
        Step("from a start", kept, at_start),
        Step("which is", from_start, orbit),
        Step("from far above K → 0: the end δ", universal, far),
    )
