r"""Expectations over the residual ℓ = √(2R) Z − ε: μ = E ψ′(ℓ) and N = E ψ(ℓ)².

In this order: exact moments where the function is one polynomial on the whole line (or in both
tails); integration by parts and the moment recursion on polynomial pieces; ``sympy.integrate`` on
smooth exponential and trigonometric rules; a marked quadrature node for the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from ..core.nodes import MixtureSum, PanelIntegral, PieceIntegral
from ..core.symbols import residual, risk
from .pieces import Piece, joined, jumps
from .residual import ResidualLaw
from .terms import PdfTerm, times_power

Moment = Callable[[int], Any]

#: degree up to which the moments of a normal between two ends do not outweigh their sum
_MILD = 4


def mean_slope(rule: tuple[Piece, ...], laws: tuple[ResidualLaw, ...], moment: Moment) -> Any:
    """Return μ(R) = E ψ′(ℓ): the slopes of the pieces, and every jump times the density there."""
    return mean_derivative(rule, laws, moment, 1)


def mean_square(rule: tuple[Piece, ...], laws: tuple[ResidualLaw, ...], moment: Moment) -> Any:
    """Return N(R) = E ψ(ℓ)²."""
    return expectation(powers(rule, 2), laws, moment)


def powers(parts: tuple[Piece, ...], exponent: int) -> tuple[Piece, ...]:
    """Return the pieces of f^exponent."""
    return joined([Piece(p.lower, p.upper, sp.expand(p.value**exponent)) for p in parts])


def mean_derivative(
    parts: tuple[Piece, ...], laws: tuple[ResidualLaw, ...], moment: Moment, order: int
) -> Any:
    """Return E f^(order)(ℓ), the derivative taken in the sense of distributions.

    A jump of f^(m) at a counts with (−1)^k p^(k)(a), k = order − 1 − m, where p is the density of
    ℓ: integration by parts, ∫ f^(order) p = (−1)^order ∫ f p^(order). The right side itself is
    taken where f ends and p is normal: what a narrow f adds and takes nearly cancels on the left.
    (Not under the closed laws, whose p^(order) cancels itself.)
    """
    broken = broken_derivatives(parts, order)
    if ends(parts) and all(map(_normal, laws)):
        slopes = tuple(law.derivative(order) for law in laws)
        return (-1) ** order * expectation(parts, slopes, moment)
    at_jumps = sum(
        _summed(sp.Add(*(h * (-1) ** k * _slope_of_density(law, k, a) for k, a, h in broken)), law)
        for law in laws
    )
    return expectation(_derivative(parts, order), laws, moment) + at_jumps


def ends(parts: tuple[Piece, ...]) -> bool:
    """Whether a function of polynomial pieces is zero beyond the first and last kink."""
    polynomial = all(sp.sympify(p.value).is_polynomial(residual) for p in parts)
    return polynomial and parts[0].value == parts[-1].value == 0


def broken_derivatives(parts: tuple[Piece, ...], order: int) -> list[tuple[int, Any, Any]]:
    """Return (k, position, height) of every jump of f^(order − 1 − k)."""
    smooth = [_derivative(parts, m) for m in range(order)]
    return [(k, *jump) for k in range(order) for jump in jumps(smooth[order - 1 - k], residual)]


def _derivative(parts: tuple[Piece, ...], order: int) -> tuple[Piece, ...]:
    return joined([Piece(p.lower, p.upper, sp.diff(p.value, residual, order)) for p in parts])


def _slope_of_density(law: ResidualLaw, order: int, where: Any) -> Any:
    """Return p^(order) at a point."""
    if order == 0:
        return law.density(where)
    x = sp.Dummy("x", real=True)
    return sp.diff(law.density(x), x, order).subs(x, where)


def expectation(parts: tuple[Piece, ...], laws: tuple[ResidualLaw, ...], moment: Moment) -> Any:
    """Return E f(ℓ) for f given by pieces.

    Parameters
    ----------
    parts : tuple of Piece
        f on consecutive intervals that cover the line, in the symbol ``residual``.
    laws : tuple of ResidualLaw
        The law of ℓ is their sum.
    moment : callable
        ``moment(k)`` is the symbol of E ε^k, or raises where it is infinite.
    """
    tail = sp.expand(parts[0].value)
    same_tails = sp.expand(parts[-1].value - tail) == 0 and tail.is_polynomial(residual)
    exact: Any = sp.S.Zero
    # else the tails of a rule that is small between them are integrated themselves: nothing cancels
    sampled = any(law.sampled for law in laws)
    if same_tails and (len(parts) == 1 or (tail.has(residual) and sampled)):
        exact = _polynomial_mean(tail, moment)
        parts = tuple(Piece(p.lower, p.upper, sp.expand(p.value - tail)) for p in parts)
    for law in laws:
        means = [_piece(p, law, moment) for p in parts if p.value != 0]
        exact += _summed(sp.Add(*_alike(means)), law)
    return exact


def _alike(means: list[Any]) -> list[Any]:
    """Take one integral for all with the same closed form, as the two tails of an even rule."""
    first: dict[Any, Any] = {}
    return [first.setdefault(getattr(m, "closed", m), m) for m in means]


def _summed(value: Any, law: ResidualLaw) -> Any:
    return MixtureSum(value) if law.summed and value != 0 else value


def _polynomial_mean(polynomial: Any, moment: Moment) -> Any:
    """Return E p(√(2R) Z − ε) from the exact moments of Z and ε."""
    gauss, noise = sp.Dummy("g"), sp.Dummy("e")
    expanded = sp.Poly(polynomial.subs(residual, gauss - noise), gauss, noise)
    total = sp.S.Zero
    for (k, j), coefficient in expanded.terms():
        if k % 2 == 0:
            total += coefficient * sp.factorial2(k - 1) * (2 * risk) ** (k // 2) * moment(j)
    return total


def _piece(piece: Piece, law: ResidualLaw, moment: Moment) -> Any:
    value = sp.sympify(piece.value)
    if value.is_polynomial(residual):
        if value.has(residual):
            _check_tail(piece, moment)
        return _polynomial_piece(piece, law)
    return _by_sympy(piece, law) or _panel(piece, law)


def _check_tail(piece: Piece, moment: Moment) -> None:
    if sp.oo in (piece.upper, -piece.lower):
        moment(2 * -(-int(sp.degree(piece.value, residual)) // 2))


def _polynomial_piece(piece: Piece, law: ResidualLaw) -> Any:
    polynomial = sp.Poly(piece.value, residual)
    closed = sp.expand(
        sum(
            times_power(term, power, coefficient).integral(piece.lower, piece.upper)
            for (power,), coefficient in polynomial.terms()
            for term in law.terms
        )
    )
    normal = _normal(law)
    infinite = sp.oo in (piece.upper, -piece.lower)
    plain = polynomial.degree() == 0 and not any(t.power for t in law.terms)
    if normal and (infinite or plain):
        return closed
    panels = sp.Tuple()
    if not normal or polynomial.degree() > _MILD:
        centres = (c for c in law.centres if c != 0)
        panels = sp.Tuple(sp.Tuple(*centres), sp.Integer(law.octaves), sp.Tuple(*law.support))
    density = law.density(residual)
    return PieceIntegral(
        piece.value, residual, piece.lower, piece.upper, closed, law.scale, density, panels
    )


def _normal(law: ResidualLaw) -> bool:
    return all(isinstance(term, PdfTerm) for term in law.terms)


def _by_sympy(piece: Piece, law: ResidualLaw) -> Any:
    """Integrate products of polynomials, exponentials and sines against one normal; else None."""
    whole = (piece.lower, piece.upper) == (-sp.oo, sp.oo)
    if not whole or law.summed or len(law.terms) > 1 or not _elementary(piece.value):
        return None
    integrand = (piece.value * law.density(residual)).doit()
    result = sp.integrate(integrand, (residual, -sp.oo, sp.oo), conds="none")
    return None if result.has(sp.Integral, sp.Piecewise) else sp.simplify(result)


def _elementary(value: Any) -> bool:
    functions = value.atoms(sp.Function)
    if not all(isinstance(f, (sp.exp, sp.sin, sp.cos)) for f in functions):
        return False
    arguments = [f.args[0] for f in functions if f.has(residual)]
    smooth = all(a.is_polynomial(residual) and sp.degree(a, residual) <= 2 for a in arguments)
    return smooth and value.xreplace({f: sp.Dummy() for f in functions}).is_polynomial(residual)


def _panel(piece: Piece, law: ResidualLaw) -> Any:
    ends = [e for e in (piece.lower, piece.upper) if e not in (sp.oo, -sp.oo)]
    centres = sp.Tuple(*dict.fromkeys((sp.S.Zero, *ends, *law.centres)))
    integrand = piece.value * law.density(residual)
    lower, upper = sp.Max(piece.lower, law.support[0]), sp.Min(piece.upper, law.support[1])
    return PanelIntegral(
        integrand, residual, lower, upper, centres, law.scale, sp.Integer(law.octaves)
    )
