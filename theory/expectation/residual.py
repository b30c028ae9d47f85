r"""The law of the residual ℓ = √(2R) Z − ε, written in the class of :mod:`.terms`.

Noise that is a Gaussian mixture gives normal densities; noise with a density that is piecewise
polynomial × exponential gives Gaussian convolutions of it, in closed form (derived here).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import sympy as sp

from ..core.atoms import cdf_between, exp_cdf, normal_pdf
from ..core.nodes import component
from ..core.symbols import risk
from .pieces import Piece, pieces
from .terms import CdfTerm, PdfTerm, Term, normal_moment

#: standard deviations beyond which a Gaussian is below round-off
REACH = 12


@dataclass(frozen=True)
class ResidualLaw:
    """Density of ℓ as a sum of terms, with the width on which it varies.

    ``summed`` marks the law of one generic component, to be summed over a mixture, and ``sampled``
    one whose components are nodes of a quadrature, which do not have its far tails;
    ``centres`` are the points around which it varies, ``octaves`` how far its tails reach and
    ``support`` an interval outside which it is below round-off.
    """

    terms: tuple[Term, ...]
    scale: Any
    centres: tuple[Any, ...]
    octaves: int
    summed: bool = False
    sampled: bool = False
    support: tuple[Any, Any] = (-sp.oo, sp.oo)

    def density(self, x: Any) -> Any:
        return _merged([term.at(x) for term in self.terms])

    def derivative(self, order: int) -> ResidualLaw:
        """Return a law of normal terms with a derivative of its density in the density's place."""
        terms: Any = self.terms
        for _ in range(order):
            terms = tuple(part for term in terms for part in term.derivative())
        return replace(self, terms=terms)


def gaussian(weight: Any, mean: Any, sd: Any) -> ResidualLaw:
    """Residual under one Gaussian component of the noise: N(−mean, 2R + sd²)."""
    tau = sp.sqrt(2 * risk + sd**2)
    term = PdfTerm(weight / tau, 1 / tau, mean / tau)
    return ResidualLaw((term,), tau, (-mean,), octaves=6)


def mixture_component(sampled: bool) -> ResidualLaw:
    """Residual under the generic component j of a mixture, without its weight."""
    _, mean, sd = component
    return replace(gaussian(sp.S.One, mean, sd), summed=True, sampled=sampled)


def convolved(
    density: Any,
    e: sp.Symbol,
    values: Mapping[Any, float],
    centres: tuple[Any, ...],
    powers: bool = False,
) -> ResidualLaw | None:
    """Convolve a piecewise exponential density with N(0, 2R); None if it is not one.

    With ``powers`` also one of polynomials × exponentials: a power of e makes differences of higher
    order, which cancel under wide Gaussians.
    """
    s = sp.sqrt(2 * risk)
    positive = tuple(piece for piece in pieces(density, e, values) if piece.value != 0)
    terms = _terms(positive, e, powers)
    if terms is None:
        return None
    support = (-positive[-1].upper - REACH * s, -positive[0].lower + REACH * s)
    return ResidualLaw(terms, s, centres, octaves=60, support=support)


@lru_cache(maxsize=128)
def _terms(positive: tuple[Piece, ...], e: sp.Symbol, powers: bool) -> tuple[Term, ...] | None:
    """Return the terms of the convolution of a density given by pieces."""
    s = sp.sqrt(2 * risk)
    terms: list[Term] = []
    for piece in positive:
        parts = _exponential_parts(piece.value, e)
        if parts is None or (not powers and any(power for _, power, _ in parts)):
            return None
        for coefficient, power, growth in parts:
            terms += _convolve(coefficient, power, growth, piece.lower, piece.upper, s)
    return tuple(terms)


def _exponential_parts(value: Any, e: sp.Symbol) -> list[tuple[Any, int, Any]] | None:
    """Write ``value`` as Σ coefficient e^power exp(growth e), or None."""
    parts = []
    # what is free of e stays out: expanded, a sum in its denominator would meet the exponential
    outside, inside = value.as_independent(e, as_Add=False)
    for summand in sp.Add.make_args(sp.expand(inside, power_exp=False)):
        constant, factor = summand.as_independent(e, as_Add=False)
        constant *= outside
        exponentials = [f for f in sp.Mul.make_args(factor) if isinstance(f, sp.exp)]
        exponent = sp.expand(sum(f.args[0] for f in exponentials))
        rest = factor / sp.Mul(*exponentials)
        if not (exponent.is_polynomial(e) and rest.is_polynomial(e)):
            return None
        if exponent.has(e) and sp.degree(exponent, e) > 1:
            return None
        power = int(sp.degree(rest, e)) if rest.has(e) else 0
        level = exponent.subs(e, 0)
        parts.append((constant * sp.exp(level), power, exponent.coeff(e, 1)))
    return parts


def _convolve(
    coefficient: Any, power: int, growth: Any, lower: Any, upper: Any, s: Any
) -> list[Term]:
    """Return ∫ c e^k exp(growth e) φ((x+e)/s)/s de over (lower, upper) as terms in x.

    Completing the square, e is normal with mean s² growth − x and standard deviation s, with the
    factor exp(s² growth²/2 − growth x).
    """
    x = sp.Dummy("x", real=True)
    u = sp.Dummy("u")
    mean = s**2 * growth - x
    level = s**2 * growth**2 / 2
    a, b = (e if e in (sp.oo, -sp.oo) else (e - mean) / s for e in (lower, upper))
    weights = sp.Poly(sp.expand((mean + s * u) ** power), u).all_coeffs()[::-1]
    moments = [normal_moment(k, a, b) for k in range(power + 1)]
    total = sp.expand(coefficient * sum(w * m for w, m in zip(weights, moments, strict=True)))
    return [
        _term(summand, x, -growth, level) for summand in sp.Add.make_args(_open(total)) if summand
    ]


def _open(expression: Any) -> Any:
    """Write Φ(b) − Φ(a) as a difference of one-sided probabilities that both vanish at infinity."""

    def split(a: Any, b: Any) -> Any:
        zero = sp.S.Zero
        if a == -sp.oo:
            return exp_cdf(zero, b)
        if b == sp.oo:
            return exp_cdf(zero, -a)
        return exp_cdf(zero, b) - exp_cdf(zero, a)

    return sp.expand(expression.replace(cdf_between, split))


def _term(summand: Any, x: sp.Symbol, growth: Any, level: Any) -> Term:
    constant, factor = summand.as_independent(x, as_Add=False)
    atom = next(iter(factor.atoms(normal_pdf, exp_cdf)))
    argument = sp.expand(atom.args[-1])
    slope, offset = argument.coeff(x, 1), argument.coeff(x, 0)
    rest = factor / atom
    power = int(sp.degree(rest, x)) if rest.has(x) else 0
    if isinstance(atom, exp_cdf):
        return CdfTerm(constant, growth, level, slope, offset, power)
    ratio = growth / slope
    tilt = sp.expand(level - ratio * offset + ratio**2 / 2)
    return PdfTerm(constant * sp.exp(tilt), slope, offset - ratio, power)


def _merged(values: list[Any]) -> Any:
    """Join c Φ(b) − c Φ(a) into c [Φ(b) − Φ(a)], which keeps its accuracy in the tails."""
    total = sp.Add(*values)
    plain = [t for t in sp.Add.make_args(total) if _is_plain_cdf(t)]
    if len(plain) != 2:
        return total
    (c1, z1), (c2, z2) = (_plain_cdf(t) for t in plain)
    if sp.expand(c1 + c2) != 0:
        return total
    return total - sum(plain) + c1 * cdf_between(z2, z1)


def _is_plain_cdf(term: Any) -> bool:
    atoms = term.atoms(exp_cdf)
    return len(atoms) == 1 and next(iter(atoms)).args[0] == 0


def _plain_cdf(term: Any) -> tuple[Any, Any]:
    atom = next(iter(term.atoms(exp_cdf)))
    return sp.expand(term / atom), atom.args[1]
