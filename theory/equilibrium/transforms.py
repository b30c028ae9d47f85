r"""R-transforms and linear moments of the ensembles, from their resolvents.

.. math:: R(g)=z(g)-\frac1g,\quad z(g)\text{ inverse to }G(z)=\operatorname{tr}_N(z-W)^{-1},\qquad
          m_2=\operatorname{tr}_N\mathcal M\mathcal M^\top,\ m_4=\operatorname{tr}_N(\mathcal M
          \mathcal M^\top)^2,\ \mathcal M=(1-W)^{-1}

For matrices that are not symmetric the singular values of 1 − W are used: on a circle (Haar), or
from the hermitised resolvent (Ginibre), :math:`g=Y/(1+Y^2)`, :math:`Y=w+\sigma^2g`. Derived here.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ..core.derivation import Derivation
from ..core.errors import NoLimit
from ..core.system import Step

sigma, tau = sp.Symbol("sigma", positive=True), sp.Symbol("tau", real=True)
chi = sp.Symbol("chi", positive=True)
z, w = sp.symbols("z w", positive=True)
m1, m2, m4, least, variance = sp.symbols("m_1 m_2 m_4 s_min variance", real=True)


@cache
def r_transform(kind: str) -> tuple[Any, tuple[Step, ...]]:
    """Return R(χ) of a symmetric ensemble, and the steps to it.

    R solves the equation of the resolvent for z at G = χ, on the branch that is 0 at χ = 0.
    """
    if kind == "goe":
        equation = sigma**2 * chi**2 - z * chi + 1
        text = "semicircle: σ²G² − zG + 1 = 0"
    else:
        equation = chi * (z**2 - sigma**2) - z
        text = "eigenvalues ±σ, half and half: G = z/(z² − σ²)"
    roots = [sp.simplify(root - 1 / chi) for root in sp.solve(equation, z)]
    (found,) = [root for root in roots if sp.limit(root, chi, 0) == 0]
    return found, (Step(f"{text}; solved for z at G = χ, less 1/χ", "R(χ)", found),)


@cache
def feedback(kind: str) -> tuple[Any, Any, tuple[Step, ...]]:
    """Return a and the coefficient of q in the noise of a site, both in χ."""
    if kind in ("goe", "symmetric-orthogonal"):
        found, steps = r_transform(kind)
        slope = sp.simplify(sp.diff(found, chi))
        return found, slope, (*steps, Step("and its derivative", "R′(χ)", slope))
    if kind == "elliptic":
        goe, _ = r_transform("goe")
        text = "elliptic: only the symmetric part τ of the covariance feeds back"
        return tau * goe, sigma**2, (Step(text, "a", tau * goe),)
    text = "no symmetric part: nothing feeds back, and lengths are multiplied by σ²"
    return sp.Integer(0), sigma**2, (Step(text, "a", sp.Integer(0)),)


def _resolvent(kind: str) -> Any:
    """G(z) outside the spectrum."""
    if kind == "goe":
        return (z - sp.sqrt(z**2 - 4 * sigma**2)) / (2 * sigma**2)
    return z / (z**2 - sigma**2)


@cache
def linear_theory(kind: str) -> Derivation:
    """Derive tr M, m₂, m₄, the least singular value of 1 − W, and the spread of |z|²."""
    if kind == "elliptic":
        return _elliptic()
    found, steps = {
        "goe": _symmetric,
        "symmetric-orthogonal": _symmetric,
        "haar": _haar,
        "ginibre": _ginibre,
    }[kind](kind)
    spread = sp.factor(2 * (found[m4] - found[m2] ** 2))
    equations = {**found, variance: spread}
    return Derivation(
        f"linear equilibrium, {kind}",
        tuple(equations.items()),
        (*steps, Step("N Var(|z|²/N) at |x|² = N", variance, spread)),
    )


def _symmetric(kind: str) -> tuple[dict[Any, Any], tuple[Step, ...]]:
    G = _resolvent(kind)
    powers = [
        sp.factor(sp.simplify((-1) ** n * sp.diff(G, z, n).subs(z, 1) / sp.factorial(n)))
        for n in (0, 1, 3)
    ]
    edge = 2 * sigma if kind == "goe" else sigma
    found = dict(zip((m1, m2, m4), powers, strict=True)) | {least: 1 - edge}
    return found, (
        Step("resolvent", "G(z)", G),
        Step("tr (1 − W)⁻¹ = G(1)", m1, powers[0]),
        Step("symmetric: m₂ = −G′(1)", m2, powers[1]),
        Step("m₄ = −G‴(1)/6", m4, powers[2]),
        Step("distance of the spectrum from 1", least, 1 - edge),
    )


def _haar(kind: str) -> tuple[dict[Any, Any], tuple[Step, ...]]:
    n = sp.Symbol("n", integer=True, nonnegative=True)
    ratio = sp.Symbol("x", positive=True)
    two, four = (
        sp.factor(_power_sum(weight, n, ratio).subs(ratio, sigma**2))
        for weight in (1, (n + 1) ** 2)
    )
    found = {m1: sp.Integer(1), m2: two, m4: four, least: 1 - sigma}
    return found, (
        Step("eigenvalues σe^{iθ}, normal: m₂ = mean of |1 − σe^{iθ}|⁻² = Σ σ²ⁿ", m2, two),
        Step("m₄ = mean of |Σ (n + 1) σⁿe^{inθ}|² = Σ (n + 1)² σ²ⁿ", m4, four),
        Step("", least, 1 - sigma),
    )


def _power_sum(weight: Any, n: Any, x: Any) -> Any:
    """Σ weight(n) xⁿ for a polynomial weight: x d/dx of the geometric series."""
    total, form = sp.Integer(0), 1 / (1 - x)
    for coefficient in reversed(sp.Poly(weight, n).all_coeffs()):
        total += coefficient * form
        form = x * sp.diff(form, x)
    return sp.simplify(total)


def _ginibre(kind: str) -> tuple[dict[Any, Any], tuple[Step, ...]]:
    Y = w + sigma**2 * (m2 * w - m4 * w**3)
    gap = sp.series(m2 * w - m4 * w**3 - Y / (1 + Y**2), w, 0, 4).removeO()
    orders = sp.Poly(gap, w)
    (two,) = sp.solve(orders.coeff_monomial(w), m2)
    (four,) = sp.solve(orders.coeff_monomial(w**3).subs(m2, two), m4)
    # w = i s at Y = i√p: dw/dY = 0 is the least singular value
    p = sp.Symbol("p", positive=True)
    condition = (1 - p) ** 2 - sigma**2 * (1 + p)
    place = min(sp.solve(condition, p), key=lambda root: root.subs(sigma, sp.Rational(1, 2)))
    edge = sp.sqrt(place) * (1 - sigma**2 / (1 - place))
    small = sp.Symbol("epsilon", positive=True)
    near = sp.sqrt(sp.limit(sp.simplify((edge**2).subs(sigma, 1 - small)) / small**3, small, 0))
    found = {m1: sp.Integer(1), m2: two, m4: sp.factor(four), least: edge}
    return found, (
        Step("hermitised: g = Y/(1 + Y²), Y = w + σ²g, g = m₂w − m₄w³ + …; first order", m2, two),
        Step("third order", m4, found[m4]),
        Step("the least singular value: dw/dY = 0 at Y² = −p, w = is", "p", place),
        Step("", least, edge),
        Step("near σ = 1 it is this times (1 − σ)^{3/2}", "constant", near),
    )


def _elliptic() -> Derivation:
    """χ = 1/(1 − τσ²χ) and m₂ = χ²/(1 − σ²χ²)."""
    roots = sp.solve(chi * (1 - tau * sigma**2 * chi) - 1, chi)
    (one,) = [root for root in roots if sp.limit(root, tau, 0) == 1]
    # one form that is regular at τ = 0
    one = 2 / (1 + sp.sqrt(1 - 4 * tau * sigma**2))
    assert sp.simplify(one * (1 - tau * sigma**2 * one) - 1) == 0
    two = one**2 / (1 - sigma**2 * one**2)
    return Derivation(
        "linear equilibrium, elliptic",
        ((m1, one), (m2, two)),
        (
            Step("χ = 1/(1 − τσ²χ), the branch that is 1 at τ = 0", m1, one),
            Step("q = χ²(σ²q + σ_x²)", m2, two),
            Step("m₄ and the least singular value are not derived", m4, "not derived"),
        ),
    )


def exists(kind: str, scale: float, tau_value: float) -> None:
    """Refuse a linear network beyond the scale at which its solution ends."""
    ends = {"goe": 0.5, "elliptic": 1 / (1 + tau_value) if tau_value > -1 else float("inf")}
    end = ends.get(kind, 1.0)
    if scale >= end:
        raise NoLimit("scale", scale, f"the linear solution exists below σ = {end:.6g}")
