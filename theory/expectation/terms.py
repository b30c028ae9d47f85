r"""The class of functions that is closed under Gaussian convolution and integration by parts.

A density is a sum of terms of two kinds,

.. math:: c\,x^k e^{\beta x+\gamma}\,\Phi(\alpha x+\zeta) \qquad\text{and}\qquad
          c\,x^k\varphi(\alpha x+\zeta),

with coefficients free of x. Integrating such a term over an interval gives terms of the same kind
at the end points (derived here): the second kind by the moment recursion of the normal law, the
first by parts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from ..core.atoms import cdf_between, exp_cdf, normal_pdf


@dataclass(frozen=True)
class PdfTerm:
    """coefficient · x^power · φ(slope x + offset)."""

    coefficient: Any
    slope: Any
    offset: Any
    power: int = 0

    def at(self, x: Any) -> Any:
        return self.coefficient * x**self.power * normal_pdf(self.slope * x + self.offset)

    def derivative(self) -> list[PdfTerm]:
        """Return the terms of the derivative in x."""
        factor = -self.coefficient * self.slope
        terms = [
            replace(self, coefficient=factor * self.slope, power=self.power + 1),
            replace(self, coefficient=factor * self.offset),
        ]
        if self.power:
            lowered = self.coefficient * self.power
            terms.append(replace(self, coefficient=lowered, power=self.power - 1))
        return [term for term in terms if term.coefficient != 0]

    def integral(self, lower: Any, upper: Any) -> Any:
        """Substitute u = slope x + offset and use the recursion of the normal moments."""
        u = sp.Dummy("u")
        moments = sp.Poly(sp.expand((u - self.offset) ** self.power), u).all_coeffs()[::-1]
        a, b = (_affine(self.slope, self.offset, end) for end in (lower, upper))
        total = sum(c * normal_moment(k, a, b) for k, c in enumerate(moments))
        return self.coefficient * total / self.slope ** (self.power + 1)


@dataclass(frozen=True)
class CdfTerm:
    """coefficient · x^power · exp(growth x + level) · Φ(slope x + offset)."""

    coefficient: Any
    growth: Any
    level: Any
    slope: Any
    offset: Any
    power: int = 0

    def at(self, x: Any) -> Any:
        value = exp_cdf(self.growth * x + self.level, self.slope * x + self.offset)
        return self.coefficient * x**self.power * value

    def integral(self, lower: Any, upper: Any) -> Any:
        """Integrate by parts; at ±∞ the boundary terms of a density vanish."""
        if self.growth == 0:
            return self._vanishing(lower, upper)._plain_integral(lower, upper)
        boundary = _between(self, lower, upper)
        shifted, level = self._tilted()
        pdf = PdfTerm(sp.exp(level) * self.coefficient * self.slope, *shifted, self.power)
        total = boundary - pdf.integral(lower, upper)
        if self.power:
            lowered = replace(self, coefficient=self.coefficient * self.power, power=self.power - 1)
            total -= lowered.integral(lower, upper)
        return total / self.growth

    def _plain_integral(self, lower: Any, upper: Any) -> Any:
        raised = replace(self, power=self.power + 1)
        slope = self.coefficient * self.slope * sp.exp(self.level)
        rest = PdfTerm(slope, self.slope, self.offset, self.power + 1)
        return (_between(raised, lower, upper) - rest.integral(lower, upper)) / (self.power + 1)

    def _vanishing(self, lower: Any, upper: Any) -> CdfTerm:
        """Replace Φ(z) by −Φ(−z) where Φ(z) → 1 at an infinite end.

        The constants cancel: the terms without growth of an integrable density sum to zero there.
        """
        grows = self.slope.is_positive
        if (upper == sp.oo and grows) or (lower == -sp.oo and not grows):
            return replace(
                self, coefficient=-self.coefficient, slope=-self.slope, offset=-self.offset
            )
        return self

    def _tilted(self) -> tuple[tuple[Any, Any], Any]:
        """Complete the square in e^{growth x + level} φ(slope x + offset)."""
        ratio = self.growth / self.slope
        level = sp.expand(self.level - ratio * self.offset + ratio**2 / 2)
        return (self.slope, self.offset - ratio), level


Term = PdfTerm | CdfTerm


def times_power(term: Term, power: int, coefficient: Any) -> Term:
    """Return coefficient · x^power · term."""
    return replace(term, coefficient=coefficient * term.coefficient, power=term.power + power)


def normal_moment(k: int, a: Any, b: Any) -> Any:
    """Return ∫_a^b u^k φ(u) du by the recursion I_k = (k−1) I_{k−2} − [u^{k−1} φ]."""
    if k == 0:
        return cdf_between(a, b)
    edge = _edge(k - 1, b) - _edge(k - 1, a)
    return -edge if k == 1 else (k - 1) * normal_moment(k - 2, a, b) - edge


def _edge(power: int, u: Any) -> Any:
    return sp.S.Zero if u in (sp.oo, -sp.oo) else u**power * normal_pdf(u)


def _affine(slope: Any, offset: Any, x: Any) -> Any:
    if x in (sp.oo, -sp.oo):
        return x if slope.is_positive else -x
    return slope * x + offset


def _between(term: CdfTerm, lower: Any, upper: Any) -> Any:
    ends = [sp.S.Zero if x in (sp.oo, -sp.oo) else term.at(x) for x in (lower, upper)]
    return ends[1] - ends[0]
